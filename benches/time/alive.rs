//! What a shield costs while many are alive.

use std::future::pending;
use std::hint::black_box;

use criterion::{BenchmarkId, Criterion, SamplingMode, Throughput};
use futures_shield::{ShieldExt, Tracker};

use crate::drive::{ready, this_thread, time};

const ALIVE: [usize; 4] = [1, 1_000, 100_000, 1_000_000];

pub(crate) fn measure(criterion: &mut Criterion) {
    one_of(criterion);
    all_of(criterion);
}

/// One that comes and goes, and the others stay.
fn one_of(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("one_of");
    for alive in ALIVE {
        let (runtime, tokio) = this_thread();
        let tracker: &Tracker<_> = Box::leak(Box::new(Tracker::new(tokio)));
        let others: Vec<_> = (1..alive).map(|_| pending::<u64>().shield(tracker)).collect();
        // Each of them is polled, and out of the queue.
        time(&runtime, 1, alive as u64, || tokio::spawn(ready()));

        let mut measure = |name, run: &dyn Fn(u64) -> _| {
            group.bench_function(BenchmarkId::new(name, alive), |bencher| bencher.iter_custom(run));
        };
        measure("tokio_spawn", &|n| time(&runtime, 1, n, move || tokio::spawn(ready())));
        measure("shield", &|n| time(&runtime, 1, n, move || ready().shield(tokio)));
        measure("tracker", &|n| time(&runtime, 1, n, move || ready().shield(tracker)));
        drop(runtime);
        drop(others);
    }
    group.finish();
}

/// All of them are made, then all of them are awaited.
fn all_of(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("all_of");
    group.sampling_mode(SamplingMode::Flat);
    for alive in ALIVE {
        let (runtime, tokio) = this_thread();
        group.throughput(Throughput::Elements(alive as u64));
        group.bench_function(BenchmarkId::new("tokio_spawn", alive), |bencher| {
            bencher.iter(|| {
                runtime.block_on(async {
                    let all: Vec<_> = (0..alive).map(|_| tokio::spawn(ready())).collect();
                    for one in all {
                        black_box(one.await.expect("it does not panic"));
                    }
                });
            });
        });
        group.bench_function(BenchmarkId::new("shield", alive), |bencher| {
            bencher.iter(|| {
                runtime.block_on(async {
                    let all: Vec<_> = (0..alive).map(|_| ready().shield(tokio)).collect();
                    for one in all {
                        black_box(one.await);
                    }
                });
            });
        });
    }
    group.finish();
}
