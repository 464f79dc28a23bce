//! The counts behind a tracker: what runs, what of it is an orphan, and how orphans ended, by
//! location.

mod count;
mod inline_entry;
mod line;
mod lines;
mod table;
mod whole;

pub(crate) use self::count::Count;
pub use self::inline_entry::InlineEntry;
pub(crate) use self::line::{Counts, Ending};
pub(crate) use self::lines::Lines;
use self::table::Table;
pub(crate) use self::whole::Whole;
use crate::util::CallLocation;
use crate::util::sync::Arc;

/// The counts of one tracker and its clones. Work that keeps its caller takes no lock here.
pub(crate) struct Ledger {
    whole: Arc<Whole>,
    table: Table,
}

impl Ledger {
    pub(crate) fn new() -> Self {
        Self {
            whole: Arc::new(Whole::new()),
            table: Table::new(),
        }
    }

    /// Returns the counts over all locations.
    pub(crate) fn whole(&self) -> &Arc<Whole> {
        &self.whole
    }

    /// Returns the line of `location`, to count work there.
    pub(crate) fn line(&self, location: CallLocation) -> Lines {
        Lines::one(self.table.line(&self.whole, location))
    }

    /// Returns the counts of each location that was ever used, sorted, one for each file, line and
    /// column.
    pub(crate) fn counts(&self) -> Vec<Counts> {
        // An entry leaves the whole a moment before its line. So the whole is read first: if it is
        // zero, nothing runs at any location, which is what a task that has waited for zero expects
        // to see.
        let is_idle = self.whole.len() == 0;
        let mut counts: Vec<_> = self.table.lines().map(|line| line.counts(is_idle)).collect();
        counts.sort_unstable_by_key(|at| (at.location.file(), at.location.line(), at.location.column()));
        // One place in the source may have several `Location`s, one for each crate or type that it
        // was compiled for.
        counts.dedup_by(|at, kept| {
            let same = at.location == kept.location;
            if same {
                kept.add(at);
            }
            same
        });
        counts
    }
}
