//! The events of orphans, without the feature `tracing`: none. The same names as in `trace.rs`.

use crate::error::Outcome;
use crate::util::CallLocation;

/// Whether orphans emit events.
pub(crate) const EMITS: bool = false;

pub(crate) struct CallSpan;

impl CallSpan {
    pub(crate) fn capture() -> Self {
        Self
    }

    pub(crate) fn none() -> Self {
        Self
    }

    pub(crate) fn is_none(&self) -> bool {
        true
    }

    pub(crate) fn clear(&mut self) {}
}

pub(crate) struct Trace;

pub(crate) struct Announcement;

impl Trace {
    pub(crate) fn new(_span: CallSpan) -> Self {
        Self
    }

    pub(crate) fn take(&mut self) -> Self {
        Self
    }

    pub(crate) fn announcement(&self) -> Announcement {
        Announcement
    }

    pub(crate) fn end<T>(&self, _location: CallLocation, _outcome: &Outcome<T>) {}
}

impl Announcement {
    pub(crate) fn emit(self, _location: CallLocation) {}
}
