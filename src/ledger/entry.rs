//! Work that is counted.

use super::line::Line;
use crate::util::sync::Arc;

/// Work that is counted for as long as this lives. One pointer, because it is part of each task.
pub(crate) struct Entry {
    line: Arc<Line>,
}

impl Entry {
    /// Starts to count.
    #[inline]
    pub(super) fn new(line: Arc<Line>) -> Self {
        line.enter();
        Self { line }
    }

    /// Takes over a count that `line` has already.
    pub(super) fn taken_over(line: Arc<Line>) -> Self {
        Self { line }
    }
}

impl Drop for Entry {
    #[inline]
    fn drop(&mut self) {
        let to_wake = self.line.leave_counts();
        self.line.whole.wake(to_wake);
    }
}
