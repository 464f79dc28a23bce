//! The lines of one piece of work: one for each tracker that it was spawned through.

use super::Ledger;
use super::line::{Ending, Line};
use crate::util::sync::Arc;

/// The lines at which one piece of work is counted. Usually none or one, so this is one pointer;
/// nested trackers make more. It does not count by itself: see [`Count`](super::Count).
#[derive(Clone)]
pub(crate) struct Lines(Option<Arc<Node>>);

/// The lines of those trackers in which nothing runs any more and a task waits for that.
#[must_use]
pub(crate) struct Drained(Lines);

impl Drained {
    /// Wakes the tasks that wait for that.
    #[inline]
    pub(crate) fn wake(self) {
        if !self.0.is_none() {
            self.wake_all();
        }
    }

    fn wake_all(self) {
        self.0.for_each(Line::wake);
    }
}

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

    /// Apart from `Lines::ended`, so that work without a line is looked at once: 3 instructions.
    fn ended(&self, ending: Ending) {
        self.for_each(&mut |line| line.ended(ending));
    }

    #[inline]
    fn leave(this: &Arc<Self>) -> Drained {
        match &**this {
            Self::Line(line) if line.leave() => Drained(Lines::one(this)),
            Self::Line(_) => Drained(Lines::none()),
            Self::Nested(one, other) => Self::leave_both(one, other),
        }
    }

    fn leave_both(one: &Arc<Self>, other: &Arc<Self>) -> Drained {
        let mut drained = Self::leave(one);
        drained.0.add(Self::leave(other).0);
        drained
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
    pub(crate) fn enter(&self) {
        self.for_each(Line::enter);
    }

    /// Leaves each line. It wakes no task, so it can be called under a lock.
    #[inline]
    pub(crate) fn leave(&self) -> Drained {
        match &self.0 {
            Some(node) => Node::leave(node),
            None => Drained(Self::none()),
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
        if let Some(node) = &self.0 {
            node.ended(ending);
        }
    }
}
