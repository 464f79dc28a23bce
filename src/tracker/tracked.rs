//! A task that is counted.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::ledger::Count;
use crate::spawn::Isolated;

pin_project! {
    /// A task. If its future does not count by itself, it counts until its executor has dropped it.
    pub(super) struct Tracked<F> {
        #[pin]
        future: Isolated<F>,
        count: Count,
    }
}

impl<F> Tracked<F> {
    #[inline]
    pub(super) fn new(future: F, count: Count) -> Self {
        Self {
            future: Isolated::new(future),
            count,
        }
    }
}

impl<F: Future<Output = ()>> Future for Tracked<F> {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().future.poll(cx)
    }
}
