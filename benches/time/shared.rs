//! One tracker, shared by all threads.

use criterion::{BenchmarkId, Criterion, Throughput};
use futures_shield::{ShieldExt, Tracker};
use tokio_util::task::TaskTracker;

use crate::drive::{ready, time, workers};

pub(crate) fn measure(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("shared");
    group.throughput(Throughput::Elements(1));
    for threads in [1, 2] {
        let (runtime, tokio) = workers(threads);
        let tracker = Tracker::new(tokio);
        let task_tracker = TaskTracker::new();
        group.bench_function(BenchmarkId::new("task_tracker", threads), |bencher| {
            bencher.iter_custom(|n| {
                let tracker = task_tracker.clone();
                time(&runtime, threads, n, move || tracker.spawn(ready()))
            });
        });
        group.bench_function(BenchmarkId::new("tracker", threads), |bencher| {
            bencher.iter_custom(|n| {
                let tracker = tracker.clone();
                time(&runtime, threads, n, move || ready().shield(&tracker))
            });
        });
    }
    group.finish();
}
