//! A task that was spawned on a tracker.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::ledger::Count;
use crate::spawn::Isolated;
use crate::util::slot::Slot;

pin_project! {
    /// A task that was spawned on a tracker.
    #[project = TrackedProjection]
    pub(super) enum Tracked<F> {
        /// The work of a shield, which is counted until the shield ends its count. In a slot,
        /// because a spawner around the tracker may have wrapped the work in a future whose drop
        /// panics.
        Shielded {
            #[pin]
            work: Slot<F>,
        },
        /// A task that is counted until its executor has dropped it.
        Task {
            #[pin]
            future: Isolated<F>,
            count: Count,
        },
    }
}

impl<F> Tracked<F> {
    #[inline]
    pub(super) fn new(future: F, count: Option<Count>) -> Self {
        match count {
            None => Self::Shielded {
                work: Slot::new(future),
            },
            Some(count) => Self::Task {
                future: Isolated::new(future),
                count,
            },
        }
    }
}

impl<F: Future<Output = ()>> Future for Tracked<F> {
    type Output = ();

    #[inline]
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        match self.project() {
            TrackedProjection::Shielded { work } => work.get().map_or(Poll::Ready(()), |work| work.poll(cx)),
            TrackedProjection::Task { future, .. } => future.poll(cx),
        }
    }
}
