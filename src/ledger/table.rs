//! Finding the line of a location.

use std::iter;
use std::panic::Location;
use std::ptr;
use std::sync::OnceLock;

use super::line::Line;
use super::whole::Whole;
use crate::util::CallLocation;
use crate::util::sync::Arc;

const BUCKETS: usize = 32;

/// An append-only hash table, bounded by the number of call locations in the program. Lines are never removed, so
/// reading takes no lock.
pub(super) struct Table {
    buckets: [OnceLock<Arc<Line>>; BUCKETS],
}

impl Table {
    pub(super) fn new() -> Self {
        Self {
            buckets: [const { OnceLock::new() }; BUCKETS],
        }
    }

    /// Returns the line of `location`, which is known by its address.
    #[inline]
    pub(super) fn line<'a>(&'a self, whole: &Arc<Whole>, location: CallLocation) -> &'a Arc<Line> {
        let mut slot = &self.buckets[ptr::from_ref(location).addr() / align_of::<Location<'_>>() % BUCKETS];
        while let Some(line) = slot.get() {
            if ptr::eq(line.location, location) {
                return line;
            }
            slot = &line.next;
        }
        append(slot, whole, location)
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &Arc<Line>> {
        self.buckets
            .iter()
            .flat_map(|bucket| iter::successors(bucket.get(), |line| line.next.get()))
    }
}

/// Appends a line to a bucket that ended at `slot` a moment ago. Another thread may append, too.
#[cold]
fn append<'a>(mut slot: &'a OnceLock<Arc<Line>>, whole: &Arc<Whole>, location: CallLocation) -> &'a Arc<Line> {
    loop {
        let line = slot.get_or_init(|| Arc::new(Line::new(location, whole)));
        if ptr::eq(line.location, location) {
            return line;
        }
        slot = &line.next;
    }
}
