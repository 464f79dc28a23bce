//! Waiting for a tracker to have nothing left, with a deadline.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::unfinished::Unfinished;
use super::wait::Wait;
use crate::util::sync::spin_loop;

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
            // An entry counts in the whole before it counts at its location. Where that is caught in the middle, look
            // again: either it is at its location by then, or it has ended.
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
