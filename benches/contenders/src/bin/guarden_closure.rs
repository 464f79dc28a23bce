//! `guarden::DetachableTask::new(|task| .., f).await`

use futures_shield::{Spawn, Tokio};
use guarden::task::{BoxTask, DetachableTask};

/// What a user writes who does not want to look up a handle for each task.
fn spawn(tokio: &Tokio, task: BoxTask<impl Future + Send + 'static>) {
    tokio.spawn_detached(async {
        let _ = task.await;
    });
}

futures_shield_contenders::contender!(Tokio, |tokio, work| DetachableTask::new(
    |task: BoxTask<_>| spawn(tokio, task),
    work()
)
.into_future());
