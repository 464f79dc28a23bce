//! Spawners from closures.

use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::pin::Pin;

use super::{Spawn, SpawnLocal};
use crate::util::contain::Contained;

/// A boxed unit future: the argument of the closure given to [`spawn_fn`].
///
/// # Examples
///
/// ```
/// use std::sync::mpsc;
/// use futures_shield::{BoxTask, ShieldExt, spawn_fn};
///
/// let (queue, tasks) = mpsc::channel::<BoxTask>();
/// let spawner = spawn_fn(move |task| drop(queue.send(task)));
///
/// let shield = async { 7 }.shield(&spawner);
/// futures_executor::block_on(tasks.recv().unwrap());
/// assert!(shield.is_finished());
/// ```
pub type BoxTask = Pin<Box<dyn Future<Output = ()> + Send + 'static>>;

/// A boxed unit future that is not `Send`: the argument of the closure given to [`spawn_local_fn`].
///
/// # Examples
///
/// ```
/// use std::cell::RefCell;
/// use futures_shield::{LocalBoxTask, ShieldExt, spawn_local_fn};
///
/// let tasks = RefCell::new(Vec::<LocalBoxTask>::new());
/// let spawner = spawn_local_fn(|task| tasks.borrow_mut().push(task));
///
/// let shield = async { std::rc::Rc::new(7) }.shield_local(&spawner);
/// let task = tasks.borrow_mut().pop();
/// futures_executor::block_on(task.unwrap());
/// assert!(shield.is_finished());
/// ```
pub type LocalBoxTask = Pin<Box<dyn Future<Output = ()> + 'static>>;

/// Creates a [`Spawn`] from a closure that spawns a boxed unit future.
///
/// The closure keeps the rules of [`Spawn`].
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
pub const fn spawn_fn<F: Fn(BoxTask)>(spawn: F) -> SpawnFn<F> {
    SpawnFn {
        spawn: Contained::new(spawn),
    }
}

/// Creates a [`SpawnLocal`] from a closure that spawns a boxed `!Send` unit future.
///
/// The closure keeps the rules of [`SpawnLocal`].
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
pub const fn spawn_local_fn<F: Fn(LocalBoxTask)>(spawn: F) -> SpawnLocalFn<F> {
    SpawnLocalFn {
        spawn: Contained::new(spawn),
    }
}

/// Spawner created by [`spawn_fn`].
///
/// [`spawn_fn`] is a `const fn`, so a spawner can be a `static`:
///
/// ```
/// use futures_shield::{BoxTask, ShieldExt, SpawnFn, spawn_fn};
///
/// static THREADS: SpawnFn<fn(BoxTask)> =
///     spawn_fn(|task| drop(std::thread::spawn(|| futures_executor::block_on(task))));
///
/// assert_eq!(futures_executor::block_on(async { 7 }.shield(&THREADS)), 7);
/// ```
#[derive(Clone)]
pub struct SpawnFn<F> {
    spawn: Contained<F>,
}

/// Spawner created by [`spawn_local_fn`].
#[derive(Clone)]
pub struct SpawnLocalFn<F> {
    spawn: Contained<F>,
}

impl<S: Fn(BoxTask)> Spawn for SpawnFn<S> {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        (self.spawn)(Box::pin(future));
    }
}

impl<S: Fn(LocalBoxTask)> SpawnLocal for SpawnLocalFn<S> {
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
