//! A future that was spawned without a shield.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::util::call;
use crate::util::slot::Slot;

pin_project! {
    /// A future that does not see the call to the spawner that it may be polled or dropped in, and
    /// whose drop does not panic. Shielded work does as much itself.
    pub(crate) struct Isolated<F> {
        #[pin]
        future: Slot<F>,
    }
}

impl<F> Isolated<F> {
    #[inline]
    pub(crate) const fn new(future: F) -> Self {
        Self {
            future: Slot::new(future),
        }
    }
}

impl<F: Future<Output = ()>> Future for Isolated<F> {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let _hidden = call::hide();
        match self.project().future.get() {
            Some(future) => future.poll(cx),
            None => Poll::Ready(()),
        }
    }
}
