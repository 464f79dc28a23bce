//! How operations are run many times.

use std::hint::black_box;
use std::time::{Duration, Instant};

use futures_shield::Tokio;
use tokio::runtime::{Builder, Runtime};

pub(crate) async fn ready() -> u64 {
    black_box(7)
}

/// A runtime with as many workers, and its spawner. Leaked: operations are handed to its tasks by reference.
pub(crate) fn workers(count: usize) -> (Runtime, &'static Tokio) {
    let runtime = Builder::new_multi_thread().worker_threads(count).build();
    with_spawner(runtime.expect("a runtime without drivers"))
}

/// A runtime on this thread, and its spawner.
pub(crate) fn this_thread() -> (Runtime, &'static Tokio) {
    let runtime = Builder::new_current_thread().build();
    with_spawner(runtime.expect("a runtime without drivers"))
}

fn with_spawner(runtime: Runtime) -> (Runtime, &'static Tokio) {
    let tokio = Tokio::from(runtime.handle().clone());
    (runtime, Box::leak(Box::new(tokio)))
}

/// Does `operation` `iterations` times in all, from as many tasks at once as there are workers, one after another in each.
pub(crate) fn time<F>(
    runtime: &Runtime,
    workers: usize,
    iterations: u64,
    operation: impl Fn() -> F + Clone + Send + 'static,
) -> Duration
where
    F: Future + Send,
{
    let each = iterations.div_ceil(workers as u64);
    let tasks = (0..workers).map(|_| {
        let operation = operation.clone();
        async move {
            for _ in 0..each {
                black_box(operation().await);
            }
        }
    });
    let start = Instant::now();
    runtime.block_on(async {
        let tasks: Vec<_> = tasks.map(tokio::spawn).collect();
        for task in tasks {
            task.await.expect("no operation panics");
        }
    });
    start.elapsed()
}
