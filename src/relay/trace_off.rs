//! The events of orphans, without the feature `tracing`: none.

use crate::error::Outcome;
use crate::spawn::location::CallLocation;

/// What `trace.rs` is with the feature.
pub(crate) struct Trace;

impl Trace {
    pub(crate) fn begin(_location: CallLocation, _still_runs: impl FnOnce() -> bool) -> Self {
        Self
    }

    pub(crate) fn end<T>(&self, _location: CallLocation, _outcome: &Outcome<T>) {}
}
