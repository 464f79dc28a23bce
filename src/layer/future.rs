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
#[must_use = "an eager response is worked on whether or not this is awaited, but it reaches nobody: `.await` it"]
pub struct ResponseFuture<F: Future, S> {
    response: Response<F, S>,
    /// The caller that the handler sees, if it runs inside this future. `None` at the end, and for
    /// an eager shield, which has its own.
    gone: Option<SetOnDrop>,
}

/// How the future of the inner service runs. None of them holds it in place: it may be large, and
/// this is moved by the layers outside.
pub(super) enum Response<F: Future, S> {
    /// The predicate returned `false`: it is dropped with its caller, as without the layer.
    Bare { future: Contained<Pin<Box<F>>> },
    /// It is a task of its own.
    Eager { shield: Shield<F::Output> },
    /// It runs in here, until this is dropped.
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
        // When the response is dropped, and the rest of it spawned, the caller is gone already. Who
        // waits for that is woken after it, by the drop of the field.
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
