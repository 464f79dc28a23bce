//! Every executor that implements the spawner traits of the futures crate.

use std::future::Future;

use futures_task::{FutureObj, LocalFutureObj, LocalSpawn};

use crate::spawn::{Spawn, SpawnLocal};
use crate::util::contain::Contained;

/// Any executor that implements `futures_task::Spawn` or `futures_task::LocalSpawn`: the futures
/// crate's `ThreadPool` and `LocalSpawner`, GLib's `MainContext`, and others.
///
/// If the executor is gone, the future is dropped.
///
/// # Examples
///
/// ```
/// use futures_shield::{FuturesSpawner, ShieldExt};
///
/// let pool = FuturesSpawner::new(futures_executor::ThreadPool::new().unwrap());
/// assert_eq!(futures_executor::block_on(async { 7 }.shield(&pool)), 7);
/// ```
#[derive(Clone, Debug)]
pub struct FuturesSpawner<S> {
    spawner: Contained<S>,
}

impl<S> FuturesSpawner<S> {
    /// Creates a spawner from an executor that implements the traits of the futures crate.
    pub const fn new(spawner: S) -> Self {
        Self {
            spawner: Contained::new(spawner),
        }
    }
}

impl<S: futures_task::Spawn> Spawn for FuturesSpawner<S> {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        // An error means that the executor is gone. It has dropped the future, and that ends the
        // shield.
        let _ = self.spawner.spawn_obj(FutureObj::new(Box::new(future)));
    }
}

impl<S: LocalSpawn> SpawnLocal for FuturesSpawner<S> {
    fn spawn_local_detached<F: Future<Output = ()> + 'static>(&self, future: F) {
        // As above.
        let _ = self.spawner.spawn_local_obj(LocalFutureObj::new(Box::new(future)));
    }
}
