//! Work whose caller is gone.

use super::hook::Hook;
use super::trace::{Announcement, CallSpan, Trace};
use crate::error::Outcome;
use crate::ledger::{Count, Ending};
use crate::util::CallLocation;
use crate::util::contain::{Contained, contain};
use crate::util::flag::SetOnDrop;

/// Stands in for a caller that is gone: its hook, and the events.
pub(crate) struct Orphan<T> {
    hook: Option<Hook<T>>,
    trace: Trace,
}

impl<T> Orphan<T> {
    pub(crate) fn new(hook: Option<Hook<T>>, span: CallSpan) -> Self {
        Self {
            hook,
            trace: Trace::new(span),
        }
    }

    /// Takes everything out of it: `Relay::settle` stores over what is left, without a drop.
    pub(crate) fn take(&mut self) -> Self {
        Self {
            hook: self.hook.take(),
            trace: self.trace.take(),
        }
    }

    /// Returns the event that the work is an orphan, to be emitted once every query reports that.
    /// If the work ends on another thread at that moment, the event of its end may be emitted
    /// first.
    pub(crate) fn announcement(&self) -> Announcement {
        self.trace.announcement()
    }

    /// The work has ended as an orphan: gives the outcome to the hook, or drops it if there is
    /// none. A panic of either is contained. After that the ending counts, and the work no longer
    /// does.
    #[inline]
    pub(crate) fn conclude(self, location: CallLocation, outcome: Outcome<T>, count: Count) {
        let Self { hook, trace } = self;
        let ending = match &outcome {
            Ok(_) => Ending::Finished,
            Err(error) if error.is_panic() => Ending::Panicked,
            Err(_) => Ending::Cancelled,
        };
        trace.end(location, &outcome);
        run(hook, outcome);
        count.lines().ended(ending);
        // `trace` is dropped first, as a local, and the count after it, as a parameter: dropping
        // `trace` may close the span, and an exporter may be shut down once nothing runs.
    }

    /// The work had ended before its caller was gone, so it is no orphan: its outcome goes to the
    /// hook here, on the caller's side. It counts while the hook runs.
    pub(crate) fn take_late(self, location: CallLocation, outcome: Outcome<T>, _count: Count, gone: Option<SetOnDrop>) {
        let Self { hook, trace } = self;
        // Before the hook, which may wait for a task that waits for the caller to be gone.
        drop(gone);
        trace.end(location, &outcome);
        run(hook, outcome);
        // Dropped in the same order as in `conclude`.
    }
}

#[inline]
fn run<T>(hook: Option<Hook<T>>, outcome: Outcome<T>) {
    match (hook, outcome) {
        (Some(hook), outcome) => contain(move || hook(outcome)),
        // Apart, so that an output without a destructor costs nothing.
        (None, Ok(output)) => drop(Contained::new(output)),
        (None, Err(error)) => drop(Contained::new(error)),
    }
}
