//! Work that is counted although it has not been spawned.

use std::fmt;

use super::Ledger;
use super::entry::Entry;
use super::line::Line;
use super::lines::Lines;
use crate::util::sync::Arc;

/// What [`Spawn::track_inline`](crate::Spawn::track_inline) returns: the count of work that runs inside its caller.
///
/// It begins to count when the work is first polled, and ends when it is dropped. A [`Tracker`](crate::Tracker) makes
/// it; a spawner that wraps another one forwards it. A spawner that counts nothing returns [`InlineEntry::none`].
///
/// # Examples
///
/// A spawner around a spawner forwards it, so that a tracker inside counts inline work, too:
///
/// ```
/// use std::future::Future;
/// use std::panic::Location;
/// use futures_shield::{InlineEntry, Spawn};
///
/// struct Logged<S>(S);
///
/// impl<S: Spawn> Spawn for Logged<S> {
///     fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
///         println!("spawned at {:?}", futures_shield::spawn_location());
///         self.0.spawn_detached(future);
///     }
///
///     fn track_inline(&self, location: &'static Location<'static>) -> InlineEntry {
///         self.0.track_inline(location)
///     }
/// }
/// ```
#[must_use = "work is counted for as long as this lives"]
pub struct InlineEntry {
    lines: Lines,
    counting: bool,
}

impl InlineEntry {
    /// Returns an entry that counts nothing: the answer of a spawner that is not a tracker.
    #[inline]
    pub const fn none() -> Self {
        Self::new(Lines::none())
    }

    #[inline]
    pub(super) const fn new(lines: Lines) -> Self {
        Self { lines, counting: false }
    }

    /// Adds the line of one more tracker. Called before the entry counts.
    #[inline]
    pub(crate) fn add(&mut self, line: Arc<Line>) {
        self.lines.push(line);
    }

    /// Begins to count, unless it does so already.
    #[inline]
    pub(crate) fn begin(&mut self) {
        if !self.counting && !self.lines.is_empty() {
            self.counting = true;
            self.lines.enter();
        }
    }

    /// Ends the count.
    #[inline]
    pub(crate) fn end(&mut self) {
        if self.counting {
            self.counting = false;
            self.lines.leave();
        }
    }

    /// Returns the lines, for the orphan that the work becomes.
    #[inline]
    pub(crate) fn lines(&self) -> Lines {
        self.lines.clone()
    }

    /// Hands the count of `ledger` over to the entry of the task that the work becomes.
    pub(crate) fn take(&mut self, ledger: &Ledger) -> Option<Entry> {
        debug_assert!(self.counting || self.lines.is_empty());
        self.lines.remove(ledger).map(Entry::taken_over)
    }
}

impl Drop for InlineEntry {
    #[inline]
    fn drop(&mut self) {
        self.end();
    }
}

impl fmt::Debug for InlineEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InlineEntry")
            .field("counting", &self.counting)
            .finish_non_exhaustive()
    }
}
