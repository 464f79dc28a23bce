//! Running a future for a bounded time after the caller is gone.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::gone::Gone;
use crate::util::contain::Contained;

pin_project! {
    /// Future for the [`Caller::run_with_grace`](crate::Caller::run_with_grace) method.
    #[must_use = "the future given to it runs only while this is polled: `.await` it"]
    pub struct RunWithGrace<F, M, T> {
        // `None` once it has ended, or its time is up.
        #[pin]
        future: Option<F>,
        #[pin]
        grace: Grace<M, T>,
        gone: Gone,
    }
}

pin_project! {
    /// Whether the clock runs.
    #[project = GraceProj]
    enum Grace<M, T> {
        /// The caller waits: no clock yet, only the way to make one. Left when the caller has gone.
        Waiting { timer: Option<M> },
        /// The caller has gone: the clock runs.
        Running { #[pin] timer: T },
    }
}

impl<F, M, T> RunWithGrace<F, M, T>
where
    F: Future,
    M: FnOnce() -> T,
    T: Future,
{
    pub(crate) fn new(gone: Gone, future: F, timer: M) -> Self {
        Self {
            future: Some(future),
            grace: Grace::Waiting { timer: Some(timer) },
            gone,
        }
    }
}

impl<F, M, T> Future for RunWithGrace<F, M, T>
where
    F: Future,
    M: FnOnce() -> T,
    T: Future,
{
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            panic!("`RunWithGrace` polled after completion");
        };
        if let Poll::Ready(output) = future.poll(cx) {
            // Should the drop of the future panic, the output is dropped on the way.
            let output = Contained::new(output);
            this.future.set(None);
            return Poll::Ready(Some(output.into_inner()));
        }
        if let GraceProj::Waiting { timer } = this.grace.as_mut().project() {
            ready!(Pin::new(this.gone).poll(cx));
            if let Some(make) = timer.take() {
                let timer = make();
                this.grace.set(Grace::Running { timer });
            }
        }
        if let GraceProj::Running { timer } = this.grace.project() {
            ready!(timer.poll(cx));
        }
        this.future.set(None);
        Poll::Ready(None)
    }
}

impl<F, M, T> fmt::Debug for RunWithGrace<F, M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunWithGrace")
            .field("gone", &self.gone)
            .finish_non_exhaustive()
    }
}
