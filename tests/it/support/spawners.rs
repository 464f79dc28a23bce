//! Spawners that spawn nothing, or inside the call, or panic.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use futures_shield::{BoxTask, Spawn, spawn_fn};

use super::{Bomb, block_on};

/// Returns a spawner whose executor is gone: it drops what it is given.
pub(crate) fn closed() -> impl Spawn + Clone + Send + Sync + 'static {
    spawn_fn(drop::<BoxTask>)
}

/// Returns a spawner that runs each task inside the call.
pub(crate) fn at_once() -> impl Spawn + Clone + Send + Sync + 'static {
    spawn_fn(|task: BoxTask| block_on(task))
}

/// A spawner whose drop panics, as that of the last owner of an executor may.
pub(crate) struct BombSpawner<S>(S, #[expect(dead_code, reason = "for its drop")] Bomb);

impl<S> BombSpawner<S> {
    pub(crate) fn new(spawner: S) -> Self {
        Self(spawner, Bomb("a spawner"))
    }
}

impl<S: Clone> Clone for BombSpawner<S> {
    fn clone(&self) -> Self {
        Self::new(self.0.clone())
    }
}

impl<S: Spawn> Spawn for BombSpawner<S> {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        self.0.spawn_detached(future);
    }
}

/// Fails its test, at the end of its scope, if one of its spawners was called. A panic in the
/// spawner itself would be contained.
pub(crate) struct Nowhere(Arc<AtomicUsize>);

impl Nowhere {
    pub(crate) fn new() -> Self {
        Self(Arc::default())
    }

    /// Returns a spawner that must not be called.
    pub(crate) fn spawner(&self) -> NowhereSpawner {
        NowhereSpawner(Arc::clone(&self.0))
    }
}

impl Drop for Nowhere {
    fn drop(&mut self) {
        let calls = self.0.load(Ordering::SeqCst);
        assert!(
            calls == 0 || thread::panicking(),
            "spawned {calls} times, and never was right"
        );
    }
}

/// A spawner that must not be called.
#[derive(Clone)]
pub(crate) struct NowhereSpawner(Arc<AtomicUsize>);

impl Spawn for NowhereSpawner {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        self.0.fetch_add(1, Ordering::SeqCst);
        drop(future);
    }
}
