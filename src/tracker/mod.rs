//! A spawner around a spawner that knows what still runs.

mod drain;
mod ledger;
mod unfinished;
mod wait;

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

pub use self::drain::Drain;
use self::ledger::{Entry, Ledger};
pub use self::unfinished::{Unfinished, UnfinishedAt};
pub use self::wait::Wait;
use crate::spawn::location::{self, CallLocation};
use crate::spawn::{Spawn, SpawnLocal};
use crate::util::sync::Arc;

/// A spawner around a spawner that counts what still runs, and knows by file and line where it was shielded.
///
/// Everything that is spawned through a tracker or one of its clones has an entry in it, until the work has been
/// dropped and its hook has run. So at shutdown a program can wait for what it shielded, with a deadline, and say what
/// it left behind. Around `.shield_on_drop()` and `cleanup()` it counts orphans only: work that runs inside its caller
/// is not spawned.
///
/// Trackers neither cancel work nor refuse it. Stop taking work first, then drain. An entry goes a moment *after* its
/// outcome was delivered, when the executor has dropped the task, so a shield that was awaited does not mean that its
/// entry is gone: [`wait`](Tracker::wait) for that.
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
///     println!("{} left at {}", left.len(), left.location()); // 1 left at src/main.rs:6:33
/// }
/// assert_eq!(unfinished.len(), 1);
/// # });
/// # }
/// ```
pub struct Tracker<S> {
    spawner: S,
    ledger: Arc<Ledger>,
}

impl<S> Tracker<S> {
    /// Makes a tracker around `spawner`. Nothing runs through it yet.
    ///
    /// # Examples
    ///
    /// See [`Tracker`].
    pub fn new(spawner: S) -> Self {
        Self {
            spawner,
            ledger: Arc::new(Ledger::new()),
        }
    }

    /// How much of what was spawned through this tracker and its clones still runs.
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
        self.ledger.len()
    }

    /// Whether nothing that was spawned through this tracker and its clones still runs.
    ///
    /// # Examples
    ///
    /// See [`Tracker::wait`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Waits until nothing runs.
    ///
    /// Work that is spawned meanwhile is waited for, too.
    ///
    /// # Cancel safety
    ///
    /// A [`Wait`] that is dropped leaves nothing behind; another may be asked for at any time.
    ///
    /// # Panics
    ///
    /// Polling the future after it has completed panics.
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
        Wait::new(Arc::clone(&self.ledger))
    }

    /// Waits until nothing runs, or until `deadline` resolves.
    ///
    /// `Ok(())` says that nothing ran at that instant. Work that is spawned meanwhile is admitted and waited for, so
    /// stop taking work first. Nothing is cancelled: what is unfinished goes on.
    ///
    /// # Cancel safety
    ///
    /// A [`Drain`] that is dropped leaves nothing behind; another may be asked for at any time.
    ///
    /// # Panics
    ///
    /// Polling the future after it has completed panics.
    ///
    /// # Errors
    ///
    /// The future's output is [`Unfinished`], and never an empty one, where the deadline resolved first.
    ///
    /// # Examples
    ///
    /// See [`Tracker`].
    pub fn drain<D: Future>(&self, deadline: D) -> Drain<D> {
        Drain::new(self.wait(), deadline)
    }

    /// What still runs, by the file and line it was shielded at.
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
        self.ledger.unfinished()
    }

    fn track<F>(&self, caller: CallLocation, future: F) -> Tracked<F> {
        // Spawned directly, and not by a shield, work was shielded nowhere: then it is the place of the spawn.
        let location = location::published().unwrap_or(caller);
        Tracked {
            future,
            _entry: self.ledger.enter(location),
        }
    }
}

impl<S: Spawn> Spawn for Tracker<S> {
    #[inline]
    #[track_caller]
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        self.spawner.spawn_detached(self.track(Location::caller(), future));
    }
}

impl<S: SpawnLocal> SpawnLocal for Tracker<S> {
    #[inline]
    #[track_caller]
    fn spawn_local_detached<F: Future<Output = ()> + 'static>(&self, future: F) {
        self.spawner
            .spawn_local_detached(self.track(Location::caller(), future));
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

pin_project! {
    /// A task with an entry. Executors drop a future that has ended, and the entry goes after it.
    struct Tracked<F> {
        #[pin]
        future: F,
        _entry: Entry,
    }
}

impl<F: Future<Output = ()>> Future for Tracked<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().future.poll(cx)
    }
}
