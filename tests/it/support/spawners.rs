//! Spawners that spawn nothing.

use std::future::Future;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use futures_shield::{BoxTask, Spawn, spawn_fn};

/// Returns a spawner whose executor is gone: it drops what it is given.
pub(crate) fn closed() -> impl Spawn + Clone + Send + Sync + 'static {
    spawn_fn(drop::<BoxTask>)
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
