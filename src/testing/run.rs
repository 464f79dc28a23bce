//! One run: a fresh future, polled until it completes or until its nth suspension, then dropped.

use std::backtrace::Backtrace;
use std::collections::VecDeque;
use std::future::Future;
use std::hint::black_box;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use super::waker::{Signal, waker};
use crate::util::contain::{Payload, catch};

/// When a future is dropped, relative to its wake.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Way {
    AtOnce,
    /// After its waker was called, and before it is polled again.
    Woken,
}

/// How a run ended.
pub(super) enum End {
    /// Before the suspension to drop it at.
    Completed { suspensions: usize },
    Cancelled {
        /// The places at which the future cloned its waker, the last clone first.
        traces: VecDeque<Backtrace>,
        /// The panic of the future's own drop.
        dropped: Result<(), Payload>,
    },
}

/// Drives one future to its end, or to the suspension at which it is dropped.
pub(super) struct Run<F> {
    /// `None` once it was dropped.
    future: Option<Pin<Box<F>>>,
    signal: Arc<Signal>,
    suspensions: usize,
    /// The suspension to drop the future at.
    last: usize,
    way: Way,
}

impl<F: Future> Run<F> {
    pub(super) fn new(future: F, last: usize, way: Way) -> Self {
        Self {
            future: Some(Box::pin(future)),
            signal: Signal::new(),
            suspensions: 0,
            last,
            way,
        }
    }

    fn step(&mut self, task: &Waker) -> Poll<End> {
        // The task may be polled for other reasons than this future's wake. Such polls are not
        // passed on, so that the number of suspensions depends on the future alone.
        if !self.signal.take_woken(task) {
            return Poll::Pending;
        }
        if self.suspensions == self.last {
            // The wake that was waited for. If the future woke itself, the task has had a turn
            // since.
            return Poll::Ready(self.cancel());
        }
        let Some(future) = &mut self.future else {
            unreachable!("dropped only at the end of the run");
        };
        let waker = waker(&self.signal, self.suspensions + 1 == self.last);
        match poll_under_test(future.as_mut(), &mut Context::from_waker(&waker)) {
            Poll::Ready(output) => {
                drop(output);
                self.future = None;
                return Poll::Ready(End::Completed {
                    suspensions: self.suspensions,
                });
            }
            Poll::Pending => self.suspensions += 1,
        }
        if self.suspensions == self.last && self.way == Way::AtOnce {
            return Poll::Ready(self.cancel());
        }
        Poll::Pending
    }

    fn cancel(&mut self) -> End {
        let traces = self.signal.take_traces();
        let future = self.future.take();
        End::Cancelled {
            traces,
            dropped: catch(|| drop(future)),
        }
    }
}

impl<F: Future> Future for Run<F> {
    type Output = End;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<End> {
        let step = self.step(cx.waker());
        if step.is_ready() {
            self.signal.close();
        }
        step
    }
}

/// The name of [`poll_under_test`] in a backtrace: frames outside of it are the test's own.
pub(super) const POLL: &str = concat!(module_path!(), "::poll_under_test");

#[inline(never)]
fn poll_under_test<F: Future>(future: Pin<&mut F>, cx: &mut Context<'_>) -> Poll<F::Output> {
    let polled = future.poll(cx);
    // Otherwise the call above may be a tail call, which leaves no frame.
    black_box(());
    polled
}
