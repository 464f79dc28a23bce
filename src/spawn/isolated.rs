//! A future that was spawned without a shield.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::util::call;
use crate::util::slot::Slot;

pin_project! {
    /// Polls and drops a future so that it does not see the call to a spawner that may be under
    /// way, and contains a panic of its drop. Shielded work needs no such wrapper: it does both
    /// itself.
    pub(crate) struct Isolated<F> {
        #[pin]
        future: Slot<F>,
    }
}

impl<F> Isolated<F> {
    pub(crate) const fn new(future: F) -> Self {
        Self {
            future: Slot::new(future),
        }
    }
}

impl<F: Future<Output = ()>> Future for Isolated<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let _hidden = call::hide();
        match self.project().future.get() {
            Some(future) => future.poll(cx),
            None => Poll::Ready(()),
        }
    }
}
