//! What a tracker still runs, by location.

use std::error::Error;
use std::fmt;
use std::panic::Location;

use crate::ledger::Counts;
use crate::util::CallLocation;

/// What a [`Tracker`](crate::Tracker) still runs, by the location of the call that shielded it.
///
/// The error of [`Tracker::drain`](crate::Tracker::drain), and what
/// [`Tracker::unfinished`](crate::Tracker::unfinished) returns. `Display` and `Debug` list the
/// locations as `file:line:column`.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "tokio")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use futures_shield::{ShieldExt, Tokio, Tracker};
///
/// let tracker = Tracker::new(Tokio::current());
/// let held = std::future::pending::<()>().shield(&tracker);
/// std::future::pending::<()>().shield(&tracker).detach();
///
/// let unfinished = tracker.unfinished();
/// assert_eq!((unfinished.len(), unfinished.orphans()), (2, 1));
/// assert!(unfinished.to_string().starts_with("2 unfinished: 1 shielded at "));
/// # drop(held);
/// # }
/// # #[cfg(not(feature = "tokio"))]
/// # fn main() {}
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Sorted by file, line and column; none of them is empty.
    locations: Vec<UnfinishedAt>,
}

/// The part of [`Unfinished`] that was shielded at one location.
///
/// # Examples
///
/// ```
/// use futures_shield::Unfinished;
///
/// /// What is most worth a look: the location with the most orphans.
/// fn worst(unfinished: &Unfinished) -> Option<String> {
///     let at = unfinished.locations().iter().max_by_key(|at| at.orphans())?;
///     Some(format!("{} of {} are orphans at {}", at.orphans(), at.len(), at.location()))
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct UnfinishedAt {
    location: CallLocation,
    len: usize,
    orphans: usize,
}

impl UnfinishedAt {
    /// Returns the location of the call that shielded this work.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }

    /// Returns how many pieces of the work shielded there are unfinished. Never zero.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Returns how many of them have lost their caller.
    #[must_use]
    pub fn orphans(&self) -> usize {
        self.orphans
    }
}

impl Unfinished {
    /// `counts` is sorted, with one element for each location.
    pub(super) fn new(counts: &[Counts]) -> Self {
        let running = counts.iter().filter(|at| at.running != 0);
        let locations = running.map(|at| UnfinishedAt {
            location: at.location,
            len: at.running,
            orphans: at.orphans,
        });
        Self {
            locations: locations.collect(),
        }
    }

    /// Returns how many pieces of work are unfinished.
    #[must_use]
    pub fn len(&self) -> usize {
        self.locations.iter().map(UnfinishedAt::len).sum()
    }

    /// Returns how many of them have lost their caller.
    #[must_use]
    pub fn orphans(&self) -> usize {
        self.locations.iter().map(UnfinishedAt::orphans).sum()
    }

    /// Returns `true` if nothing is unfinished. Never `true` for the error of
    /// [`Tracker::drain`](crate::Tracker::drain).
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.locations.is_empty()
    }

    /// Returns what is unfinished at each location, sorted by file, line and column.
    #[must_use]
    pub fn locations(&self) -> &[UnfinishedAt] {
        &self.locations
    }
}

impl fmt::Display for UnfinishedAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} shielded at {}", self.len, self.location)
    }
}

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} unfinished", self.len())?;
        for (index, at) in self.locations.iter().enumerate() {
            let separator = if index == 0 { ": " } else { ", " };
            write!(f, "{separator}{at}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for UnfinishedAt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UnfinishedAt({self})")
    }
}

impl fmt::Debug for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Unfinished({self})")
    }
}

impl Error for Unfinished {}
