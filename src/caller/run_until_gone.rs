//! Running a future until the caller is gone.

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
    /// Future for the [`Caller::run_until_gone`](crate::Caller::run_until_gone) method.
    #[must_use = "the future given to it runs only while this is polled: `.await` it"]
    pub struct RunUntilGone<F> {
        // Empty once this has completed.
        #[pin]
        future: Slot<F>,
        gone: Gone,
        stage: Stage,
    }
}

/// Whether the future was polled.
enum Stage {
    /// Not yet. Left by the first poll, which does not poll the future if the caller is gone
    /// already.
    Unopened,
    /// It was. The final state.
    Opened,
}

impl<F: Future> RunUntilGone<F> {
    pub(super) fn new(gone: Gone, future: F) -> Self {
        Self {
            future: Slot::new(future),
            gone,
            stage: Stage::Unopened,
        }
    }
}

impl<F: Future> Future for RunUntilGone<F> {
    type Output = Option<F::Output>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().get() else {
            polled_after_completion("RunUntilGone", None);
        };
        let output = match this.stage {
            Stage::Unopened if this.gone.is_gone() => None,
            _ => {
                *this.stage = Stage::Opened;
                match future.poll(cx) {
                    Poll::Ready(output) => Some(output),
                    Poll::Pending => {
                        ready!(Pin::new(&mut *this.gone).poll(cx));
                        None
                    }
                }
            }
        };
        this.gone.stop();
        // If the drop of the future panics, unwinding drops the output.
        let output = Contained::new(output);
        this.future.clear();
        Poll::Ready(output.into_inner())
    }
}

impl<F> fmt::Debug for RunUntilGone<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunUntilGone")
            .field("gone", &self.gone)
            .finish_non_exhaustive()
    }
}
