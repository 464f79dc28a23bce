//! Work whose caller is gone.

use super::hook::Hook;
use super::trace::{Announcement, CallSpan, Trace};
use crate::error::Outcome;
use crate::ledger::{Ending, Lines};
use crate::util::CallLocation;
use crate::util::contain::contain;
use crate::util::flag::SetOnDrop;

/// Stands in for a caller that is gone: the hook, the events, and the counts of trackers.
pub(crate) struct Orphan<T> {
    hook: Option<Hook<T>>,
    lines: Lines,
    trace: Trace,
}

impl<T> Orphan<T> {
    pub(crate) fn new(hook: Option<Hook<T>>, lines: Lines, span: CallSpan) -> Self {
        Self {
            hook,
            lines,
            trace: Trace::new(span),
        }
    }

    /// Counts the work as an orphan. No foreign code runs.
    pub(crate) fn count(&self) {
        self.lines.orphaned();
    }

    /// Returns the event that the work is an orphan, to be emitted once every query says so. If the work ends on
    /// another thread at that moment, its end may be told first.
    pub(crate) fn announcement(&self) -> Announcement {
        self.trace.announcement()
    }

    /// The work has ended as an orphan: gives the outcome to the hook, or drops it if there is none. Neither can panic
    /// the thread that it happens to run on. The ending counts after that.
    pub(crate) fn conclude(self, location: CallLocation, outcome: Outcome<T>) {
        let Self { hook, lines, trace } = self;
        let ending = match &outcome {
            Ok(_) => Ending::Finished,
            Err(error) if error.is_panic() => Ending::Panicked,
            Err(_) => Ending::Cancelled,
        };
        trace.end(location, &outcome);
        run(hook, outcome);
        lines.ended(ending);
    }

    /// The work had ended before its caller was gone, so it is no orphan: its outcome goes to the hook here, on the
    /// caller's side, which is counted while it runs.
    pub(crate) fn take_late(self, location: CallLocation, outcome: Outcome<T>, gone: Option<SetOnDrop>) {
        let Self { hook, lines, trace } = self;
        let counted = lines.count();
        // Before the hook, which may wait for somebody who waits for this.
        drop(gone);
        trace.end(location, &outcome);
        run(hook, outcome);
        drop(counted);
    }
}

fn run<T>(hook: Option<Hook<T>>, outcome: Outcome<T>) {
    contain(move || match hook {
        Some(hook) => hook(outcome),
        None => drop(outcome),
    });
}
