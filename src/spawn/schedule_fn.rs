//! Any executor that can run a closure, by way of async-task.

use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::sync::Arc;

use super::Spawn;
use crate::util::contain::Contained;

/// Creates a spawner from a closure that schedules a [`Runnable`], for any executor that can run a
/// closure.
///
/// `schedule` is called with a [`Runnable`] each time the work can continue. It must arrange for
/// [`run`](Runnable::run) to be called once, on any thread, and must not call it before returning.
/// If the runnable is dropped instead, the work is cancelled. If the work is pending and has stored
/// its waker nowhere, it can never continue, and its shield never ends.
///
/// # Examples
///
/// A queue and a thread are an executor:
///
/// ```
/// use std::{sync::mpsc, thread};
/// use futures_shield::{Runnable, ShieldExt, schedule_fn};
///
/// let (queue, runnables) = mpsc::channel::<Runnable>();
/// thread::spawn(move || runnables.into_iter().for_each(|runnable| runnable.run()));
///
/// let spawner = schedule_fn(move |runnable| drop(queue.send(runnable)));
/// assert_eq!(futures_executor::block_on(async { 7 }.shield(&spawner)), 7);
/// ```
pub fn schedule_fn<F>(schedule: F) -> ScheduleFn<F>
where
    F: Fn(Runnable) + Send + Sync + 'static,
{
    ScheduleFn {
        schedule: Arc::new(Contained::new(schedule)),
    }
}

/// Spawner returned by [`schedule_fn`].
pub struct ScheduleFn<F> {
    schedule: Arc<Contained<F>>,
}

impl<S> Spawn for ScheduleFn<S>
where
    S: Fn(Runnable) + Send + Sync + 'static,
{
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        let schedule = Arc::clone(&self.schedule);
        let (runnable, task) = async_task::spawn(future, move |runnable| schedule(Runnable { runnable }));
        task.detach();
        runnable.schedule();
    }
}

impl<F> Clone for ScheduleFn<F> {
    fn clone(&self) -> Self {
        Self {
            schedule: Arc::clone(&self.schedule),
        }
    }
}

impl<F> fmt::Debug for ScheduleFn<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ScheduleFn({})", type_name::<F>())
    }
}

/// Work that can continue: one call of [`run`](Runnable::run) polls it once.
///
/// # Examples
///
/// ```
/// use std::sync::mpsc;
/// use futures_shield::{Runnable, ShieldExt, schedule_fn};
///
/// let (queue, runnables) = mpsc::channel::<Runnable>();
/// let spawner = schedule_fn(move |runnable| drop(queue.send(runnable)));
///
/// let shield = async { 7 }.shield(&spawner);
/// runnables.recv().unwrap().run();
/// assert!(shield.is_finished());
/// ```
#[must_use = "work whose runnable is dropped is cancelled: `run()` it"]
#[derive(Debug)]
pub struct Runnable {
    runnable: async_task::Runnable,
}

impl Runnable {
    /// Polls the work once. If it is pending, it is scheduled again when it is woken.
    ///
    /// # Panics
    ///
    /// Panics if a future that was spawned directly, without a shield, panics. A panic of shielded
    /// work does not pass through this call.
    pub fn run(self) {
        self.runnable.run();
    }
}
