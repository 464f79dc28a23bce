//! A record of what happened, in order.

use std::sync::{Arc, Mutex};

use crate::support::locked;

#[derive(Clone, Debug, Default)]
pub(crate) struct Log(Arc<Mutex<Vec<String>>>);

impl Log {
    pub(crate) fn push(&self, event: impl ToString) {
        locked(&self.0).push(event.to_string());
    }

    /// Returns what happened since the last call.
    pub(crate) fn take(&self) -> Vec<String> {
        std::mem::take(&mut locked(&self.0))
    }
}
