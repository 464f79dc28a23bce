//! Running a future until the caller is gone.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use pin_project_lite::pin_project;

use super::gone::Gone;
use crate::util::contain::Contained;

pin_project! {
    /// Future for the [`Caller::run_until_gone`](crate::Caller::run_until_gone) method.
    #[must_use = "the future given to it runs only while this is polled: `.await` it"]
    pub struct RunUntilGone<F> {
        // `None` once it has ended, or has been cut off.
        #[pin]
        future: Option<F>,
        gone: Gone,
        opened: bool,
    }
}

impl<F: Future> RunUntilGone<F> {
    pub(crate) fn new(gone: Gone, future: F) -> Self {
        Self {
            future: Some(future),
            gone,
            opened: false,
        }
    }
}

impl<F: Future> Future for RunUntilGone<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            panic!("`RunUntilGone` polled after completion");
        };
        // Asked once before the future is: a caller that had gone already lets nothing begin.
        let cut_off = !*this.opened && this.gone.is_gone();
        *this.opened = true;
        let answer = if cut_off {
            None
        } else if let Poll::Ready(output) = future.poll(cx) {
            Some(output)
        } else {
            ready!(Pin::new(this.gone).poll(cx));
            None
        };
        // Should the drop of the future panic, the output is dropped on the way.
        let answer = Contained::new(answer);
        this.future.set(None);
        Poll::Ready(answer.into_inner())
    }
}

impl<F> fmt::Debug for RunUntilGone<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunUntilGone")
            .field("gone", &self.gone)
            .finish_non_exhaustive()
    }
}
