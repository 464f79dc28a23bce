//! The task's side of a shield: the unit future that is given to a spawner.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::Relay;
use super::orphan::Orphan;
use crate::error::{Outcome, ShieldError};
use crate::ledger::Count;
use crate::util::CallLocation;
use crate::util::contain::{Contained, catch, contain};
use crate::util::sync::Arc;

/// Where the outcome of work goes.
pub(crate) trait Settle<T> {
    fn location(&self) -> CallLocation;

    /// Called once, when the work has ended and was dropped.
    fn settle(&mut self, outcome: Outcome<T>);
}

/// The caller is there, or was when the work was handed over.
impl<T> Settle<T> for Arc<Relay<T>> {
    #[inline]
    fn location(&self) -> CallLocation {
        Relay::location(self)
    }

    #[inline]
    fn settle(&mut self, outcome: Outcome<T>) {
        Relay::settle(self, outcome);
    }
}

/// The caller was gone before the work became a task: nothing is handed over, so nothing is shared.
pub(crate) struct Orphaned<T> {
    location: CallLocation,
    /// `None` once the work has ended.
    orphan: Option<(Orphan<T>, Count)>,
}

impl<T> Settle<T> for Orphaned<T> {
    fn location(&self) -> CallLocation {
        self.location
    }

    fn settle(&mut self, outcome: Outcome<T>) {
        if let Some((orphan, count)) = self.orphan.take() {
            orphan.conclude(self.location, outcome, count);
        }
    }
}

pin_project! {
    /// Runs a future to its end, whichever that is, and settles its outcome. It never panics.
    pub(crate) struct Work<F: Future, S: Settle<F::Output>> {
        // Dropped before its outcome is settled, in every ending: `None` from then on.
        #[pin]
        future: Option<F>,
        started: bool,
        settle: S,
    }

    impl<F: Future, S: Settle<F::Output>> PinnedDrop for Work<F, S> {
        fn drop(this: Pin<&mut Self>) {
            if this.future.is_some() {
                this.cancel();
            }
        }
    }
}

impl<F: Future> Work<F, Arc<Relay<F::Output>>> {
    /// Work that was not polled, and whose caller waits at `relay`.
    pub(crate) fn new(future: F, relay: Arc<Relay<F::Output>>) -> Self {
        Self {
            future: Some(future),
            started: false,
            settle: relay,
        }
    }
}

impl<F: Future> Work<F, Orphaned<F::Output>> {
    /// Work whose caller was gone before it became a task.
    pub(crate) fn orphaned(
        future: F,
        started: bool,
        location: CallLocation,
        orphan: Orphan<F::Output>,
        count: Count,
    ) -> Self {
        Self {
            future: Some(future),
            started,
            settle: Orphaned {
                location,
                orphan: Some((orphan, count)),
            },
        }
    }
}

impl<F: Future, S: Settle<F::Output>> Work<F, S> {
    /// The executor drops the work. A panic of the future's own drop is not taken for a panic of
    /// the work: it was cancelled nevertheless.
    #[cold]
    fn cancel(self: Pin<&mut Self>) {
        let mut this = self.project();
        contain(|| this.future.set(None));
        let cancelled = ShieldError::cancelled(this.settle.location(), *this.started);
        this.settle.settle(Err(cancelled));
    }
}

/// Polls the future in `slot`, and drops it when it has completed.
fn poll_and_drop<F: Future>(mut slot: Pin<&mut Option<F>>, cx: &mut Context<'_>) -> Poll<F::Output> {
    let Some(future) = slot.as_mut().as_pin_mut() else {
        unreachable!("work that has ended is not polled");
    };
    let output = Contained::new(ready!(future.poll(cx)));
    // If this panics, that is the outcome, and unwinding drops the output.
    slot.set(None);
    Poll::Ready(output.into_inner())
}

impl<F: Future, S: Settle<F::Output>> Future for Work<F, S> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        if this.future.is_none() {
            return Poll::Ready(());
        }
        *this.started = true;

        let polled = catch(|| {
            let output = ready!(poll_and_drop(this.future.as_mut(), cx));
            this.settle.settle(Ok(output));
            Poll::Ready(())
        });
        polled.unwrap_or_else(|payload| {
            contain(|| this.future.set(None));
            let panicked = ShieldError::panicked(this.settle.location(), payload);
            this.settle.settle(Err(panicked));
            Poll::Ready(())
        })
    }
}
