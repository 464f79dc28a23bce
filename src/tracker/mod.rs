//! A spawner that wraps another one and counts what still runs.

mod drain;
mod metrics;
mod tracked;
mod unfinished;
mod wait;

use std::fmt;
use std::future::Future;
use std::panic::Location;

pub use self::drain::Drain;
pub use self::metrics::{LocationMetrics, TrackerMetrics};
use self::tracked::Tracked;
pub use self::unfinished::{Unfinished, UnfinishedAt};
pub use self::wait::Wait;
use crate::ledger::{InlineEntry, Ledger};
use crate::spawn::handover::{claim_task, claim_work};
use crate::spawn::{Isolated, Spawn, SpawnLocal};
use crate::util::contain::Contained;
use crate::util::sync::Arc;

/// A spawner that wraps another one and counts what still runs, by the location of the call that
/// shielded it.
///
/// Everything that is spawned through a tracker or one of its clones has an entry in it, until the
/// work was dropped and its hook has run. So at shutdown a program can wait for what it shielded,
/// with a deadline, and log what is left. Work that runs inside its caller counts from its first
/// poll ([`.shield_on_drop()`]) or from the first poll of its run ([`cleanup`]), and keeps its
/// entry if it is spawned. If a shield is dropped after its work has ended, its hook counts while
/// it runs.
///
/// An *orphan* is work whose caller is gone. [`orphans`](Tracker::orphans) counts them, and
/// [`metrics`](Tracker::metrics) also counts how orphans ended. Futures that are spawned directly
/// on the tracker, without a shield, count as running and never as orphans.
///
/// A tracker neither cancels work nor refuses it. At shutdown, stop taking work first, then drain.
/// If the caller is still there when the work ends, the entry ends before the caller is woken. So
/// when the `.await` of a shield returns, its work no longer counts. If work waits for its own
/// tracker, it waits forever; if it drains its own tracker, the result names that work.
///
/// Trackers may be nested: each counts.
///
/// [`.shield_on_drop()`]: crate::ShieldExt::shield_on_drop
/// [`cleanup`]: crate::cleanup
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use std::time::Duration;
/// use futures_shield::{ShieldExt, Tokio, Tracker};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let tracker = Tracker::new(Tokio::current());
/// std::future::pending::<()>().shield(&tracker).detach();
///
/// let deadline = tokio::time::sleep(Duration::from_millis(10));
/// let unfinished = tracker.drain(deadline).await.unwrap_err();
/// for left in unfinished.locations() {
///     println!("{} left at {}", left.len(), left.location()); // 1 left at src/main.rs:7:34
/// }
/// assert_eq!(unfinished.len(), 1);
/// # });
/// # }
/// ```
pub struct Tracker<S> {
    spawner: Contained<S>,
    ledger: Arc<Ledger>,
}

impl<S> Tracker<S> {
    /// Creates a tracker around `spawner`. Nothing runs through it yet.
    pub fn new(spawner: S) -> Self {
        Self {
            spawner: Contained::new(spawner),
            ledger: Arc::new(Ledger::new()),
        }
    }

    /// Returns how many pieces of work are running.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use futures_shield::{ShieldExt, Tokio, Tracker};
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let tracker = Tracker::new(Tokio::current());
    /// std::future::pending::<()>().shield(&tracker).detach();
    /// assert_eq!(tracker.len(), 1);
    /// # });
    /// # }
    /// ```
    #[must_use]
    pub fn len(&self) -> usize {
        self.ledger.whole().len()
    }

    /// Returns `true` if no work is running.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns how many of the running pieces of work have lost their caller.
    ///
    /// It reads one number, so a server can call it for each request, for example to answer 503
    /// while there are too many orphans.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use futures_shield::{ShieldExt, Tokio, Tracker};
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let tracker = Tracker::new(Tokio::current());
    /// let shield = std::future::pending::<()>().shield(&tracker);
    /// assert_eq!((tracker.len(), tracker.orphans()), (1, 0));
    /// drop(shield);
    /// assert_eq!((tracker.len(), tracker.orphans()), (1, 1));
    /// # });
    /// # }
    /// ```
    #[must_use]
    pub fn orphans(&self) -> usize {
        self.ledger.whole().orphans()
    }

    /// Returns a snapshot of all numbers, by location.
    #[must_use]
    pub fn metrics(&self) -> TrackerMetrics {
        TrackerMetrics::new(self.ledger.counts())
    }

    /// Waits until no work is running.
    ///
    /// Work that is spawned in the meantime is waited for, too.
    ///
    /// # Cancel safety
    ///
    /// Dropping a [`Wait`] has no effect on the tracker. Call `wait` again at any time.
    ///
    /// # Panics
    ///
    /// Panics if the future is polled after completion.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use futures_shield::{ShieldExt, Tokio, Tracker};
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let tracker = Tracker::new(Tokio::current());
    /// async { /* .. */ }.shield(&tracker).detach();
    /// tracker.wait().await;
    /// assert!(tracker.is_empty());
    /// # });
    /// # }
    /// ```
    pub fn wait(&self) -> Wait {
        Wait::new(Arc::clone(self.ledger.whole()))
    }

    /// Waits until no work is running, or until `deadline` completes.
    ///
    /// The deadline is any future, usually the sleep of the runtime:
    /// `tokio::time::sleep(Duration::from_secs(30))`.
    ///
    /// `Ok(())` means that at one instant during the last poll nothing was running. Work that is
    /// spawned in the meantime is admitted and waited for, so stop taking work first. Nothing is
    /// cancelled: unfinished work continues.
    ///
    /// # Cancel safety
    ///
    /// Dropping a [`Drain`] has no effect on the tracker. Call `drain` again at any time.
    ///
    /// # Panics
    ///
    /// Panics if the future is polled after completion.
    ///
    /// # Errors
    ///
    /// If the deadline completes first, the future's output is an [`Unfinished`] that is not empty.
    /// It names no work that had ended before the poll that returned it. (Work that ends on another
    /// thread during that poll may still be named, even if [`len`](Tracker::len) no longer counts
    /// it.)
    pub fn drain<D: Future>(&self, deadline: D) -> Drain<D> {
        Drain::new(Arc::clone(&self.ledger), deadline)
    }

    /// Returns what is running, by the location of the call that shielded it.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use futures_shield::{ShieldExt, Tokio, Tracker};
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let tracker = Tracker::new(Tokio::current());
    /// std::future::pending::<()>().shield(&tracker).detach();
    ///
    /// let unfinished = tracker.unfinished();
    /// let left = &unfinished.locations()[0];
    /// assert_eq!((left.location().file(), left.len()), (file!(), 1));
    /// # });
    /// # }
    /// ```
    #[must_use]
    pub fn unfinished(&self) -> Unfinished {
        Unfinished::new(&self.ledger.counts())
    }

    /// Adds this tracker to the entry of work that runs inline.
    #[inline]
    fn track(&self, mut entry: InlineEntry, location: &'static Location<'static>) -> InlineEntry {
        entry.add(self.ledger.line(location));
        entry
    }
}

impl<S: Spawn> Spawn for Tracker<S> {
    #[inline]
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        let (count, _call) = claim_task(&self.ledger, Location::caller());
        self.spawner.spawn_work(Tracked::new(Isolated::new(future), count));
    }

    #[inline]
    fn spawn_work<F: Future<Output = ()> + Send + 'static>(&self, work: F) {
        let (count, _call) = claim_work(&self.ledger, Location::caller());
        self.spawner.spawn_work(Tracked::new(work, count));
    }

    #[inline]
    fn track_inline(&self, location: &'static Location<'static>) -> InlineEntry {
        self.track(self.spawner.track_inline(location), location)
    }
}

impl<S: SpawnLocal> SpawnLocal for Tracker<S> {
    #[inline]
    fn spawn_local_detached<F: Future<Output = ()> + 'static>(&self, future: F) {
        let (count, _call) = claim_task(&self.ledger, Location::caller());
        self.spawner
            .spawn_local_work(Tracked::new(Isolated::new(future), count));
    }

    #[inline]
    fn spawn_local_work<F: Future<Output = ()> + 'static>(&self, work: F) {
        let (count, _call) = claim_work(&self.ledger, Location::caller());
        self.spawner.spawn_local_work(Tracked::new(work, count));
    }

    #[inline]
    fn track_inline_local(&self, location: &'static Location<'static>) -> InlineEntry {
        self.track(self.spawner.track_inline_local(location), location)
    }
}

impl<S: Clone> Clone for Tracker<S> {
    fn clone(&self) -> Self {
        Self {
            spawner: self.spawner.clone(),
            ledger: Arc::clone(&self.ledger),
        }
    }
}

impl<S: fmt::Debug> fmt::Debug for Tracker<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Tracker")
            .field("spawner", &self.spawner)
            .field("len", &self.len())
            .finish()
    }
}
