//! Waiting until a tracker has nothing left.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::FusedFuture;

use crate::ledger::Whole;
use crate::util::sync::Arc;
use crate::util::wait::WaitFor;

/// Future for the [`Tracker::wait`](crate::Tracker::wait) method.
#[must_use = "it waits only while it is polled: `.await` it"]
pub struct Wait {
    wait: WaitFor<Whole>,
}

impl Wait {
    pub(super) fn new(whole: Arc<Whole>) -> Self {
        Self {
            wait: WaitFor::new(whole),
        }
    }

    /// Polls this as a part of the future called `name`.
    pub(super) fn poll_as(&mut self, name: &str, cx: &mut Context<'_>) -> Poll<()> {
        self.wait.poll(name, cx)
    }

    /// Stops waiting. Called by a future around this one that has completed and may be kept.
    pub(super) fn stop(&mut self) {
        self.wait.complete();
    }
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.poll_as("Wait", cx)
    }
}

impl FusedFuture for Wait {
    fn is_terminated(&self) -> bool {
        self.wait.is_completed()
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait")
            .field("running", &self.wait.condition().len())
            .finish()
    }
}
