//! What a shield and the trackers around its spawner exchange during the call to the spawner.
//!
//! A spawner takes a future and returns nothing, so the two meet in thread-locals for the length of
//! that call. If no tracker takes part, nothing here is touched but the current [`Call`].

use std::cell::Cell;
use std::mem::ManuallyDrop;

use crate::ledger::{Count, Ledger, Lines};
use crate::util::CallLocation;
use crate::util::call::{self, Call, Restore};
use crate::util::sync::thread_cells;

thread_cells! {
    // `ManuallyDrop`, to have no destructor: the guards below always take out what was put in.
    /// The lines at which trackers began to count the work of an eager shield.
    static BEGUN: ManuallyDrop<Lines> = ManuallyDrop::new(Lines::none());
    /// The lines at which inline work is counted already.
    static COUNTED: ManuallyDrop<Lines> = ManuallyDrop::new(Lines::none());
}

#[inline]
fn swap(cell: &Cell<ManuallyDrop<Lines>>, lines: Lines) -> Lines {
    ManuallyDrop::into_inner(cell.replace(ManuallyDrop::new(lines)))
}

#[inline]
fn swap_begun(lines: Lines) -> Lines {
    BEGUN.with(|begun| swap(begun, lines))
}

fn swap_counted(lines: Lines) -> Lines {
    COUNTED.with(|counted| swap(counted, lines))
}

/// Returns `true` if one of the lines in `cell` belongs to `ledger`.
fn contains(cell: &Cell<ManuallyDrop<Lines>>, ledger: &Ledger) -> bool {
    let lines = swap(cell, Lines::none());
    let contains = lines.contains(ledger);
    swap(cell, lines);
    contains
}

/// The call to a spawner by an eager shield.
#[must_use]
pub(crate) struct EagerCall {
    /// What trackers began in an outer call.
    outer: Lines,
    call: Restore,
}

/// Begins the call to the spawner of an eager shield made at `location`.
#[inline]
pub(crate) fn eager_call(location: CallLocation) -> EagerCall {
    let call = call::enter(Call::Eager(location));
    let outer = if call.is_nested() {
        swap_begun(Lines::none())
    } else {
        Lines::none()
    };
    EagerCall { outer, call }
}

impl EagerCall {
    /// Returns `true` if trackers began to count the work, or may have in an outer call. Then the
    /// owner calls [`take_lines`](Self::take_lines) in its drop, so that it is called even if the
    /// spawner panics.
    #[inline]
    pub(crate) fn has_lines(&self) -> bool {
        call::is_claimed() || self.call.is_nested()
    }

    /// Ends the call, and returns the lines at which trackers began to count the work.
    #[inline]
    pub(crate) fn take_lines(&mut self) -> Lines {
        swap_begun(self.outer.take())
    }
}

/// The call to a spawner for work that ran inline.
#[must_use]
pub(crate) struct InlineCall {
    /// What is counted already in an outer call. `None` if there is none, and nothing was put in.
    outer: Option<Lines>,
    _call: Restore,
}

/// Begins the call to the spawner for work that was shielded at `location`, ran inline and counts
/// at `counted`.
#[inline]
pub(crate) fn inline_call(location: CallLocation, counted: Lines) -> InlineCall {
    let call = call::enter(Call::Inline(location));
    InlineCall {
        outer: (call.is_nested() || !counted.is_none()).then(|| swap_counted(counted)),
        _call: call,
    }
}

impl Drop for InlineCall {
    #[inline]
    fn drop(&mut self) {
        if self.outer.is_some() {
            self.restore();
        }
    }
}

impl InlineCall {
    fn restore(&mut self) {
        if let Some(outer) = self.outer.take() {
            drop(swap_counted(outer));
        }
    }
}

/// Takes over the work of the current call for a tracker, which gets it as the shield made it.
/// Returns the count of the tracker's task, which is none if the shield keeps it, and a guard for
/// the call to the spawner inside.
#[inline]
pub(crate) fn claim_work(ledger: &Ledger, caller: CallLocation) -> (Count, Restore) {
    let (call, restore) = call::claim(caller);
    let count = match call {
        Call::Eager(location) => {
            begin_for_shield(ledger, location);
            Count::none()
        }
        _ => begin_for_task(ledger, call, caller),
    };
    (count, restore)
}

/// The same for a future that may be something else. If this tracker has begun to count the work,
/// it is: a task that runs inside the call spawns it.
pub(crate) fn claim_task(ledger: &Ledger, caller: CallLocation) -> (Count, Restore) {
    if BEGUN.with(|begun| contains(begun, ledger)) {
        let (call, restore) = call::claim(caller);
        (begin_for_task(ledger, call, caller), restore)
    } else {
        claim_work(ledger, caller)
    }
}

/// Begins to count the work of an eager shield, which takes the count over.
fn begin_for_shield(ledger: &Ledger, location: CallLocation) {
    let line = ledger.line(location);
    line.enter();
    let outer = swap_begun(line);
    if !outer.is_none() {
        // A tracker around this one has begun to count.
        let mut both = swap_begun(Lines::none());
        both.add(outer);
        swap_begun(both);
    }
}

fn begin_for_task(ledger: &Ledger, call: Call, caller: CallLocation) -> Count {
    match call {
        Call::Inline(_) if COUNTED.with(|counted| contains(counted, ledger)) => Count::none(),
        _ => Count::begin(ledger.line(call.location().unwrap_or(caller))),
    }
}
