//! Work that is counted.

use super::lines::Lines;

/// Work that is counted at its lines for as long as this lives.
pub(crate) struct Count {
    lines: Lines,
}

impl Count {
    pub(crate) const fn none() -> Self {
        Self { lines: Lines::none() }
    }

    /// Begins to count.
    pub(crate) fn begin(lines: Lines) -> Self {
        lines.enter();
        Self { lines }
    }

    /// Takes over a count that `lines` have already.
    pub(crate) fn taken_over(lines: Lines) -> Self {
        Self { lines }
    }

    /// Apart from `drop`, so that what counts nothing is looked at once: 8 instructions.
    fn end(&self) {
        self.lines.leave().wake();
    }

    pub(crate) fn lines(&self) -> &Lines {
        &self.lines
    }
}

impl Drop for Count {
    #[inline]
    fn drop(&mut self) {
        if !self.lines.is_none() {
            self.end();
        }
    }
}
