//! Work that is counted.

use super::lines::Lines;

/// Work that is counted at its lines for as long as this lives.
pub(crate) struct Count {
    lines: Lines,
}

impl Count {
    #[inline]
    pub(crate) const fn none() -> Self {
        Self { lines: Lines::none() }
    }

    /// Begins to count.
    #[inline]
    pub(crate) fn begin(lines: Lines) -> Self {
        lines.enter();
        Self { lines }
    }

    /// Takes over a count that `lines` have already.
    #[inline]
    pub(crate) fn taken_over(lines: Lines) -> Self {
        Self { lines }
    }

    #[inline]
    pub(crate) fn lines(&self) -> &Lines {
        &self.lines
    }

    /// Hands the count over to whoever gets the lines.
    #[inline]
    pub(crate) fn hand_over(mut self) -> Lines {
        self.lines.take()
    }

    /// Ends the count, calls `then`, and only after that wakes whoever waits for it. So it can be
    /// ended under a lock that `then` unlocks.
    #[inline]
    pub(crate) fn end_then(mut self, then: impl FnOnce()) {
        self.lines.take().leave_then(then);
    }

    /// Adds the count of `other`.
    #[inline]
    pub(crate) fn add(&mut self, other: Self) {
        self.lines.add(other.hand_over());
    }
}

impl Drop for Count {
    #[inline]
    fn drop(&mut self) {
        self.lines.leave();
    }
}
