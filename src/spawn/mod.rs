//! The one thing that a runtime must do for this crate: run a unit future to its end.

mod dyn_spawner;
pub(crate) mod handover;
mod isolated;
#[cfg(feature = "async-task")]
mod schedule_fn;
mod spawn_fn;

use std::future::Future;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

pub use self::dyn_spawner::DynSpawner;
pub(crate) use self::isolated::Isolated;
#[cfg(feature = "async-task")]
pub use self::schedule_fn::{Runnable, ScheduleFn, schedule_fn};
pub use self::spawn_fn::{BoxTask, LocalBoxTask, SpawnFn, SpawnLocalFn, spawn_fn, spawn_local_fn};
pub use crate::ledger::InlineEntry;
use crate::util::call::Call;

/// Returns the location of the user's call whose work is being spawned.
///
/// Inside a call to a spawner, that is the `.shield*()` call. For a future that is spawned directly
/// on a [`Tracker`](crate::Tracker) or a [`DynSpawner`], it is the call that spawns it. Anywhere
/// else it is `None`, even in work, hooks, wakers and drops that happen to run inside the call to a
/// spawner.
///
/// # Examples
///
/// A spawner that names its tasks after the line that shields them, as one over
/// `tokio::task::Builder` would:
///
/// ```
/// use futures_shield::{BoxTask, ShieldExt, spawn_fn, spawn_location};
///
/// let pool = futures_executor::ThreadPool::new().unwrap();
/// let spawner = spawn_fn(move |task: BoxTask| {
///     let name = spawn_location().map(ToString::to_string);
///     assert!(name.unwrap().starts_with(file!()));
///     pool.spawn_ok(task);
/// });
/// assert_eq!(futures_executor::block_on(async { 7 }.shield(&spawner)), 7);
/// assert_eq!(spawn_location(), None);
/// ```
#[must_use]
pub fn spawn_location() -> Option<&'static Location<'static>> {
    Call::current().location()
}

/// An executor that futures can be handed to from any thread.
///
/// Implementing it takes five lines; this crate's own adapters are written that way. The method is
/// not called `spawn`, so that with this trait in scope `executor.spawn(..)` is still the
/// executor's own method.
///
/// An implementation keeps these rules:
///
/// - It can be called from anywhere: any thread, inside or outside of the runtime's context, in
///   `Drop`, while the thread unwinds. So look ambient state up when the spawner is created, not in
///   this method.
/// - If it can take no more work, it drops the future and does not panic. The shield then ends as
///   cancelled.
/// - Dropping the runtime drops the futures that it still holds.
/// - A spawner that wraps another one calls it on the same thread, inside its own call, and
///   forwards [`track_inline`](Spawn::track_inline). If it does not forward that, a
///   [`Tracker`](crate::Tracker) inside does not count work that runs inline. If it spawns from
///   another thread, a tracker inside counts the work at the wrapper's line, never as an orphan,
///   and a second time if the work ran inline. A closure cannot forward: write
///   `Tracker::new(spawn_fn(..))`, not `spawn_fn(.. tracker ..)`.
/// - If it spawns something of its own inside the call, it shields it:
///   `.shield(&tracker).detach()`. A tracker or a [`DynSpawner`] assumes that the first future that
///   is spawned on it inside the call is the work.
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
    note = "a tokio `Runtime` is not a spawner: pass `runtime.handle()`",
    note = "or make a spawner of any executor: `spawn_fn(|task| ..)`, or `impl Spawn for ..` in five lines",
    note = "an executor for futures that are not `Send` goes with the methods that end in `_local`"
)]
pub trait Spawn {
    /// Runs `future` to its end, whatever becomes of the caller.
    ///
    /// # Panics
    ///
    /// An implementation does not panic: if the executor is gone, it drops the future.
    #[track_caller]
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F);

    /// Spawns what a shield has made of its work. That is contained, and hides the call that it may
    /// be polled in. A tracker need not do so again, unless a spawner around it has wrapped the
    /// work: then it gets that through [`spawn_detached`](Spawn::spawn_detached).
    #[doc(hidden)]
    #[inline]
    #[track_caller]
    fn spawn_work<F: Future<Output = ()> + Send + 'static>(&self, work: F) {
        self.spawn_detached(work);
    }

    /// Counts work that runs inside its caller, shielded at `location`.
    ///
    /// A shield calls it when such work is created, before it is first polled. Only a
    /// [`Tracker`](crate::Tracker) counts; a spawner that wraps another one forwards the call to
    /// it, as the example of [`InlineEntry`] does.
    #[inline]
    fn track_inline(&self, location: &'static Location<'static>) -> InlineEntry {
        let _ = location;
        InlineEntry::none()
    }
}

/// An executor that runs futures on the thread that hands them over, so that they need not be
/// `Send`.
///
/// The rules are those of [`Spawn`], except that it is called on the thread that the future stays
/// on.
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
///         // If the pool is gone, it drops the future.
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
    /// An implementation does not panic: if the executor is gone, it drops the future.
    #[track_caller]
    fn spawn_local_detached<F: Future<Output = ()> + 'static>(&self, future: F);

    /// Spawns what a shield has made of its work, as [`Spawn::spawn_work`] does.
    #[doc(hidden)]
    #[inline]
    #[track_caller]
    fn spawn_local_work<F: Future<Output = ()> + 'static>(&self, work: F) {
        self.spawn_local_detached(work);
    }

    /// Counts work that runs inside its caller, as [`Spawn::track_inline`] does.
    #[inline]
    fn track_inline_local(&self, location: &'static Location<'static>) -> InlineEntry {
        let _ = location;
        InlineEntry::none()
    }
}

macro_rules! forward {
    ($($pointer:ty),*) => {$(
        impl<S: Spawn> Spawn for $pointer {
            #[inline]
            fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
                (**self).spawn_detached(future);
            }

            #[inline]
            fn spawn_work<F: Future<Output = ()> + Send + 'static>(&self, work: F) {
                (**self).spawn_work(work);
            }

            #[inline]
            fn track_inline(&self, location: &'static Location<'static>) -> InlineEntry {
                (**self).track_inline(location)
            }
        }

        impl<S: SpawnLocal> SpawnLocal for $pointer {
            #[inline]
            fn spawn_local_detached<F: Future<Output = ()> + 'static>(&self, future: F) {
                (**self).spawn_local_detached(future);
            }

            #[inline]
            fn spawn_local_work<F: Future<Output = ()> + 'static>(&self, work: F) {
                (**self).spawn_local_work(work);
            }

            #[inline]
            fn track_inline_local(&self, location: &'static Location<'static>) -> InlineEntry {
                (**self).track_inline_local(location)
            }
        }
    )*};
}

forward!(&S, Box<S>, Rc<S>, Arc<S>);
