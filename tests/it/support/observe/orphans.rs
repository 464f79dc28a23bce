//! What the tests of work that may be orphaned share: a hook that tells, work behind a gate, spawners that spawn nothing.

use std::future::Future;

use futures_shield::{BoxTask, ShieldError, Spawn, spawn_fn};
use tokio::sync::oneshot;

pub(crate) type Outcome<T> = Result<T, ShieldError>;

/// A hook, and where it tells its outcome. It tells an error where it was dropped without being run.
pub(crate) fn hook<T: Send + 'static>() -> (impl FnOnce(Outcome<T>) + Send + 'static, oneshot::Receiver<Outcome<T>>) {
    let (tell, told) = oneshot::channel();
    (move |outcome| drop(tell.send(outcome)), told)
}

/// What a hook has told by now.
pub(crate) fn heard<T>(told: &mut oneshot::Receiver<Outcome<T>>) -> Outcome<T> {
    told.try_recv().expect("the hook has run")
}

pub(crate) fn was_silent<T>(told: &mut oneshot::Receiver<Outcome<T>>) -> bool {
    matches!(told.try_recv(), Err(oneshot::error::TryRecvError::Closed))
}

/// Work that waits for its gate, and the gate.
pub(crate) fn gated() -> (impl Future<Output = u32> + Send + 'static, oneshot::Sender<u32>) {
    let (open, gate) = oneshot::channel();
    (async move { gate.await.unwrap() }, open)
}

/// A spawner that must not be called.
pub(crate) fn nowhere() -> impl Spawn + Clone + Send + Sync + 'static {
    spawn_fn(|_: BoxTask| panic!("nothing was to be spawned"))
}

/// A spawner that has no executor any more.
pub(crate) fn closed() -> impl Spawn + Clone + Send + Sync + 'static {
    spawn_fn(drop::<BoxTask>)
}
