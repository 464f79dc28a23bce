//! The response future of a shielded service.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::span::InSpan;
use crate::inline::ShieldOnDrop;
use crate::shield::Shield;
use crate::util::contain::Contained;
use crate::util::flag::SetOnDrop;

/// Response future of a [`ShieldService`](super::ShieldService).
#[must_use = "the handler of an eager layer runs even if this is not awaited, but its response reaches nobody: \
              `.await` it"]
pub struct ResponseFuture<F: Future, S> {
    response: Response<F, S>,
    /// The caller that the handler sees, if the handler runs inside this future. `None` once this
    /// has completed, and for an eager shield, which has its own.
    gone: Option<SetOnDrop>,
}

/// How the future of the inner service runs. No variant holds that future in place, because it may
/// be large, and the layers outside move this.
pub(super) enum Response<F: Future, S> {
    /// The predicate returned `false`: the future is dropped with its caller, as without the layer.
    Bare { future: Contained<Pin<Box<F>>> },
    /// The future is a task of its own.
    Eager { shield: Shield<F::Output> },
    /// The future runs in here, until this is dropped.
    OnDrop { shield: ShieldOnDrop<InSpan<F>, S> },
}

impl<F: Future, S> ResponseFuture<F, S> {
    pub(super) fn new(response: Response<F, S>, gone: Option<SetOnDrop>) -> Self {
        Self { response, gone }
    }
}

// The future is pinned in its box, and the spawner is never pinned.
impl<F: Future, S> Unpin for ResponseFuture<F, S> {}

impl<F: Future, S> Future for ResponseFuture<F, S> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        // Taken out for the length of the poll, so that the caller is gone at the end, even if that
        // end is a panic.
        let gone = self.gone.take();
        let polled = match &mut self.response {
            Response::Bare { future } => future.as_mut().poll(cx),
            Response::Eager { shield } => Pin::new(shield).poll(cx),
            Response::OnDrop { shield } => Pin::new(shield).poll(cx),
        };
        if polled.is_pending() {
            self.gone = gone;
        }
        polled
    }
}

impl<F: Future, S> Drop for ResponseFuture<F, S> {
    fn drop(&mut self) {
        // The caller is gone before the field `response` is dropped and the rest of the work is
        // spawned. Tasks that wait for that are woken after it, by the drop of the field `gone`.
        if let Some(gone) = &self.gone {
            gone.set();
        }
    }
}

impl<F: Future, S> fmt::Debug for ResponseFuture<F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tuple = f.debug_tuple("ResponseFuture");
        match &self.response {
            Response::Bare { .. } => return tuple.finish_non_exhaustive(),
            Response::Eager { shield } => tuple.field(shield),
            Response::OnDrop { shield } => tuple.field(shield),
        };
        tuple.finish()
    }
}
