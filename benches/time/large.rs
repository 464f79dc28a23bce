//! Futures of 256 KiB, which are moved as a whole wherever they are moved.

use std::hint::black_box;

use criterion::{BenchmarkId, Criterion};
use futures_shield::ShieldExt;

use crate::drive::{this_thread, time};

async fn large() -> u8 {
    let kept = [7_u8; 256 * 1024];
    tokio::task::yield_now().await;
    black_box(&kept)[0]
}

pub(crate) fn measure(criterion: &mut Criterion) {
    let (runtime, tokio) = this_thread();
    let mut group = criterion.benchmark_group("large");
    let mut measure = |name, run: &dyn Fn(u64) -> _| {
        group.bench_function(BenchmarkId::new(name, "256KiB"), |bencher| bencher.iter_custom(run));
    };
    measure("box_pin", &|n| time(&runtime, 1, n, move || Box::pin(large())));
    measure("shield_on_drop", &|n| {
        time(&runtime, 1, n, move || large().shield_on_drop(tokio))
    });
    measure("tokio_spawn", &|n| time(&runtime, 1, n, move || tokio::spawn(large())));
    measure("tokio_shield", &|n| {
        time(&runtime, 1, n, move || tokio_shield::Shield::shield(large()))
    });
    measure("shield", &|n| time(&runtime, 1, n, move || large().shield(tokio)));
    group.finish();
}
