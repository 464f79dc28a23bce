//! What runs, counted in all and by call location, by many threads at once.

use std::panic::Location;
use std::ptr;
use std::sync::OnceLock;
use std::task::{Context, Poll};

use super::unfinished::{Unfinished, UnfinishedAt};
use crate::spawn::location::CallLocation;
use crate::util::sync::{Arc, AtomicUsize, Ordering};
use crate::util::waiters::{Ticket, Waiters};

/// Set in [`Ledger::running`] while somebody waits for it to reach zero.
const AWAITED: usize = 1;
/// One entry in [`Ledger::running`].
const ONE: usize = 2;

/// The counts behind a tracker and its clones. No lock is taken but to wait, and to wake who waits.
pub(super) struct Ledger {
    whole: Arc<Whole>,
    sites: Sites,
}

/// What is counted over all call sites.
struct Whole {
    // The number of entries, times `ONE`, and `AWAITED`: one word, so that the entry that makes it zero knows for
    // certain whether it has somebody to wake.
    running: AtomicUsize,
    waiters: Waiters,
}

impl Ledger {
    pub(super) fn new() -> Self {
        Self {
            whole: Arc::new(Whole {
                running: AtomicUsize::new(0),
                waiters: Waiters::new(),
            }),
            sites: Sites::new(),
        }
    }

    /// Counts one more, until the entry is dropped.
    #[inline]
    pub(super) fn enter(&self, location: CallLocation) -> Entry {
        self.whole.running.fetch_add(ONE, Ordering::Relaxed);
        let line = self.sites.line(&self.whole, location);
        Entry { line: Arc::clone(line) }
    }

    pub(super) fn len(&self) -> usize {
        self.whole.running.load(Ordering::Acquire) / ONE
    }

    /// Waits for zero.
    pub(super) fn poll_idle(&self, ticket: &mut Ticket, cx: &mut Context<'_>) -> Poll<()> {
        if self.len() != 0 {
            self.whole.waiters.register(ticket, cx.waker());
            // Whoever makes it zero after this sees the mark, and then the waker in the list.
            if self.whole.running.fetch_or(AWAITED, Ordering::AcqRel) / ONE != 0 {
                return Poll::Pending;
            }
        }
        self.deregister(ticket);
        Poll::Ready(())
    }

    /// A waiter that waits no longer.
    pub(super) fn deregister(&self, ticket: &mut Ticket) {
        self.whole.waiters.remove(ticket);
    }

    /// What runs, by location. An entry leaves the whole a moment before its location, so the whole is asked first: where it is zero,
    /// there is nothing at any location.
    pub(super) fn unfinished(&self) -> Unfinished {
        let counts = if self.len() == 0 {
            Vec::new()
        } else {
            self.sites.counts()
        };
        Unfinished::new(counts)
    }
}

impl Whole {
    #[cold]
    fn wake(&self) {
        // Cleared before waking: who registers later sets it again.
        self.running.fetch_and(!AWAITED, Ordering::Relaxed);
        self.waiters.wake_all();
    }
}

/// Work that is counted for as long as this lives. One pointer, as it is part of each task.
pub(super) struct Entry {
    line: Arc<Line>,
}

impl Drop for Entry {
    #[inline]
    fn drop(&mut self) {
        let whole = &self.line.whole;
        // Release, for what the work did; acquire, to hand on what earlier ones did.
        if whole.running.fetch_sub(ONE, Ordering::AcqRel) == ONE | AWAITED {
            whole.wake();
        }
    }
}

const BUCKETS: usize = 32;

/// A count for each call location: a hash table that only grows, as far as there are call sites in the program's text, so
/// that it is read without a lock.
struct Sites {
    buckets: [OnceLock<Arc<Line>>; BUCKETS],
}

/// One call location, and the next one in the same bucket. What runs there is counted by the references to it, of which one is the
/// table's: so an entry touches one word of its location, and one of the whole, and threads do not wait for each other's more.
struct Line {
    location: CallLocation,
    whole: Arc<Whole>,
    next: OnceLock<Arc<Self>>,
}

impl Line {
    /// Puts a line for `location` at the end of a bucket, of which `slot` was the end just now. Another thread may append,
    /// too.
    #[cold]
    fn append<'a>(mut slot: &'a OnceLock<Arc<Self>>, whole: &Arc<Whole>, location: CallLocation) -> &'a Arc<Self> {
        loop {
            let line = slot.get_or_init(|| {
                Arc::new(Self {
                    location,
                    whole: Arc::clone(whole),
                    next: OnceLock::new(),
                })
            });
            if ptr::eq(line.location, location) {
                return line;
            }
            slot = &line.next;
        }
    }
}

impl Sites {
    fn new() -> Self {
        Self {
            buckets: [const { OnceLock::new() }; BUCKETS],
        }
    }

    /// The line of `location`, which is known by its address.
    #[inline]
    fn line<'a>(&'a self, whole: &Arc<Whole>, location: CallLocation) -> &'a Arc<Line> {
        let mut slot = &self.buckets[ptr::from_ref(location).addr() / align_of::<Location<'_>>() % BUCKETS];
        while let Some(line) = slot.get() {
            if ptr::eq(line.location, location) {
                return line;
            }
            slot = &line.next;
        }
        Line::append(slot, whole, location)
    }

    /// What is not zero.
    fn counts(&self) -> Vec<UnfinishedAt> {
        let mut counts = Vec::new();
        for bucket in &self.buckets {
            let mut slot = bucket;
            while let Some(line) = slot.get() {
                let running = Arc::strong_count(line) - 1;
                if running != 0 {
                    counts.push(UnfinishedAt::new(line.location, running));
                }
                slot = &line.next;
            }
        }
        counts
    }
}
