//! Finding the line of a location.

use std::iter;
use std::panic::Location;
use std::ptr;
use std::sync::OnceLock;

use super::line::Line;
use super::lines::Node;
use super::whole::Whole;
use crate::util::CallLocation;
use crate::util::sync::Arc;

const BUCKETS: usize = 32;

/// The end of a bucket so far, or the next line in it.
pub(super) type Bucket = OnceLock<Arc<Node>>;

/// An append-only hash table, bounded by the number of call locations in the program. Lines are
/// never removed, so reading takes no lock.
pub(super) struct Table {
    buckets: [Bucket; BUCKETS],
}

impl Table {
    pub(super) fn new() -> Self {
        Self {
            buckets: [const { OnceLock::new() }; BUCKETS],
        }
    }

    /// Returns the line of `location`, which is known by its address.
    pub(super) fn line<'a>(&'a self, whole: &Arc<Whole>, location: CallLocation) -> &'a Arc<Node> {
        let mut slot = &self.buckets[ptr::from_ref(location).addr() / align_of::<Location<'_>>() % BUCKETS];
        while let Some(node) = slot.get() {
            let line = node.as_line();
            if ptr::eq(line.location, location) {
                return node;
            }
            slot = &line.next;
        }
        append(slot, whole, location)
    }

    pub(super) fn lines(&self) -> impl Iterator<Item = &Line> {
        self.buckets
            .iter()
            .flat_map(|bucket| iter::successors(bucket.get(), |node| node.as_line().next.get()))
            .map(|node| node.as_line())
    }
}

/// Appends a line to a bucket that ended at `slot` a moment ago. Another thread may append, too.
#[cold]
fn append<'a>(mut slot: &'a Bucket, whole: &Arc<Whole>, location: CallLocation) -> &'a Arc<Node> {
    loop {
        let node = slot.get_or_init(|| Arc::new(Node::Line(Line::new(location, whole))));
        let line = node.as_line();
        if ptr::eq(line.location, location) {
            return node;
        }
        slot = &line.next;
    }
}
