//! Work that is counted although it has not been spawned.

use std::fmt;

use super::count::Count;
use super::lines::Lines;

/// What [`Spawn::track_inline`](crate::Spawn::track_inline) returns: the count of work that runs
/// inside its caller.
///
/// The shield that receives it begins the count when the work is first polled, and ends the count
/// when the work has ended. A [`Tracker`](crate::Tracker) creates it; a spawner that wraps another
/// one forwards it. A spawner that counts nothing returns [`InlineEntry::none`].
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
#[must_use = "return it to the shield that called `track_inline`"]
pub struct InlineEntry {
    lines: Lines,
}

impl InlineEntry {
    /// Returns an entry that counts nothing, for a spawner that is not a tracker.
    #[inline]
    pub const fn none() -> Self {
        Self { lines: Lines::none() }
    }

    #[inline]
    pub(crate) fn is_none(&self) -> bool {
        self.lines.is_none()
    }

    /// Adds the line of one more tracker. Called before the work is polled.
    #[inline]
    pub(crate) fn add(&mut self, line: Lines) {
        self.lines.add(line);
    }

    /// Begins to count. Called once, by the first poll.
    #[inline]
    pub(crate) fn begin(&mut self) {
        self.lines.enter();
    }

    /// Takes the lines out, to [end](Self::end) them. If `end` took `&mut self` instead, on drop would
    /// take 1 instruction more.
    #[inline]
    pub(crate) fn take(&mut self) -> Self {
        Self {
            lines: self.lines.take(),
        }
    }

    /// Ends the count of work that was polled.
    #[inline]
    pub(crate) fn end(self) {
        self.lines.leave().wake();
    }

    /// Takes the count of work that was polled.
    #[inline]
    pub(crate) fn take_begun(&mut self) -> Count {
        Count::taken_over(self.lines.take())
    }

    /// Begins to count work that was not polled, and takes the count.
    #[inline]
    pub(crate) fn begin_and_take(&mut self) -> Count {
        Count::begin(self.lines.take())
    }
}

impl fmt::Debug for InlineEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("InlineEntry").finish_non_exhaustive()
    }
}
