use futures_shield::{Spawn, Tokio};
use guarden::task::{BoxTask, DetachableTask};

/// What a user writes who does not want a handle to be looked up, and reference-counted, for each task.
fn spawn(tokio: &Tokio, task: BoxTask<impl Future + Send + 'static>) {
    tokio.spawn_detached(async {
        let _ = task.await;
    });
}

futures_shield_benches::contender!(tokio, |tokio| DetachableTask::new(
    |task: BoxTask<_>| spawn(tokio, task),
    ready()
)
.await);
