//! The response future of a shielded service.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use crate::inline::ShieldOnDrop;
use crate::shield::Shield;

pin_project! {
    /// Response future of a [`ShieldService`](super::ShieldService).
    #[must_use = "an eager response is worked on whether or not this is awaited, but it reaches nobody: `.await` it"]
    pub struct ResponseFuture<F: Future, S> {
        #[pin]
        response: Response<F, S>,
    }
}

pin_project! {
    #[project = ResponseProj]
    pub(super) enum Response<F: Future, S> {
        /// Not chosen: it is dropped with its caller, as without the layer.
        Bare { #[pin] future: F },
        Eager { shield: Shield<F::Output> },
        OnDrop { shield: ShieldOnDrop<F, S> },
    }
}

impl<F: Future, S> ResponseFuture<F, S> {
    pub(super) fn new(response: Response<F, S>) -> Self {
        Self { response }
    }
}

impl<F: Future, S> Future for ResponseFuture<F, S> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().response.project() {
            ResponseProj::Bare { future } => future.poll(cx),
            ResponseProj::Eager { shield } => Pin::new(shield).poll(cx),
            ResponseProj::OnDrop { shield } => Pin::new(shield).poll(cx),
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
