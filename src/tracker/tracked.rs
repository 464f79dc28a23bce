//! A task that was spawned on a tracker.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::ledger::Count;

pin_project! {
    /// A task that was spawned on a tracker. What comes by `spawn_work` contains its panics and
    /// hides the call itself.
    pub(super) struct Tracked<F> {
        #[pin]
        future: F,
        // Dropped last: the task counts until its executor has dropped it. None for the work of a
        // shield, which ends its count itself, even if a spawner around this one has wrapped it.
        count: Count,
    }
}

impl<F> Tracked<F> {
    pub(super) const fn new(future: F, count: Count) -> Self {
        Self { future, count }
    }
}

impl<F: Future<Output = ()>> Future for Tracked<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.project().future.poll(cx)
    }
}
