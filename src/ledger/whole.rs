//! What is counted over all locations, and waiting for it to reach zero.

use crate::util::sync::{AtomicUsize, Ordering};
use crate::util::wait::Condition;
use crate::util::waiters::Waiters;

/// Set in [`Whole::running`] while a task may wait for it to reach zero.
const AWAITED: usize = 1;
/// One entry in [`Whole::running`].
const ONE: usize = 2;

/// The counts over all locations.
pub(crate) struct Whole {
    /// The number of entries, times [`ONE`], and [`AWAITED`]: one word, so that the entry that
    /// makes it zero also reads whether there is a task to wake.
    running: AtomicUsize,
    pub(super) orphans: AtomicUsize,
    waiters: Waiters,
}

impl Whole {
    pub(super) fn new() -> Self {
        Self {
            running: AtomicUsize::new(0),
            orphans: AtomicUsize::new(0),
            waiters: Waiters::new(),
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.running.load(Ordering::Acquire) / ONE
    }

    pub(crate) fn orphans(&self) -> usize {
        self.orphans.load(Ordering::Acquire)
    }

    pub(super) fn enter(&self) {
        // Release: a thread that sees this count sees the line's.
        self.running.fetch_add(ONE, Ordering::Release);
    }

    /// Returns `true` if this made the count zero while a task waits for that.
    pub(super) fn leave(&self) -> bool {
        // Release for what the work did; acquire to hand on what earlier entries did.
        self.running.fetch_sub(ONE, Ordering::AcqRel) == ONE | AWAITED
    }

    pub(super) fn wake(&self) {
        // Cleared before waking: a waiter that registers later sets it again.
        self.running.fetch_and(!AWAITED, Ordering::Relaxed);
        self.waiters.wake_all();
    }
}

/// Holds while nothing runs.
impl Condition for Whole {
    fn waiters(&self) -> &Waiters {
        &self.waiters
    }

    fn holds(&self) -> bool {
        self.len() == 0
    }

    fn holds_for_waiter(&self) -> bool {
        // The entry that makes it zero after this sees the mark, and then the waker in the list.
        self.running.fetch_or(AWAITED, Ordering::AcqRel) / ONE == 0
    }
}
