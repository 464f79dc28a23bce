//! What a shield and the trackers around its spawner exchange during the call to the spawner.
//!
//! A spawner takes a future and returns nothing, so the two meet in thread-locals for the length of
//! that call. If no tracker takes part, nothing here is touched but the current [`Call`].

use std::mem::{self, ManuallyDrop};

use crate::ledger::{Count, Ledger, Lines};
use crate::util::CallLocation;
use crate::util::call::{self, Call, Restore};
use crate::util::sync::thread_cells;

thread_cells! {
    // `ManuallyDrop`, to have no destructor: the guards below always take out what was put in.
    /// The counts that trackers began for the work of an eager shield.
    static BEGUN: ManuallyDrop<Count> = ManuallyDrop::new(Count::none());
    /// The lines at which inline work is counted already.
    static COUNTED: ManuallyDrop<Lines> = ManuallyDrop::new(Lines::none());
}

fn swap_begun(count: Count) -> Count {
    ManuallyDrop::into_inner(BEGUN.with(|begun| begun.replace(ManuallyDrop::new(count))))
}

fn swap_counted(lines: Lines) -> Lines {
    ManuallyDrop::into_inner(COUNTED.with(|counted| counted.replace(ManuallyDrop::new(lines))))
}

/// The call to a spawner by an eager shield.
#[must_use]
pub(crate) struct EagerCall {
    /// What trackers began in an outer call.
    outer: Count,
    call: Restore,
}

/// Begins the call to the spawner of an eager shield made at `location`.
#[inline]
pub(crate) fn eager_call(location: CallLocation) -> EagerCall {
    let call = call::enter(Call::Eager(location));
    let outer = if call.is_nested() {
        swap_begun(Count::none())
    } else {
        Count::none()
    };
    EagerCall { outer, call }
}

impl EagerCall {
    /// Ends the call, and returns the count that trackers began for the work. Called once, by the
    /// drop of the owner, so that it is not left out if the spawner panics.
    #[inline]
    pub(crate) fn end(&mut self) -> Count {
        if call::is_claimed() || self.call.is_nested() {
            swap_begun(mem::replace(&mut self.outer, Count::none()))
        } else {
            Count::none()
        }
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
pub(crate) fn inline_call(location: CallLocation, counted: Lines) -> InlineCall {
    let call = call::enter(Call::Inline(location));
    InlineCall {
        outer: (call.is_nested() || !counted.is_none()).then(|| swap_counted(counted)),
        _call: call,
    }
}

impl Drop for InlineCall {
    fn drop(&mut self) {
        if let Some(outer) = self.outer.take() {
            drop(swap_counted(outer));
        }
    }
}

/// A tracker's part of a call: the count of its task, unless the work itself has it, and the call
/// to the spawner inside.
#[inline]
pub(crate) fn claim(ledger: &Ledger, caller: CallLocation) -> (Count, Restore) {
    let call = call::claim(caller);
    let line = ledger.line(call.location().unwrap_or(caller));
    let count = match call {
        Call::Eager(_) => {
            let mut begun = swap_begun(Count::begin(line));
            if !begun.lines().is_none() {
                // A tracker around this one has begun to count.
                begun.add(swap_begun(Count::none()));
                drop(swap_begun(begun));
            }
            Count::none()
        }
        Call::Inline(_) if is_counted(ledger) => Count::none(),
        _ => Count::begin(line),
    };
    (count, call::enter(call))
}

fn is_counted(ledger: &Ledger) -> bool {
    let counted = swap_counted(Lines::none());
    let is_counted = counted.contains(ledger);
    drop(swap_counted(counted));
    is_counted
}
