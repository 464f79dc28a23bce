//! The lines of one piece of work: one for each tracker that it was spawned through.

use std::iter;

use super::Ledger;
use super::line::{Ending, Line};
use crate::util::sync::Arc;

/// The lines at which one piece of work is counted, as the caller's side of its shield knows them. Usually none or one;
/// nested trackers make more. It does not count by itself.
#[derive(Clone)]
pub(crate) struct Lines {
    first: Option<Link>,
}

#[derive(Clone)]
struct Link {
    line: Arc<Line>,
    next: Option<Box<Self>>,
}

impl Lines {
    #[inline]
    pub(crate) const fn none() -> Self {
        Self { first: None }
    }

    #[inline]
    pub(crate) fn is_empty(&self) -> bool {
        self.first.is_none()
    }

    #[inline]
    pub(crate) fn push(&mut self, line: Arc<Line>) {
        let next = self.first.take().map(Box::new);
        self.first = Some(Link { line, next });
    }

    /// Removes and returns the line that belongs to `ledger`.
    pub(super) fn remove(&mut self, ledger: &Ledger) -> Option<Arc<Line>> {
        let mut found = None;
        let mut rest = self.first.take().map(Box::new);
        while let Some(link) = rest {
            let Link { line, next } = *link;
            rest = next;
            if found.is_none() && Arc::ptr_eq(&line.whole, &ledger.whole) {
                found = Some(line);
            } else {
                self.push(line);
            }
        }
        found
    }

    fn iter(&self) -> impl Iterator<Item = &Arc<Line>> {
        iter::successors(self.first.as_ref(), |link| link.next.as_deref()).map(|link| &link.line)
    }

    pub(super) fn enter(&self) {
        self.iter().for_each(|line| line.enter());
    }

    /// Leaves every line, and wakes whoever waits only after the last: a waker may look at any tracker.
    pub(super) fn leave(&self) {
        fn leave(link: Option<&Link>) {
            if let Some(Link { line, next }) = link {
                let to_wake = line.leave_counts();
                leave(next.as_deref());
                line.whole.wake(to_wake);
            }
        }
        leave(self.first.as_ref());
    }

    /// Counts the work as an orphan.
    #[inline]
    pub(crate) fn orphaned(&self) {
        self.iter().for_each(|line| line.orphaned());
    }

    /// Counts the ending of an orphan.
    #[inline]
    pub(crate) fn ended(&self, ending: Ending) {
        self.iter().for_each(|line| line.ended(ending));
    }

    /// Counts what the caller's side does for work that has ended: the hook that it runs.
    pub(crate) fn count(self) -> super::InlineEntry {
        let mut entry = super::InlineEntry::new(self);
        entry.begin();
        entry
    }
}
