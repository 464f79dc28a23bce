//! What a tracker still runs, by location.

use std::error::Error;
use std::fmt;
use std::panic::Location;

use crate::spawn::location::CallLocation;

/// What a [`Tracker`](crate::Tracker) still runs, by the location of the call that shielded it.
///
/// The error of [`Tracker::drain`](crate::Tracker::drain), and what
/// [`Tracker::unfinished`](crate::Tracker::unfinished) returns. `Display` and `Debug` list the locations as `file:line:column`.
#[derive(Clone, PartialEq, Eq)]
pub struct Unfinished {
    /// Sorted by file, line and column; none of them is empty.
    locations: Vec<UnfinishedAt>,
}

/// The part of [`Unfinished`] that was shielded at one location.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UnfinishedAt {
    location: CallLocation,
    len: usize,
}

impl UnfinishedAt {
    pub(super) fn new(location: CallLocation, len: usize) -> Self {
        Self { location, len }
    }

    /// Returns the location of the call that shielded this work.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.location
    }

    /// Returns how many futures shielded there are unfinished. Never zero.
    #[must_use]
    #[allow(clippy::len_without_is_empty, reason = "it is never empty")]
    pub fn len(&self) -> usize {
        self.len
    }
}

impl Unfinished {
    pub(super) fn new(mut locations: Vec<UnfinishedAt>) -> Self {
        locations.sort_unstable_by_key(|at| (at.location.file(), at.location.line(), at.location.column()));
        // One place in the source may have several `Location`s, one for each crate or type it was compiled for.
        locations.dedup_by(|at, kept| {
            let same = at.location == kept.location;
            if same {
                kept.len += at.len;
            }
            same
        });
        Self { locations }
    }

    /// Returns how many futures are unfinished.
    #[must_use]
    pub fn len(&self) -> usize {
        self.locations.iter().map(UnfinishedAt::len).sum()
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

impl fmt::Display for Unfinished {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} unfinished", self.len())?;
        for (index, at) in self.locations.iter().enumerate() {
            let separator = if index == 0 { ": " } else { ", " };
            write!(f, "{separator}{} shielded at {}", at.len, at.location)?;
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
