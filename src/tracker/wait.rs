//! Waiting for a tracker to have nothing left.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::FusedFuture;
use pin_project_lite::pin_project;

use super::Unfinished;
use super::ledger::Ledger;
use crate::sync::{Arc, spin_loop};
use crate::waiters::Ticket;

/// Future for the [`Tracker::wait`](crate::Tracker::wait) method.
#[must_use = "it waits only while it is polled: `.await` it"]
pub struct Wait {
    ledger: Arc<Ledger>,
    ticket: Ticket,
    ended: bool,
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
        self.ledger.forget(&mut self.ticket);
    }
}

impl fmt::Debug for Wait {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Wait").field("running", &self.ledger.len()).finish()
    }
}

pin_project! {
    /// Future for the [`Tracker::drain`](crate::Tracker::drain) method.
    #[must_use = "it waits only while it is polled: `.await` it"]
    pub struct Drain<D> {
        wait: Wait,
        #[pin]
        deadline: D,
    }
}

impl<D> Drain<D> {
    pub(super) fn new(wait: Wait, deadline: D) -> Self {
        Self { wait, deadline }
    }
}

impl<D: Future> Future for Drain<D> {
    type Output = Result<(), Unfinished>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        assert!(!this.wait.ended, "`Drain` polled after completion");
        if Pin::new(&mut *this.wait).poll(cx).is_ready() {
            return Poll::Ready(Ok(()));
        }
        if this.deadline.poll(cx).is_pending() {
            return Poll::Pending;
        }
        this.wait.ended = true;
        loop {
            // An entry counts in the whole before it counts at its site. Where that is caught in the middle, look
            // again: either it is at its site by then, or it has ended.
            let unfinished = this.wait.ledger.unfinished();
            if !unfinished.is_empty() {
                return Poll::Ready(Err(unfinished));
            }
            if this.wait.ledger.len() == 0 {
                return Poll::Ready(Ok(()));
            }
            spin_loop();
        }
    }
}

impl<D> fmt::Debug for Drain<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain")
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}
