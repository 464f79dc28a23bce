//! Work whose caller has gone: what was left behind for it, and what is told of it.

use crate::contain::contain;
use crate::error::Outcome;
use crate::hook::Hook;
use crate::site::Site;
#[cfg(feature = "tracing")]
use crate::trace::Trace;

/// Stands in for a caller that has gone.
pub(crate) struct Orphan<T> {
    hook: Option<Hook<T>>,
    #[cfg(feature = "tracing")]
    trace: Trace,
}

impl<T> Orphan<T> {
    /// The caller leaves. `still_runs` asks whether it leaves work behind, or only an outcome that it did not take.
    #[cfg_attr(
        not(feature = "tracing"),
        expect(unused_variables, reason = "only tracing tells more than the outcome")
    )]
    pub(crate) fn new(site: Site, hook: Option<Hook<T>>, still_runs: impl FnOnce() -> bool) -> Self {
        Self {
            hook,
            #[cfg(feature = "tracing")]
            trace: Trace::begin(site, still_runs),
        }
    }

    /// The work has ended: gives the outcome to the hook, or drops it where there is none. Neither can panic the thread it
    /// happens to run on.
    pub(crate) fn conclude(self, outcome: Outcome<T>) {
        #[cfg(feature = "tracing")]
        self.trace.end(&outcome);
        contain(move || match self.hook {
            Some(hook) => hook(outcome),
            None => drop(outcome),
        });
    }
}
