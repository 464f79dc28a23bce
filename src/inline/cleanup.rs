//! An async scope guard: a value, and a cleanup that always runs.

use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::FusedFuture;
use pin_project_lite::pin_project;

use super::{Attached, Inline, Progress, Rescue};
use crate::error::ShieldError;
use crate::spawn::Spawn;
use crate::util::CallLocation;
use crate::util::contain::Contained;
use crate::util::exclusive::Exclusive;
use crate::util::held::Held;

/// A cleanup that has its value. Erased, so that the type of a guard can be written, for a field.
type CleanupFuture<T> = dyn Future<Output = T> + Send;

/// Guards `value` with an async cleanup that always runs, even if the enclosing future is
/// cancelled.
///
/// It is for async code what `scopeguard::guard` is for sync code, and what
/// `finally: await shield(cleanup())` is meant to be in Python. The value is used through the
/// guard. Then one of three things happens:
///
/// - [`run`](Cleanup::run)`().await` cleans up inside the caller and returns the cleanup's output.
/// - [`disarm`](Cleanup::disarm) returns the value, and nothing is cleaned up: a commit.
/// - The guard is dropped in any other way (an early return, `?`, a panic, a cancellation before
///   the cleanup or during it): the cleanup is spawned and runs to completion. Nothing in Rust can
///   wait for it in `Drop`; [`run`](Cleanup::run) does.
///
/// There is no `_local` form: the guard may be dropped on any thread that its value is moved to,
/// and that thread spawns the cleanup.
///
/// # Cancel safety
///
/// The cleanup starts at most once, however often its scope is cancelled. Once spawned, it needs an
/// executor that runs: a runtime that shuts down cancels it, and the hook is called with that
/// error. Returning from `main` is such a shutdown, so spawn through a [`Tracker`](crate::Tracker)
/// and drain it first. A guard that is leaked is never cleaned up.
///
/// # Panics
///
/// A cleanup that panics is not run again. If it was spawned, its panic goes to
/// [`on_orphan`](Cleanup::on_orphan).
///
/// # Examples
///
/// A lease that is released even if renewing it fails:
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use futures_shield::{Tokio, cleanup};
///
/// struct Lease { id: u32 }
///
/// impl Lease {
///     async fn renew(&mut self) -> Result<(), &'static str> { Err("expired") }
///     async fn release(self, log: tokio::sync::mpsc::Sender<u32>) { log.send(self.id).await.unwrap() }
/// }
///
/// async fn work(log: tokio::sync::mpsc::Sender<u32>) -> Result<(), &'static str> {
///     let mut lease = cleanup(Tokio::current(), Lease { id: 7 }, |lease| lease.release(log));
///     lease.renew().await?; // an early return: the cleanup is spawned
///     lease.run().await;
///     Ok(())
/// }
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let (log, mut released) = tokio::sync::mpsc::channel(1);
/// assert_eq!(work(log).await, Err("expired"));
/// assert_eq!(released.recv().await, Some(7));
/// # });
/// # }
/// ```
#[track_caller]
pub fn cleanup<S, V, C, F>(spawner: S, value: V, cleanup: C) -> Cleanup<V, F::Output, S>
where
    S: Spawn,
    V: Send + 'static,
    C: FnOnce(V) -> F + Send + 'static,
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let location = Location::caller();
    let spawner = Contained::new(spawner);
    let run = Box::pin(Run::Waiting {
        cleanup: Contained::new(cleanup),
        value: None,
    });
    // If `track_inline` panics, unwinding drops the value, whose own drop may panic, too.
    let value = Contained::new(value);
    let attached = Attached::new(spawner.track_inline(location));
    Cleanup {
        guarded: Held::new(Guarded {
            value: value.into_inner(),
            run: Exclusive::new(run),
            attached,
            spawner,
            rescue: S::spawn_work,
            location,
        }),
    }
}

/// A value whose cleanup survives cancellation, created by [`cleanup`].
#[must_use = "a guard that is dropped at once spawns its cleanup at once: bind it to a name"]
pub struct Cleanup<V, T, S> {
    guarded: Held<Guarded<V, T, S>>,
}

struct Guarded<V, T, S> {
    value: V,
    run: Exclusive<Pin<Box<dyn Prepare<V, T>>>>,
    attached: Attached<T>,
    spawner: Contained<S>,
    rescue: Rescue<CleanupFuture<T>, S>,
    location: CallLocation,
}

impl<V, T, S> Guarded<V, T, S> {
    /// Returns the cleanup, which has to run from here on.
    fn start(self) -> CleanupRun<T, S> {
        let run = self.run.into_inner().prepare(self.value);
        CleanupRun {
            inline: Inline::new(
                Progress::Armed(run),
                self.attached,
                self.spawner,
                self.rescue,
                self.location,
            ),
        }
    }
}

/// A cleanup that waits for its value.
trait Prepare<V, T>: Send {
    fn prepare(self: Pin<Box<Self>>, value: V) -> Pin<Box<CleanupFuture<T>>>;
}

pin_project! {
    /// The cleanup from its closure to its end, in one place on the heap.
    #[project = RunProj]
    enum Run<V, C, F> {
        /// The closure is to be called, with a value that it gets when the guard is run or dropped.
        /// Left by the first poll, which calls it. It is never called in a drop, because it may
        /// panic, and may need the runtime on which it will run. After a panic both are taken.
        Waiting { cleanup: Contained<C>, value: Option<Contained<V>> },
        /// The cleanup runs. The final state.
        Running { #[pin] future: F },
    }
}

impl<V, C, F> Run<V, C, F>
where
    C: FnOnce(V) -> F,
{
    /// Calls the closure, in the first poll.
    fn start(mut self: Pin<&mut Self>) {
        if let RunProj::Waiting { cleanup, value } = self.as_mut().project() {
            let Some(value) = value.take() else {
                unreachable!("it has its value before it is polled, and is not polled again after a panic");
            };
            let future = cleanup.take()(value.into_inner());
            self.set(Self::Running { future });
        }
    }
}

impl<V, C, F> Prepare<V, F::Output> for Run<V, C, F>
where
    V: Send + 'static,
    C: FnOnce(V) -> F + Send + 'static,
    F: Future + Send + 'static,
{
    fn prepare(mut self: Pin<Box<Self>>, ready: V) -> Pin<Box<CleanupFuture<F::Output>>> {
        if let RunProj::Waiting { value, .. } = self.as_mut().project() {
            *value = Some(Contained::new(ready));
        }
        self
    }
}

impl<V, C, F> Future for Run<V, C, F>
where
    C: FnOnce(V) -> F,
    F: Future,
{
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.as_mut().start();
        match self.project() {
            RunProj::Running { future } => future.poll(cx),
            RunProj::Waiting { .. } => unreachable!("it was started"),
        }
    }
}

impl<V, T, S> Cleanup<V, T, S> {
    fn into_guarded(mut self) -> Guarded<V, T, S> {
        match self.guarded.take() {
            Some(guarded) => guarded,
            None => unreachable!("only methods that consume the guard and its drop take it"),
        }
    }

    /// Runs the cleanup inside the caller and returns its output.
    ///
    /// # Cancel safety
    ///
    /// If the future is dropped before completion, even before its first poll, the cleanup is
    /// spawned and runs to completion.
    ///
    /// # Panics
    ///
    /// A panic of the cleanup unwinds in the caller, and the cleanup is not run again. Panics if
    /// the future is polled after completion.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use futures_shield::{Tokio, cleanup};
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let mut lines = cleanup(Tokio::current(), Vec::new(), |lines| async move { lines.join("\n") });
    /// lines.push("one");
    /// lines.push("two");
    /// assert_eq!(lines.run().await, "one\ntwo");
    /// # });
    /// # }
    /// ```
    pub fn run(self) -> CleanupRun<T, S> {
        self.into_guarded().start()
    }

    /// Returns the value and drops the cleanup without running it: a commit.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use futures_shield::{Tokio, cleanup};
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let draft = cleanup(Tokio::current(), "draft", |_| async { unreachable!("it is kept") });
    /// assert_eq!(draft.disarm(), "draft");
    /// # });
    /// # }
    /// ```
    pub fn disarm(self) -> V {
        self.into_guarded().value
    }

    /// Calls `hook` with the outcome of the cleanup if the cleanup was spawned.
    ///
    /// The hook is called at most once, when the spawned cleanup has ended, on the thread that ends
    /// it. [`Shield::on_orphan`](crate::Shield::on_orphan) describes what it is called with. A
    /// second hook replaces the first.
    ///
    /// # Panics
    ///
    /// A panic of the hook, or of its drop, is caught: an assertion in a hook fails no test.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use futures_shield::{Tokio, cleanup};
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let (sender, receiver) = tokio::sync::oneshot::channel();
    /// let guard = cleanup(Tokio::current(), 7, |value| async move { value + 1 })
    ///     .on_orphan(|outcome| sender.send(outcome.unwrap()).unwrap());
    /// drop(guard);
    /// assert_eq!(receiver.await, Ok(8));
    /// # });
    /// # }
    /// ```
    pub fn on_orphan<H>(mut self, hook: H) -> Self
    where
        H: FnOnce(Result<T, ShieldError>) + Send + 'static,
    {
        self.guarded.attached.set_hook(Box::new(hook));
        self
    }

    /// Returns the location of the [`cleanup`] call.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.guarded.location
    }
}

impl<V, T, S> Deref for Cleanup<V, T, S> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.guarded.value
    }
}

impl<V, T, S> DerefMut for Cleanup<V, T, S> {
    fn deref_mut(&mut self) -> &mut V {
        &mut self.guarded.value
    }
}

impl<V, T, S> Drop for Cleanup<V, T, S> {
    fn drop(&mut self) {
        if let Some(guarded) = self.guarded.take() {
            // A run that is dropped before its first poll is spawned.
            drop(guarded.start());
        }
    }
}

impl<V: fmt::Debug, T, S> fmt::Debug for Cleanup<V, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cleanup")
            .field("value", &self.guarded.value)
            .field("location", &format_args!("{}", self.guarded.location))
            .finish()
    }
}

/// Future for the [`Cleanup::run`] method.
#[must_use = "if this is dropped, the cleanup is spawned and nobody waits for it: `.await` it"]
pub struct CleanupRun<T, S> {
    inline: Inline<CleanupFuture<T>, S>,
}

// The future is pinned in its box, and the spawner is never pinned.
impl<T, S> Unpin for CleanupRun<T, S> {}

impl<T, S> Future for CleanupRun<T, S> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        self.inline.poll("CleanupRun", cx)
    }
}

impl<T, S> FusedFuture for CleanupRun<T, S> {
    fn is_terminated(&self) -> bool {
        self.inline.is_ended()
    }
}

impl<T, S> fmt::Debug for CleanupRun<T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inline.fmt_as("CleanupRun", f)
    }
}
