//! The lines of one piece of work: one for each tracker that it was spawned through.

use super::Ledger;
use super::line::{Ending, Line};
use crate::util::sync::Arc;

/// The lines at which one piece of work is counted. Usually none or one, so this is one pointer;
/// nested trackers make more. It does not count by itself: see [`Count`](super::Count).
#[derive(Clone)]
pub(crate) struct Lines(Option<Arc<Node>>);

/// One line, or those of nested trackers.
pub(crate) enum Node {
    Line(Line),
    Nested(Arc<Self>, Arc<Self>),
}

impl Node {
    /// Returns the line of a node that is in a [`Table`](super::table::Table).
    #[inline]
    pub(super) fn as_line(&self) -> &Line {
        match self {
            Self::Line(line) => line,
            Self::Nested(..) => unreachable!("a table holds single lines"),
        }
    }

    /// Calls `f` for each line.
    #[inline]
    fn for_each(&self, f: &mut impl FnMut(&Line)) {
        match self {
            Self::Line(line) => f(line),
            Self::Nested(one, other) => {
                one.for_each_nested(f);
                other.for_each_nested(f);
            }
        }
    }

    #[cold]
    fn for_each_nested(&self, f: &mut dyn FnMut(&Line)) {
        self.for_each(&mut |line| f(line));
    }

    /// Leaves each line, and wakes whoever waits only after the last: a waker may look at any
    /// tracker.
    fn leave(&self, then: &mut dyn FnMut()) {
        match self {
            Self::Line(line) => {
                let to_wake = line.leave();
                then();
                line.wake(to_wake);
            }
            Self::Nested(one, other) => one.leave(&mut || other.leave(&mut *then)),
        }
    }
}

impl Lines {
    #[inline]
    pub(crate) const fn none() -> Self {
        Self(None)
    }

    #[inline]
    pub(super) fn one(node: &Arc<Node>) -> Self {
        Self(Some(Arc::clone(node)))
    }

    #[inline]
    pub(crate) fn is_none(&self) -> bool {
        self.0.is_none()
    }

    #[inline]
    pub(crate) fn take(&mut self) -> Self {
        Self(self.0.take())
    }

    /// Adds those of `other`.
    #[inline]
    pub(crate) fn add(&mut self, other: Self) {
        self.0 = match (self.0.take(), other.0) {
            (Some(one), Some(other)) => Some(Arc::new(Node::Nested(one, other))),
            (one, other) => one.or(other),
        };
    }

    /// Returns `true` if one of the lines belongs to `ledger`.
    pub(crate) fn contains(&self, ledger: &Ledger) -> bool {
        let mut found = false;
        self.for_each(|line| found |= line.is_of(ledger.whole()));
        found
    }

    #[inline]
    fn for_each(&self, mut f: impl FnMut(&Line)) {
        if let Some(node) = &self.0 {
            node.for_each(&mut f);
        }
    }

    #[inline]
    pub(super) fn enter(&self) {
        self.for_each(Line::enter);
    }

    #[inline]
    pub(super) fn leave(&self) {
        self.leave_then(|| {});
    }

    /// Leaves each line, calls `then`, and wakes whoever waits.
    #[inline]
    pub(super) fn leave_then(&self, then: impl FnOnce()) {
        match self.0.as_deref() {
            None => then(),
            Some(Node::Line(line)) => {
                let to_wake = line.leave();
                then();
                line.wake(to_wake);
            }
            Some(nested) => {
                let mut then = Some(then);
                nested.leave(&mut || then.take().into_iter().for_each(|then| then()));
            }
        }
    }

    /// Counts the work as an orphan.
    #[inline]
    pub(crate) fn orphaned(&self) {
        self.for_each(Line::orphaned);
    }

    /// Counts the ending of an orphan.
    #[inline]
    pub(crate) fn ended(&self, ending: Ending) {
        self.for_each(|line| line.ended(ending));
    }
}
