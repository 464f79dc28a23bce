//! What a shield and the trackers that its work passes through tell each other during the call to the spawner.
//!
//! A spawner takes a future and returns nothing, so the two meet in thread-locals for the length of that call. If no
//! tracker takes part, nothing here is touched but the current [`Call`].

use std::mem::ManuallyDrop;

use crate::ledger::{Entry, InlineEntry, Ledger, Lines};
use crate::util::CallLocation;
use crate::util::call::{self, Call, Restore};
use crate::util::sync::thread_cells;

thread_cells! {
    // `ManuallyDrop`, to have no destructor: the guards below always take out what was put in.
    /// The lines at which trackers count the work of an eager shield.
    static ADOPTED: ManuallyDrop<Lines> = ManuallyDrop::new(Lines::none());
    /// The counts of inline work, until the trackers that they belong to take them over.
    static COUNTED: ManuallyDrop<InlineEntry> = ManuallyDrop::new(InlineEntry::none());
}

fn swap_adopted(lines: Lines) -> Lines {
    ManuallyDrop::into_inner(ADOPTED.with(|adopted| adopted.replace(ManuallyDrop::new(lines))))
}

fn swap_counted(entry: InlineEntry) -> InlineEntry {
    ManuallyDrop::into_inner(COUNTED.with(|counted| counted.replace(ManuallyDrop::new(entry))))
}

/// The call to a spawner by an eager shield. When it ends, by unwinding too, the shield has the lines of its work.
#[must_use]
pub(crate) struct EagerCall<'a> {
    adopted: &'a mut Lines,
    /// What an outer call has collected so far.
    outer: Lines,
    call: Restore,
}

/// Begins the call to the spawner of an eager shield made at `location`.
#[inline]
pub(crate) fn eager_call(location: CallLocation, adopted: &mut Lines) -> EagerCall<'_> {
    let call = call::enter(Call::Eager(location));
    let outer = if call.is_nested() {
        swap_adopted(Lines::none())
    } else {
        Lines::none()
    };
    EagerCall { adopted, outer, call }
}

impl Drop for EagerCall<'_> {
    #[inline]
    fn drop(&mut self) {
        if call::is_claimed() || self.call.is_nested() {
            *self.adopted = swap_adopted(std::mem::replace(&mut self.outer, Lines::none()));
        }
    }
}

/// The call to a spawner for work that ran inline. Counts that no tracker took over end with it.
#[must_use]
pub(crate) struct InlineCall {
    /// What an outer call has not handed over yet.
    outer: ManuallyDrop<InlineEntry>,
    _call: Restore,
}

/// Begins the call to the spawner for work that was shielded at `location`, ran inline and was counted by `counted`.
pub(crate) fn inline_call(location: CallLocation, counted: InlineEntry) -> InlineCall {
    InlineCall {
        outer: ManuallyDrop::new(swap_counted(counted)),
        _call: call::enter(Call::Inline(location)),
    }
}

impl Drop for InlineCall {
    fn drop(&mut self) {
        let outer = std::mem::replace(&mut *self.outer, InlineEntry::none());
        let left = swap_counted(outer);
        let _hidden = call::hide();
        drop(left);
    }
}

/// A tracker's part of a call: the count of the work, and the call to the spawner inside.
pub(crate) fn claim(ledger: &Ledger, caller: CallLocation) -> (Entry, Restore) {
    let call = call::claim(caller);
    let location = call.location().unwrap_or(caller);
    let entry = match call {
        Call::Inline(_) => take_over(ledger).unwrap_or_else(|| ledger.enter(location)),
        Call::Eager(_) => {
            let mut adopted = swap_adopted(Lines::none());
            adopted.push(ledger.line(location).clone());
            drop(swap_adopted(adopted));
            ledger.enter(location)
        }
        _ => ledger.enter(location),
    };
    (entry, call::enter(call))
}

fn take_over(ledger: &Ledger) -> Option<Entry> {
    let mut counted = swap_counted(InlineEntry::none());
    let entry = counted.take(ledger);
    drop(swap_counted(counted));
    entry
}
