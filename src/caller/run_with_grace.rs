//! Running a future for a bounded time after the caller is gone.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::gone::Gone;
use crate::util::contain::Contained;
use crate::util::polled_after_completion;
use crate::util::slot::Slot;

pin_project! {
    /// Future for the [`Caller::run_with_grace`](crate::Caller::run_with_grace) method.
    #[must_use = "the future given to it runs only while this is polled: `.await` it"]
    pub struct RunWithGrace<F, M, T> {
        // Empty once this has completed.
        #[pin]
        future: Slot<F>,
        #[pin]
        timer: Slot<T>,
        grace: Grace<M>,
        gone: Gone,
    }
}

/// Whether the timer runs.
enum Grace<M> {
    /// The caller waits, and there is no timer yet. Left when the caller is gone.
    Waiting(Contained<M>),
    /// The caller is gone, and the timer was created, unless creating it panicked. The final state.
    Running,
}

impl<F, M, T> RunWithGrace<F, M, T>
where
    F: Future,
    M: FnOnce() -> T,
    T: Future,
{
    pub(super) fn new(gone: Gone, future: F, timer: M) -> Self {
        Self {
            future: Slot::new(future),
            timer: Slot::empty(),
            grace: Grace::Waiting(Contained::new(timer)),
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
        let Some(future) = this.future.as_mut().get() else {
            polled_after_completion("RunWithGrace", None);
        };
        let output = if let Poll::Ready(output) = future.poll(cx) {
            Some(output)
        } else {
            if let Grace::Waiting(_) = this.grace {
                ready!(Pin::new(&mut *this.gone).poll(cx));
                if let Grace::Waiting(make) = std::mem::replace(this.grace, Grace::Running) {
                    this.timer.as_mut().set(make.into_inner()());
                }
            }
            if let Some(timer) = this.timer.as_mut().get() {
                ready!(timer.poll(cx));
            }
            None
        };
        this.gone.stop();
        // If the drop of the future panics, unwinding drops the output.
        let output = Contained::new(output);
        // A panic of the timer's drop is contained. One of the future's drop passes through, as
        // from an `.await`.
        this.timer.as_mut().set_empty();
        this.future.clear();
        Poll::Ready(output.into_inner())
    }
}

impl<F, M, T> fmt::Debug for RunWithGrace<F, M, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunWithGrace")
            .field("gone", &self.gone)
            .finish_non_exhaustive()
    }
}
