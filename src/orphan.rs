//! Work whose caller has gone: what was left behind for it, and what is told of it.

use crate::contain::contain;
use crate::error::Outcome;
use crate::hook::Hook;
use crate::site::Site;
use crate::trace::Trace;

/// Stands in for a caller that has gone.
pub(crate) struct Orphan<T> {
    hook: Option<Hook<T>>,
    trace: Trace,
}

impl<T> Orphan<T> {
    /// The caller leaves. `still_runs` asks whether it leaves work behind, or only an outcome that it did not take.
    pub(crate) fn new(site: Site, hook: Option<Hook<T>>, still_runs: impl FnOnce() -> bool) -> Self {
        let trace = Trace::begin(site, still_runs);
        Self { hook, trace }
    }

    /// The work has ended: gives the outcome to the hook, or drops it where there is none. Neither can panic the thread
    /// it happens to run on.
    pub(crate) fn conclude(self, site: Site, outcome: Outcome<T>) {
        let Self { hook, trace } = self;
        trace.end(site, &outcome);
        contain(move || match hook {
            Some(hook) => hook(outcome),
            None => drop(outcome),
        });
    }
}
