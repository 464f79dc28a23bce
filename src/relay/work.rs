//! The task's side of a shield: the unit future that is given to a spawner.

use std::future::Future;
use std::mem::ManuallyDrop;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::Relay;
use super::orphan::Orphan;
use crate::error::{Outcome, ShieldError};
use crate::ledger::Count;
use crate::util::CallLocation;
use crate::util::call;
use crate::util::contain::{Contained, catch_visible, contain};
use crate::util::sync::Arc;

/// Where the outcome of work goes.
pub(crate) trait Settle<T> {
    /// Called once, when the work has ended and was dropped. `outcome` makes the outcome from the
    /// location of the user's call. If nobody observes the work, it is dropped and not called.
    fn settle(&mut self, outcome: impl FnOnce(CallLocation) -> Outcome<T>);
}

/// The caller is there, or was when the work was handed over.
impl<T> Settle<T> for Arc<Relay<T>> {
    fn settle(&mut self, outcome: impl FnOnce(CallLocation) -> Outcome<T>) {
        Relay::settle(self, outcome(self.location));
    }
}

/// The caller was gone before the work became a task: nothing is handed over, so nothing is shared.
/// `None` if nobody learns how the work ends (there is no hook, no tracker and no feature
/// `tracing`), and once it has ended. In a box, because a task is moved several times: so one that
/// nobody observes is its future and two words.
///
/// `ManuallyDrop`: work settles before it is dropped, in every ending, so drop glue would find
/// nothing: 29 instructions, if a caller is dropped.
pub(crate) struct Orphaned<T>(ManuallyDrop<Option<Box<Observed<T>>>>);

struct Observed<T> {
    location: CallLocation,
    orphan: Orphan<T>,
    count: Count,
}

impl<T> Orphaned<T> {
    /// Nobody learns how the work ends.
    pub(crate) fn unobserved() -> Self {
        Self(ManuallyDrop::new(None))
    }

    pub(crate) fn observed(location: CallLocation, orphan: Orphan<T>, count: Count) -> Self {
        let observed = Observed {
            location,
            orphan,
            count,
        };
        Self(ManuallyDrop::new(Some(Box::new(observed))))
    }
}

impl<T> Settle<T> for Orphaned<T> {
    fn settle(&mut self, outcome: impl FnOnce(CallLocation) -> Outcome<T>) {
        match self.0.take() {
            Some(observed) => {
                let Observed {
                    location,
                    orphan,
                    count,
                } = *observed;
                orphan.conclude(location, outcome(location), count);
            }
            None => drop(Contained::new(outcome)),
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
    pub(crate) fn orphaned(future: F, started: bool, orphaned: Orphaned<F::Output>) -> Self {
        Self {
            future: Some(future),
            started,
            settle: orphaned,
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
        let started = *this.started;
        this.settle
            .settle(|location| Err(ShieldError::cancelled(location, started)));
    }
}

impl<F: Future, S: Settle<F::Output>> Work<F, S> {
    /// Polls the work inside a call to a spawner, which it must not see.
    #[cold]
    fn poll_hidden(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let _hidden = call::hide();
        self.poll(cx)
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
        if call::is_visible() {
            return self.poll_hidden(cx);
        }
        let mut this = self.project();
        if this.future.is_none() {
            return Poll::Ready(());
        }
        *this.started = true;

        let polled = catch_visible(|| {
            let output = ready!(poll_and_drop(this.future.as_mut(), cx));
            this.settle.settle(|_| Ok(output));
            Poll::Ready(())
        });
        polled.unwrap_or_else(|payload| {
            contain(|| this.future.set(None));
            this.settle
                .settle(|location| Err(ShieldError::panicked(location, payload)));
            Poll::Ready(())
        })
    }
}
