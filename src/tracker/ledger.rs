//! What runs, counted in all and by call site, by many threads at once.

use std::panic::Location;
use std::ptr;
use std::sync::OnceLock;
use std::task::{Context, Poll};

use super::Unfinished;
use crate::site::Site;
use crate::sync::{Arc, AtomicUsize, Ordering};
use crate::waiters::{Ticket, Waiters};

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
    pub(super) fn enter(&self, site: Site) -> Entry {
        self.whole.running.fetch_add(ONE, Ordering::Relaxed);
        let line = self.sites.line(&self.whole, site);
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
        self.forget(ticket);
        Poll::Ready(())
    }

    /// A waiter that waits no longer.
    pub(super) fn forget(&self, ticket: &mut Ticket) {
        self.whole.waiters.remove(ticket);
    }

    /// What runs, by site. An entry leaves the whole a moment before its site, so the whole is asked first: where it is zero,
    /// there is nothing at any site.
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

/// A count for each call site: a hash table that only grows, as far as there are call sites in the program's text, so
/// that it is read without a lock.
struct Sites {
    buckets: [OnceLock<Arc<Line>>; BUCKETS],
}

/// One call site, and the next one in the same bucket. What runs there is counted by the references to it, of which one is the
/// table's: so an entry touches one word of its site, and one of the whole, and threads do not wait for each other's more.
struct Line {
    site: Site,
    whole: Arc<Whole>,
    next: OnceLock<Arc<Self>>,
}

impl Line {
    /// Puts a line for `site` at the end of a bucket, of which `slot` was the end just now. Another thread may append,
    /// too.
    #[cold]
    fn append<'a>(mut slot: &'a OnceLock<Arc<Self>>, whole: &Arc<Whole>, site: Site) -> &'a Arc<Self> {
        loop {
            let line = slot.get_or_init(|| {
                Arc::new(Self {
                    site,
                    whole: Arc::clone(whole),
                    next: OnceLock::new(),
                })
            });
            if ptr::eq(line.site, site) {
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

    /// The line of `site`, which is known by its address.
    #[inline]
    fn line<'a>(&'a self, whole: &Arc<Whole>, site: Site) -> &'a Arc<Line> {
        let mut slot = &self.buckets[ptr::from_ref(site).addr() / align_of::<Location<'_>>() % BUCKETS];
        while let Some(line) = slot.get() {
            if ptr::eq(line.site, site) {
                return line;
            }
            slot = &line.next;
        }
        Line::append(slot, whole, site)
    }

    /// What is not zero.
    fn counts(&self) -> Vec<(Site, usize)> {
        let mut counts = Vec::new();
        for bucket in &self.buckets {
            let mut slot = bucket;
            while let Some(line) = slot.get() {
                let running = Arc::strong_count(line) - 1;
                if running != 0 {
                    counts.push((line.site, running));
                }
                slot = &line.next;
            }
        }
        counts
    }
}
