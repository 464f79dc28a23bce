//! Waiting until a caller is gone.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::FusedFuture;

use crate::util::flag::Flag;
use crate::util::sync::Arc;
use crate::util::wait::WaitFor;

/// Future for the [`Caller::gone`](crate::Caller::gone) method.
#[must_use = "it waits only while it is polled: `.await` it, or call `is_gone()`"]
pub struct Gone {
    wait: WaitFor<Flag>,
}

impl Gone {
    pub(super) fn new(flag: Arc<Flag>) -> Self {
        Self {
            wait: WaitFor::new(flag),
        }
    }

    pub(super) fn is_gone(&self) -> bool {
        self.wait.condition().is_set()
    }

    /// Stops waiting. Called by a future around this one that has completed and may be kept.
    pub(super) fn stop(&mut self) {
        self.wait.complete();
    }
}

impl Future for Gone {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.wait.poll("Gone", cx)
    }
}

impl FusedFuture for Gone {
    fn is_terminated(&self) -> bool {
        self.wait.is_completed()
    }
}

impl fmt::Debug for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gone").field("is_gone", &self.is_gone()).finish()
    }
}
