//! Waiting until a tracker has nothing left, with a deadline.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::FusedFuture;
use pin_project_lite::pin_project;

use super::unfinished::Unfinished;
use super::wait::Wait;
use crate::ledger::Ledger;
use crate::util::polled_after_completion;
use crate::util::slot::Slot;
use crate::util::sync::Arc;

pin_project! {
    /// Future for the [`Tracker::drain`](crate::Tracker::drain) method.
    #[must_use = "it waits only while it is polled: `.await` it"]
    pub struct Drain<D> {
        ledger: Arc<Ledger>,
        wait: Wait,
        // Empty once this has completed.
        #[pin]
        deadline: Slot<D>,
    }
}

impl<D> Drain<D> {
    pub(super) fn new(ledger: Arc<Ledger>, deadline: D) -> Self {
        Self {
            wait: Wait::new(Arc::clone(ledger.whole())),
            ledger,
            deadline: Slot::new(deadline),
        }
    }
}

impl<D: Future> Future for Drain<D> {
    type Output = Result<(), Unfinished>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(deadline) = this.deadline.as_mut().get() else {
            polled_after_completion("Drain", None);
        };
        let output = if this.wait.poll_as("Drain", cx).is_ready() {
            Ok(())
        } else {
            // Dropped at the end: if that panics, this has completed.
            let _at_the_deadline = ready!(deadline.poll(cx));
            this.wait.stop();
            left(this.ledger)
        };
        this.deadline.clear();
        Poll::Ready(output)
    }
}

/// Returns what is unfinished, or `Ok` if nothing is.
fn left(ledger: &Ledger) -> Result<(), Unfinished> {
    loop {
        if ledger.whole().len() == 0 {
            return Ok(());
        }
        let unfinished = Unfinished::new(&ledger.counts());
        if !unfinished.is_empty() {
            return Err(unfinished);
        }
        // Something runs, yet no location had any work at the moment when it was read: meanwhile
        // other threads have ended work and begun other work. So this loop repeats only if another
        // thread has made progress, and it never waits for one.
    }
}

impl<D: Future> FusedFuture for Drain<D> {
    fn is_terminated(&self) -> bool {
        self.wait.is_terminated()
    }
}

impl<D> fmt::Debug for Drain<D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Drain")
            .field("wait", &self.wait)
            .finish_non_exhaustive()
    }
}
