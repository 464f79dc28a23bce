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
}

impl Drop for Count {
    #[inline]
    fn drop(&mut self) {
        self.lines.leave().wake();
    }
}
