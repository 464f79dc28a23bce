//! Spawners from closures.

use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use crate::spawn::{Spawn, SpawnLocal};

/// A unit future as the closure given to [`spawn_fn`] gets it.
///
/// # Examples
///
/// See [`spawn_fn`].
pub type BoxTask = Pin<Box<dyn Future<Output = ()> + Send + 'static>>;

/// A unit future as the closure given to [`spawn_local_fn`] gets it.
///
/// # Examples
///
/// See [`spawn_local_fn`].
pub type LocalBoxTask = Pin<Box<dyn Future<Output = ()> + 'static>>;

/// Makes a spawner of a closure that takes a boxed unit future.
///
/// The rules for the closure are those of [`Spawn`].
///
/// # Panics
///
/// This call does not.
///
/// # Examples
///
/// ```
/// use futures_shield::{ShieldExt, spawn_fn};
///
/// let pool = futures_executor::ThreadPool::new().unwrap();
/// let spawner = spawn_fn(move |task| pool.spawn_ok(task));
/// assert_eq!(futures_executor::block_on(async { 7 }.shield(&spawner)), 7);
/// ```
pub fn spawn_fn<F: Fn(BoxTask)>(spawn: F) -> SpawnFn<F> {
    SpawnFn { spawn }
}

/// Makes a spawner of local futures of a closure that takes a boxed one.
///
/// The rules for the closure are those of [`SpawnLocal`].
///
/// # Panics
///
/// This call does not.
///
/// # Examples
///
/// ```
/// use futures_shield::{ShieldExt, spawn_local_fn};
/// use futures_util::task::LocalSpawnExt;
///
/// let mut pool = futures_executor::LocalPool::new();
/// let here = pool.spawner();
/// let spawner = spawn_local_fn(move |task| here.spawn_local(task).unwrap_or_default());
/// assert_eq!(pool.run_until(async { 7 }.shield_local(&spawner)), 7);
/// ```
pub fn spawn_local_fn<F: Fn(LocalBoxTask)>(spawn: F) -> SpawnLocalFn<F> {
    SpawnLocalFn { spawn }
}

/// Spawner made by [`spawn_fn`].
///
/// # Examples
///
/// See [`spawn_fn`].
#[derive(Clone)]
pub struct SpawnFn<F> {
    spawn: F,
}

/// Spawner made by [`spawn_local_fn`].
///
/// # Examples
///
/// See [`spawn_local_fn`].
#[derive(Clone)]
pub struct SpawnLocalFn<F> {
    spawn: F,
}

impl<S: Fn(BoxTask)> Spawn for SpawnFn<S> {
    #[inline]
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        (self.spawn)(Box::pin(future));
    }
}

impl<S: Fn(LocalBoxTask)> SpawnLocal for SpawnLocalFn<S> {
    #[inline]
    fn spawn_local_detached<F: Future<Output = ()> + 'static>(&self, future: F) {
        (self.spawn)(Box::pin(future));
    }
}

impl<F> fmt::Debug for SpawnFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpawnFn({})", type_name::<F>())
    }
}

impl<F> fmt::Debug for SpawnLocalFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SpawnLocalFn({})", type_name::<F>())
    }
}
