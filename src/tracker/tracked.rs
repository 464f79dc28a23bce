//! A task that is counted.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::ledger::Entry;
use crate::spawn::Isolated;

pin_project! {
    /// A task with an entry. Executors drop a future that has completed, and the entry ends after it.
    pub(super) struct Tracked<F> {
        #[pin]
        future: Isolated<F>,
        entry: Entry,
    }
}

impl<F> Tracked<F> {
    #[inline]
    pub(super) fn new(future: F, entry: Entry) -> Self {
        Self {
            future: Isolated::new(future),
            entry,
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
