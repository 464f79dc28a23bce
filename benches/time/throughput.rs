//! Operations a second, on one worker thread and on two.

use criterion::measurement::WallTime;
use criterion::{BenchmarkGroup, BenchmarkId, Criterion, Throughput};
use futures::FutureExt;
use futures_shield::{ShieldExt, Spawn};
use smol::Executor;
use std::hint::black_box;
use std::thread;
use std::time::{Duration, Instant};

use crate::drive::{ready, time, workers};

pub(crate) fn measure(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("throughput");
    group.throughput(Throughput::Elements(1));
    for threads in [1, 2] {
        let (runtime, tokio) = workers(threads);
        let mut on_tokio = |name, run: &dyn Fn(u64) -> Duration| {
            group.bench_function(BenchmarkId::new(name, threads), |bencher| bencher.iter_custom(run));
        };
        on_tokio("box_pin", &|n| time(&runtime, threads, n, move || Box::pin(ready())));
        on_tokio("shield_on_drop", &|n| {
            time(&runtime, threads, n, move || ready().shield_on_drop(tokio))
        });
        on_tokio("tokio_spawn", &|n| {
            time(&runtime, threads, n, move || tokio::spawn(ready()))
        });
        on_tokio("tokio_shield", &|n| {
            time(&runtime, threads, n, move || tokio_shield::Shield::shield(ready()))
        });
        on_tokio("shield", &|n| time(&runtime, threads, n, move || ready().shield(tokio)));
        on_tokio("remote_handle", &|n| {
            time(&runtime, threads, n, move || {
                let (remote, handle) = ready().remote_handle();
                tokio.spawn_detached(remote);
                handle
            })
        });
        on_smol(&mut group, "smol_spawn", threads, |executor| executor.spawn(ready()));
        on_smol(&mut group, "smol_shield", threads, |executor| ready().shield(executor));
    }
    group.finish();
}

fn on_smol<F: Future>(
    group: &mut BenchmarkGroup<'_, WallTime>,
    name: &str,
    threads: usize,
    operation: impl Fn(&'static Executor<'static>) -> F + Sync,
) {
    let executor: &Executor<'_> = Box::leak(Box::new(Executor::new()));
    group.bench_function(BenchmarkId::new(name, threads), |bencher| {
        bencher.iter_custom(|iterations| {
            let each = iterations.div_ceil(threads as u64);
            let start = Instant::now();
            thread::scope(|scope| {
                for _ in 0..threads {
                    scope.spawn(|| {
                        smol::future::block_on(executor.run(async {
                            for _ in 0..each {
                                black_box(operation(executor).await);
                            }
                        }));
                    });
                }
            });
            start.elapsed()
        });
    });
}
