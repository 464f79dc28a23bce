//! Work that is counted although it has not been spawned.

use std::fmt;

use super::count::Count;
use super::lines::Lines;

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
    stage: Stage,
}

/// Whether the work was polled.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Stage {
    /// Not yet. Left by the first poll.
    Dormant,
    /// It was, and counts at each line. Nobody leaves it.
    Counting,
}

impl InlineEntry {
    /// Returns an entry that counts nothing: the answer of a spawner that is not a tracker.
    #[inline]
    pub const fn none() -> Self {
        Self {
            lines: Lines::none(),
            stage: Stage::Dormant,
        }
    }

    /// Adds the line of one more tracker. Called before the work is polled.
    #[inline]
    pub(crate) fn add(&mut self, line: Lines) {
        self.lines.add(line);
    }

    /// Begins to count, unless it does so already.
    #[inline]
    pub(crate) fn begin(&mut self) {
        if !self.lines.is_none() && self.stage == Stage::Dormant {
            self.stage = Stage::Counting;
            self.lines.enter();
        }
    }

    /// Ends the count.
    #[inline]
    pub(crate) fn end(&mut self) {
        if !self.lines.is_none() {
            let lines = self.lines.take();
            if self.stage == Stage::Counting {
                lines.leave();
            }
        }
    }

    /// Begins to count, unless it does so already, and returns the count for the orphan that the work becomes.
    pub(crate) fn into_count(mut self) -> Count {
        self.begin();
        Count::taken_over(self.lines.take())
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
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}
