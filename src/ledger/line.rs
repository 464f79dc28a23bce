//! The counts of one location.

use super::table::Bucket;
use super::whole::Whole;
use crate::util::CallLocation;
use crate::util::sync::{Arc, AtomicUsize, Mutex, Ordering, lock};

/// The counts of one location, and the next one in the same bucket of the table.
///
/// An entry counts here first and in the whole second, and leaves the whole first. So while the
/// whole is not zero, some line is not zero either, and a thread that looks for it need not wait
/// for another one.
pub(crate) struct Line {
    pub(super) location: CallLocation,
    whole: Arc<Whole>,
    running: AtomicUsize,
    /// One lock, so that every reader sees numbers that add up. Work that keeps its caller never
    /// takes it.
    orphans: Mutex<Orphans>,
    pub(super) next: Bucket,
}

/// Work that lost its caller before its end.
#[derive(Clone, Copy)]
struct Orphans {
    running: usize,
    finished: u64,
    panicked: u64,
    cancelled: u64,
}

/// How an orphan ended.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Ending {
    Finished,
    Panicked,
    Cancelled,
}

/// A snapshot of the counts of one location.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) location: CallLocation,
    pub(crate) running: usize,
    pub(crate) orphans: usize,
    pub(crate) finished: u64,
    pub(crate) panicked: u64,
    pub(crate) cancelled: u64,
}

impl Line {
    pub(super) fn new(location: CallLocation, whole: &Arc<Whole>) -> Self {
        Self {
            location,
            whole: Arc::clone(whole),
            running: AtomicUsize::new(0),
            orphans: Mutex::new(Orphans {
                running: 0,
                finished: 0,
                panicked: 0,
                cancelled: 0,
            }),
            next: Bucket::new(),
        }
    }

    pub(super) fn enter(&self) {
        self.running.fetch_add(1, Ordering::Relaxed);
        self.whole.enter();
    }

    /// Leaves both counts. If it returns `true`, [`wake`](Self::wake) must be called.
    pub(super) fn leave(&self) -> bool {
        let is_drained = self.whole.leave();
        self.running.fetch_sub(1, Ordering::Release);
        is_drained
    }

    /// Wakes the tasks that wait until nothing runs.
    pub(super) fn wake(&self) {
        self.whole.wake();
    }

    pub(super) fn is_of(&self, whole: &Arc<Whole>) -> bool {
        Arc::ptr_eq(&self.whole, whole)
    }

    /// Counts one more orphan.
    pub(super) fn orphaned(&self) {
        lock(&self.orphans).running += 1;
        self.whole.orphans.fetch_add(1, Ordering::Release);
    }

    /// Counts one orphan less, and its ending.
    pub(super) fn ended(&self, ending: Ending) {
        let mut orphans = lock(&self.orphans);
        orphans.running -= 1;
        match ending {
            Ending::Finished => orphans.finished += 1,
            Ending::Panicked => orphans.panicked += 1,
            Ending::Cancelled => orphans.cancelled += 1,
        }
        drop(orphans);
        self.whole.orphans.fetch_sub(1, Ordering::Release);
    }

    pub(super) fn counts(&self, is_idle: bool) -> Counts {
        let Orphans {
            running: orphans,
            finished,
            panicked,
            cancelled,
        } = *lock(&self.orphans);
        // Read after the orphans, some of which may have ended by then. The maximum, because an
        // orphan counts as running for as long as it is an orphan.
        let running = if is_idle {
            0
        } else {
            self.running.load(Ordering::Acquire)
        }
        .max(orphans);
        Counts {
            location: self.location,
            running,
            orphans,
            finished,
            panicked,
            cancelled,
        }
    }
}

impl Counts {
    /// Adds the counts of `other`, which has the same location or whose location does not matter.
    pub(crate) fn add(&mut self, other: &Self) {
        self.running += other.running;
        self.orphans += other.orphans;
        self.finished += other.finished;
        self.panicked += other.panicked;
        self.cancelled += other.cancelled;
    }
}
