//! A spawner around a spawner that knows what still runs.

mod ledger;
mod wait;

use std::error::Error;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use self::ledger::{Entry, Ledger};
pub use self::wait::{Drain, Wait};
use crate::site::{self, Site};
use crate::spawn::{Spawn, SpawnLocal};
use crate::sync::Arc;

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
/// for (location, count) in unfinished.sites() {
///     println!("{count} left at {location}"); // 1 left at src/main.rs:6:33
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
    /// let (location, count) = tracker.unfinished().sites()[0];
    /// assert_eq!((location.file(), count), (file!(), 1));
    /// # });
    /// # }
    /// ```
    #[must_use]
    pub fn unfinished(&self) -> Unfinished {
        self.ledger.unfinished()
    }

    fn track<F>(&self, caller: Site, future: F) -> Tracked<F> {
        // Spawned directly, and not by a shield, work was shielded nowhere: then it is the place of the spawn.
        let site = site::published().unwrap_or(caller);
        Tracked {
            future,
            _entry: self.ledger.enter(site),
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

/// What still ran when it was asked for, by the file and line it was shielded at.
///
/// The error of [`Tracker::drain`], and the answer of [`Tracker::unfinished`].
///
/// # Examples
///
/// See [`Tracker`].
#[derive(Clone, PartialEq, Eq)]
pub struct Unfinished {
    // Sorted by file and line, none of them zero.
    sites: Vec<(Site, usize)>,
}

impl Unfinished {
    fn new(mut sites: Vec<(Site, usize)>) -> Self {
        sites.sort_unstable_by_key(|(site, _)| (site.file(), site.line(), site.column()));
        // One place in the source may have several `Location`s, one for each crate or type it was compiled for.
        sites.dedup_by(|(site, count), (kept, sum)| {
            let same = site == kept;
            if same {
                *sum += *count;
            }
            same
        });
        Self { sites }
    }

    /// How much work that was.
    ///
    /// # Examples
    ///
    /// See [`Tracker`].
    #[must_use]
    pub fn len(&self) -> usize {
        self.sites.iter().map(|(_, count)| count).sum()
    }

    /// Whether that was nothing. As the error of [`Tracker::drain`] it never is.
    ///
    /// # Examples
    ///
    /// See [`Tracker`].
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.sites.is_empty()
    }

    /// Where that work was shielded, and how much of it at each place, sorted by file and line.
    ///
    /// # Examples
    ///
    /// See [`Tracker`].
    #[must_use]
    pub fn sites(&self) -> &[(&'static Location<'static>, usize)] {
        &self.sites
    }
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} unfinished", self.len())?;
        for (index, (site, count)) in self.sites.iter().enumerate() {
            let separator = if index == 0 { ": " } else { ", " };
            write!(f, "{separator}{count} shielded at {site}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unfinished({self})")
    }
}

impl Error for Unfinished {}
