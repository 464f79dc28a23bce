//! From a caller's drop until it returns, with the work half-way.

use std::hint::black_box;
use std::time::{Duration, Instant};

use criterion::{BenchmarkId, Criterion};
use futures::FutureExt;
use futures_shield::{ShieldExt, Tokio};
use futures_shield_benches::heap::pending;
use guarden::task::DetachableTask;

use crate::drive::this_thread;

/// How many callers leave one runtime, before the next one is made.
const CALLERS: u64 = 1_000;

pub(crate) fn measure(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("depart");
    let mut measure = |name, run: &dyn Fn(u64) -> Duration| {
        group.bench_function(BenchmarkId::new(name, "drop"), |bencher| bencher.iter_custom(run));
    };
    measure("box_pin", &|n| time(n, |_| Box::pin(pending())));
    measure("tokio_spawn", &|n| time(n, |_| tokio::spawn(pending())));
    measure("tokio_shield", &|n| {
        time(n, |_| tokio_shield::Shield::shield(pending()))
    });
    measure("shield", &|n| time(n, |tokio| pending().shield(tokio)));
    measure("shield_on_orphan", &|n| {
        time(n, |tokio| {
            pending().shield(tokio).on_orphan(|outcome| {
                black_box(outcome.is_ok());
            })
        })
    });
    measure("shield_on_drop", &|n| time(n, |tokio| pending().shield_on_drop(tokio)));
    measure("tokio_cancel_guard", &|n| {
        time(n, |_| tokio_cancel_guard::Shield::new(pending()))
    });
    measure("guarden", &|n| {
        time(n, |_| DetachableTask::from(pending()).into_future())
    });
    group.finish();
}

/// The time that `iterations` drops take. What is dropped was polled, as was its work.
fn time<F: Future + Unpin>(iterations: u64, make: impl Fn(&'static Tokio) -> F) -> Duration {
    let mut spent = Duration::ZERO;
    let mut left = iterations;
    while left > 0 {
        let count = left.min(CALLERS);
        left -= count;
        let (runtime, tokio) = this_thread();
        runtime.block_on(async {
            let mut callers: Vec<_> = (0..count).map(|_| make(tokio)).collect();
            for caller in &mut callers {
                assert!(caller.now_or_never().is_none());
            }
            tokio::task::yield_now().await;
            let start = Instant::now();
            drop(callers);
            spent += start.elapsed();
        });
    }
    spent
}
