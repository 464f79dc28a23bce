//! A task that was spawned on a tracker.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::ledger::Count;
use crate::spawn::Isolated;

pin_project! {
    /// A task that was spawned on a tracker.
    #[project = TrackedProjection]
    pub(super) enum Tracked<F> {
        /// The work of a shield. The shield ends its count.
        Work {
            #[pin]
            work: F,
        },
        /// Anything else, which is counted until its executor has dropped it. If it is what a spawner
        /// around this one has made of a shield's work, the count is none, because the shield ends
        /// it.
        Task {
            #[pin]
            future: Isolated<F>,
            count: Count,
        },
    }
}

impl<F> Tracked<F> {
    #[inline]
    pub(super) fn work(work: F, count: Option<Count>) -> Self {
        match count {
            None => Self::Work { work },
            count => Self::task(work, count),
        }
    }

    #[inline]
    pub(super) fn task(future: F, count: Option<Count>) -> Self {
        Self::Task {
            future: Isolated::new(future),
            count: count.unwrap_or(Count::none()),
        }
    }
}

impl<F: Future<Output = ()>> Future for Tracked<F> {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.project() {
            TrackedProjection::Work { work } => work.poll(cx),
            TrackedProjection::Task { future, .. } => future.poll(cx),
        }
    }
}
