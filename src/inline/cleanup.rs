//! An async scope guard: a value, and the cleanup that it gets in the end, whatever that end is.

use std::fmt;
use std::future::Future;
use std::ops::{Deref, DerefMut};
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::FusedFuture;
use pin_project_lite::pin_project;

use super::{Inline, Progress, Rescue};
use crate::error::ShieldError;
use crate::relay::HookSlot;
use crate::spawn::Spawn;
use crate::spawn::location::CallLocation;
use crate::util::contain::Contained;
use crate::util::exclusive::Exclusive;

/// A cleanup that has its value. Erased, so that a guard can be kept in a field by a name that one can write.
type Loaded<T> = dyn Future<Output = T> + Send;

/// Guards `value` with a cleanup that runs in the end, also where its scope is cancelled.
///
/// It is what `finally: await shield(cleanup())` means to be in Python, and to async code what `scopeguard::guard` is
/// to sync code. The value is used through the guard. Then one of three things happens:
///
/// - [`run`](Cleanup::run)`().await` cleans up inside the caller, and gives what the cleanup gave;
/// - [`disarm`](Cleanup::disarm) gives the value back, and nothing is cleaned up: a commit;
/// - the guard is left in any other way (an early return, `?`, a panic, a cancellation before the cleanup or in it):
///   the cleanup is spawned, and runs to its end. Nothing in Rust can wait for it there; [`run`](Cleanup::run) does.
///
/// # Cancel safety
///
/// The cleanup starts once at the most, however often its scope is cancelled. Once spawned it needs an executor that
/// runs: a runtime that shuts down cancels it, and the hook is told; `main` returning is such a shutdown, so shield
/// through a [`Tracker`](crate::Tracker) and drain it first. A guard that is leaked is never cleaned up.
///
/// # Panics
///
/// This call does not. A cleanup that panics is not run again; spawned, its panic goes to
/// [`on_orphan`](Cleanup::on_orphan).
///
/// # Examples
///
/// A lease that is given back, also where renewing it fails:
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
    Cleanup {
        armed: Some(Armed {
            value,
            run: Exclusive::new(Box::pin(Run::Unloaded {
                cleanup: Contained::new(cleanup),
            })),
            hook: HookSlot::empty(),
            spawner: Contained::new(spawner),
            rescue: |spawner, work| spawner.spawn_detached(work),
            location: Location::caller(),
        }),
    }
}

/// A value whose cleanup survives cancellation, made by [`cleanup`].
#[must_use = "a guard that is dropped at once spawns its cleanup at once: bind it to a name"]
pub struct Cleanup<V, T, S> {
    // `None` only between leaving the guard and its drop.
    armed: Option<Armed<V, T, S>>,
}

struct Armed<V, T, S> {
    value: V,
    run: Exclusive<Pin<Box<dyn Load<V, T>>>>,
    hook: HookSlot<T>,
    spawner: Contained<S>,
    rescue: Rescue<Loaded<T>, S>,
    location: CallLocation,
}

impl<V, T, S> Armed<V, T, S> {
    /// The cleanup, which has to run from here on.
    fn start(mut self) -> CleanupRun<T, S> {
        let run = self.run.into_inner().load(self.value);
        let spawner = self.spawner.into_inner();
        let mut inline = Inline::new(Progress::Armed(run), spawner, self.rescue, self.location);
        if let Some(hook) = self.hook.take() {
            inline.set_hook(hook);
        }
        CleanupRun { inline }
    }
}

/// A cleanup that waits for its value.
trait Load<V, T>: Send {
    fn load(self: Pin<Box<Self>>, value: V) -> Pin<Box<Loaded<T>>>;
}

pin_project! {
    /// The cleanup from its closure to its end, in one place on the heap.
    #[project = RunProj]
    #[project_replace = RunOwned]
    enum Run<V, C, F> {
        /// The value is in use. Left when the guard is.
        Unloaded { cleanup: Contained<C> },
        /// The cleanup is to run. Left by the first poll, which calls the closure: not sooner, and never in a drop, for
        /// it may panic, and may need the runtime that it is to run on.
        Loaded { cleanup: Contained<C>, value: Contained<V> },
        /// The cleanup runs. Nobody leaves it.
        Running { #[pin] future: F },
        /// The closure is being called, or has panicked.
        Empty,
    }
}

impl<V, C, F> Load<V, F::Output> for Run<V, C, F>
where
    V: Send + 'static,
    C: FnOnce(V) -> F + Send + 'static,
    F: Future + Send + 'static,
{
    fn load(mut self: Pin<Box<Self>>, value: V) -> Pin<Box<Loaded<F::Output>>> {
        if let RunOwned::Unloaded { cleanup } = self.as_mut().project_replace(Self::Empty) {
            let value = Contained::new(value);
            self.set(Self::Loaded { cleanup, value });
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
        if let RunProj::Running { future } = self.as_mut().project() {
            return future.poll(cx);
        }
        if let RunOwned::Loaded { cleanup, value } = self.as_mut().project_replace(Self::Empty) {
            let future = cleanup.into_inner()(value.into_inner());
            self.set(Self::Running { future });
        }
        match self.project() {
            RunProj::Running { future } => future.poll(cx),
            _ => unreachable!("it is loaded before it is polled, and not polled again after a panic"),
        }
    }
}

impl<V, T, S> Cleanup<V, T, S> {
    fn armed(&self) -> &Armed<V, T, S> {
        match &self.armed {
            Some(armed) => armed,
            None => unreachable!("whatever takes it takes the guard by value"),
        }
    }

    fn armed_mut(&mut self) -> &mut Armed<V, T, S> {
        match &mut self.armed {
            Some(armed) => armed,
            None => unreachable!("whatever takes it takes the guard by value"),
        }
    }

    fn into_armed(mut self) -> Armed<V, T, S> {
        match self.armed.take() {
            Some(armed) => armed,
            None => unreachable!("whatever takes it takes the guard by value"),
        }
    }

    /// Cleans up inside the caller, and gives what the cleanup gave.
    ///
    /// # Cancel safety
    ///
    /// Dropped at any point, also before it is polled, the cleanup is spawned and runs to its end.
    ///
    /// # Panics
    ///
    /// A panic of the cleanup unwinds in the caller, and the cleanup is not run again. Polling the future after it has
    /// completed panics.
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
        self.into_armed().start()
    }

    /// Gives the value back, and drops the cleanup without running it: a commit.
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
        self.into_armed().value
    }

    /// Gives what a spawned cleanup ended with to `hook`, so that it is not lost.
    ///
    /// The hook is called once at the most, when a cleanup that was spawned has ended: with what it gave, or with the
    /// [`ShieldError`] where it panicked or was cancelled by its executor. It runs on the thread that ends the cleanup.
    /// A second hook replaces the first.
    ///
    /// # Panics
    ///
    /// A panic of the hook, or of its drop, ends there.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use futures_shield::{Tokio, cleanup};
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let (tell, told) = tokio::sync::oneshot::channel();
    /// let guard = cleanup(Tokio::current(), 7, |value| async move { value + 1 })
    ///     .on_orphan(|outcome| tell.send(outcome.unwrap()).unwrap());
    /// drop(guard);
    /// assert_eq!(told.await, Ok(8));
    /// # });
    /// # }
    /// ```
    pub fn on_orphan<H>(mut self, hook: H) -> Self
    where
        H: FnOnce(Result<T, ShieldError>) + Send + 'static,
    {
        self.armed_mut().hook.set(Box::new(hook));
        self
    }

    /// Where the guard was made: the file and line of the [`cleanup`] call.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_shield::{cleanup, spawn_fn};
    ///
    /// let guard = cleanup(spawn_fn(|task| drop(task)), (), |()| async {});
    /// assert_eq!(guard.location().file(), file!());
    /// ```
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.armed().location
    }
}

impl<V, T, S> Deref for Cleanup<V, T, S> {
    type Target = V;

    fn deref(&self) -> &V {
        &self.armed().value
    }
}

impl<V, T, S> DerefMut for Cleanup<V, T, S> {
    fn deref_mut(&mut self) -> &mut V {
        &mut self.armed_mut().value
    }
}

impl<V, T, S> Drop for Cleanup<V, T, S> {
    fn drop(&mut self) {
        if let Some(armed) = self.armed.take() {
            // A run that is dropped before its first poll is spawned.
            drop(armed.start());
        }
    }
}

impl<V: fmt::Debug, T, S> fmt::Debug for Cleanup<V, T, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let armed = self.armed();
        f.debug_struct("Cleanup")
            .field("value", &armed.value)
            .field("location", &format_args!("{}", armed.location))
            .finish()
    }
}

/// Future for the [`Cleanup::run`] method.
#[must_use = "dropped at once, the cleanup is spawned and nobody waits for it: `.await` it"]
pub struct CleanupRun<T, S> {
    inline: Inline<Loaded<T>, S>,
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
