//! Work whose caller has gone: what was left behind for it, and what is told of it.

use super::hook::Hook;
use super::trace::Trace;
use crate::error::Outcome;
use crate::spawn::location::CallLocation;
use crate::util::contain::contain;

/// Stands in for a caller that has gone.
pub(crate) struct Orphan<T> {
    hook: Option<Hook<T>>,
    trace: Trace,
}

impl<T> Orphan<T> {
    /// The caller leaves. `still_runs` asks whether it leaves work behind, or only an outcome that it did not take.
    pub(crate) fn new(location: CallLocation, hook: Option<Hook<T>>, still_runs: impl FnOnce() -> bool) -> Self {
        let trace = Trace::begin(location, still_runs);
        Self { hook, trace }
    }

    /// The work has ended: gives the outcome to the hook, or drops it where there is none. Neither can panic the thread
    /// it happens to run on.
    pub(crate) fn conclude(self, location: CallLocation, outcome: Outcome<T>) {
        let Self { hook, trace } = self;
        trace.end(location, &outcome);
        contain(move || match hook {
            Some(hook) => hook(outcome),
            None => drop(outcome),
        });
    }
}
