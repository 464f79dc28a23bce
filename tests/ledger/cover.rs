//! What a run must have seen, so that programs that do nothing cannot pass.

use std::cell::Cell;

const POINTS: [&str; 56] = [
    "cancellation delivered",
    "caller of running work left",
    "caller woken by the end",
    "cleanup delivered",
    "cleanup dropped before its run",
    "deadline of a drain",
    "delivered to a first waiter",
    "delivered to one more waiter",
    "gone",
    "grace ended with a value",
    "handle dropped inside foreign code",
    "handle polled inside foreign code",
    "hook run by the caller",
    "hook run with a panic",
    "hook run with a value",
    "hook run, cancelled after it started",
    "hook run, cancelled before it started",
    "inline value delivered",
    "inline work dropped partway",
    "nothing left",
    "operation inside foreign code",
    "outcome dropped by the caller",
    "outcome of an orphan dropped",
    "outcome hooked after its clone panicked",
    "panic delivered",
    "panic in a hook",
    "panic in the clone of a waker",
    "panic in the clone of an output",
    "panic in the drop of a clock's maker",
    "panic in the drop of a closure",
    "panic in the drop of a future",
    "panic in the drop of a hook",
    "panic in the drop of a payload",
    "panic in the drop of a spawner",
    "panic in the drop of a value",
    "panic in the drop of a waker",
    "panic in the drop of an output",
    "panic in the wake of a waker",
    "panic of a spawner after it took the work",
    "panic of a spawner before it took the work",
    "panic of a spawner that is asked to track",
    "panic while unwinding",
    "second panic in the drop of a future",
    "spawned on an executor that is shut down",
    "spawned where a wait is woken",
    "time of a grace is up",
    "value delivered",
    "value lost to the drop of its future",
    "wait pending",
    "wait woken because nothing is left",
    "waiter of a shared shield woken",
    "waiter pending",
    "waiter woken because the caller is gone",
    "window cut off",
    "window ended with a value",
    "work polled inside the call to its spawner",
];

thread_local! {
    static SEEN: [Cell<u64>; POINTS.len()] = const { [const { Cell::new(0) }; POINTS.len()] };
}

/// Counts one of the points.
pub fn cover(what: &str) {
    let place = POINTS.iter().position(|point| *point == what);
    let place = place.unwrap_or_else(|| panic!("`{what}` is not in the list"));
    SEEN.with(|seen| seen[place].set(seen[place].get() + 1));
}

/// The points, and how often they were seen.
pub fn covered() -> Vec<(&'static str, u64)> {
    SEEN.with(|seen| POINTS.into_iter().zip(seen.iter().map(Cell::get)).collect())
}
