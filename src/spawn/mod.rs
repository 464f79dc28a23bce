//! The one thing a runtime must do for this crate: run a unit future to its end.

mod dyn_spawner;
pub(crate) mod location;
#[cfg(feature = "async-task")]
mod schedule_fn;
mod spawn_fn;

use std::future::Future;
use std::rc::Rc;
use std::sync::Arc;

pub use self::dyn_spawner::DynSpawner;
#[cfg(feature = "async-task")]
pub use self::schedule_fn::{Runnable, ScheduleFn, schedule_fn};
pub use self::spawn_fn::{BoxTask, LocalBoxTask, SpawnFn, SpawnLocalFn, spawn_fn, spawn_local_fn};

/// An executor that futures can be handed to from any thread.
///
/// Five lines make a spawner of any executor; the adapters behind this crate's features are written just so. The method
/// is not called `spawn`, so that with this trait in scope `executor.spawn(..)` is still the executor's own.
///
/// An implementation keeps three rules:
///
/// - It can be called from anywhere: any thread, in or out of the runtime's context, in `Drop`, while unwinding. So
///   look ambient state up where the spawner is made, not in here.
/// - When it can take no more work, it drops the future and does not panic. The shield then ends as cancelled.
/// - Dropping the runtime drops the futures it still holds.
///
/// A generic library takes `S: Spawn + Clone + Send + Sync + 'static`.
///
/// # Examples
///
/// ```
/// use std::future::Future;
/// use futures_shield::{ShieldExt, Spawn};
///
/// struct Pool(futures_executor::ThreadPool);
///
/// impl Spawn for Pool {
///     fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
///         self.0.spawn_ok(future);
///     }
/// }
///
/// let pool = Pool(futures_executor::ThreadPool::new().unwrap());
/// let sum = futures_executor::block_on(async { 1 + 1 }.shield(&pool));
/// assert_eq!(sum, 2);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a spawner",
    label = "not something that `Send` futures can be spawned on",
    note = "pass a runtime: `Tokio::current()`, `Smol`, `AsyncStd`, a tokio `Handle`, a smol `Executor` (each behind its feature)",
    note = "or make a spawner of any executor: `spawn_fn(|task| ..)`, or `impl Spawn for ..` in five lines",
    note = "an executor for futures that are not `Send` goes with the methods that end in `_local`"
)]
pub trait Spawn {
    /// Runs `future` to its end, whatever becomes of the caller.
    ///
    /// # Panics
    ///
    /// It should not: where the executor is gone, it drops the future.
    ///
    /// # Examples
    ///
    /// See [`Spawn`].
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F);
}

/// An executor that runs futures on the thread they are handed over on, so that they need not be `Send`.
///
/// The rules are those of [`Spawn`], but for the thread.
///
/// # Examples
///
/// ```
/// use std::future::Future;
/// use futures_executor::LocalSpawner;
/// use futures_shield::{ShieldExt, SpawnLocal};
/// use futures_util::task::LocalSpawnExt;
///
/// struct Here(LocalSpawner);
///
/// impl SpawnLocal for Here {
///     fn spawn_local_detached<F: Future<Output = ()> + 'static>(&self, future: F) {
///         // Where the pool is gone, the future is dropped.
///         let _ = self.0.spawn_local(future);
///     }
/// }
///
/// let mut pool = futures_executor::LocalPool::new();
/// let here = Here(pool.spawner());
/// let shield = async { std::rc::Rc::new(7) }.shield_local(&here);
/// assert_eq!(*pool.run_until(shield), 7);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a spawner of local futures",
    label = "not something that futures which are not `Send` can be spawned on",
    note = "pass a tokio `LocalSet`, `TokioLocal`, a smol `LocalExecutor` (each behind its feature)",
    note = "or make a spawner of any executor: `spawn_local_fn(|task| ..)`, or `impl SpawnLocal for ..` in five lines",
    note = "an executor that takes `Send` futures goes with the methods without `_local`"
)]
pub trait SpawnLocal {
    /// Runs `future` to its end on this thread, whatever becomes of the caller.
    ///
    /// # Panics
    ///
    /// It should not: where the executor is gone, it drops the future.
    ///
    /// # Examples
    ///
    /// See [`SpawnLocal`].
    fn spawn_local_detached<F: Future<Output = ()> + 'static>(&self, future: F);
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<S: Spawn> Spawn for $pointer {
            #[inline]
            #[track_caller]
            fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
                (**self).spawn_detached(future);
            }
        }

        impl<S: SpawnLocal> SpawnLocal for $pointer {
            #[inline]
            #[track_caller]
            fn spawn_local_detached<F: Future<Output = ()> + 'static>(&self, future: F) {
                (**self).spawn_local_detached(future);
            }
        }
    )*};
}

forward!(&S, Box<S>, Rc<S>, Arc<S>);
