//! Waiting for a tracker to have nothing left.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::FusedFuture;

use super::ledger::Ledger;
use crate::util::sync::Arc;
use crate::util::waiters::Ticket;

/// Future for the [`Tracker::wait`](crate::Tracker::wait) method.
#[must_use = "it waits only while it is polled: `.await` it"]
pub struct Wait {
    pub(super) ledger: Arc<Ledger>,
    ticket: Ticket,
    pub(super) ended: bool,
}

impl Wait {
    pub(super) fn new(ledger: Arc<Ledger>) -> Self {
        Self {
            ledger,
            ticket: Ticket::default(),
            ended: false,
        }
    }
}

impl Future for Wait {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { ledger, ticket, ended } = &mut *self;
        assert!(!*ended, "`Wait` polled after completion");
        let idle = ledger.poll_idle(ticket, cx);
        *ended = idle.is_ready();
        idle
    }
}

impl FusedFuture for Wait {
    fn is_terminated(&self) -> bool {
        self.ended
    }
}

impl Drop for Wait {
    fn drop(&mut self) {
        self.ledger.deregister(&mut self.ticket);
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("running", &self.ledger.len()).finish()
    }
}
