//! The events of orphans (feature `tracing`). Work whose caller stays records nothing.

use std::time::Instant;

use tracing::level_filters::LevelFilter;
use tracing::{Level, debug, error};

use crate::error::Outcome;
use crate::spawn::location::CallLocation;
use crate::util::contain::contain;

/// The target of every event: the crate, and not the module that happens to tell it.
const TARGET: &str = "futures_shield";

/// One orphan, from the moment its caller left.
pub(crate) struct Trace {
    // Boxed, because every live shield has room for this, and few become orphans. `None` where nobody would record the
    // end.
    left: Option<Box<Instant>>,
}

impl Trace {
    /// Says that the caller has left its work. A subscriber is foreign code: its panic ends here.
    pub(crate) fn begin(location: CallLocation, still_runs: impl FnOnce() -> bool) -> Self {
        let mut left = None;
        contain(|| {
            // Not `enabled!`: a question that no event follows would be answered, by a filter of tracing-subscriber's,
            // to the user's next event.
            if LevelFilter::current() >= Level::ERROR {
                left = Some(Box::new(Instant::now()));
                if still_runs() {
                    debug!(target: TARGET, location = %location, "shielded work was orphaned: its caller has gone, and it goes on");
                }
            }
        });
        Self { left }
    }

    /// Says how the work has ended, and how long after its caller had left.
    pub(crate) fn end<T>(&self, location: CallLocation, outcome: &Outcome<T>) {
        let Some(left) = &self.left else {
            return;
        };
        let orphaned_for = left.elapsed();
        contain(|| match outcome {
            Ok(_) => debug!(target: TARGET, %location, ?orphaned_for, "orphaned work finished"),
            Err(ended) => {
                let ending = if ended.is_panic() { "panicked" } else { "was cancelled" };
                error!(target: TARGET, %location, ?orphaned_for, error = %ended, "orphaned work {ending}");
            }
        });
    }
}
