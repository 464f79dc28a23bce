//! The span of a handler (feature `tracing`): the one that it was called in, wherever it is polled
//! and dropped.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tracing::Span;
use tracing::level_filters::LevelFilter;
use tracing::span::Entered;

use crate::util::contain::{Contained, catch, discard};
use crate::util::slot::Slot;

pin_project! {
    /// A future that is polled and dropped inside a span.
    ///
    /// Not `tracing::Instrumented`: a subscriber is foreign code, and if it panics there when the
    /// future is dropped, the future is leaked, with the permits and connections in it. Its older
    /// versions drop the future outside the span.
    pub(super) struct InSpan<F> {
        #[pin]
        future: Slot<F>,
        // `None` if the future was made outside all spans.
        span: Option<Contained<Box<Span>>>,
    }

    impl<F> PinnedDrop for InSpan<F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            let _entered = enter(this.span);
            this.future.clear();
        }
    }
}

/// Keeps `future` in the span that is current now.
pub(super) fn in_current_span<F>(future: F) -> InSpan<F> {
    // Without a subscriber there is no span, and this is the cheapest way to know that.
    let span = if LevelFilter::current() == LevelFilter::OFF {
        None
    } else {
        current_span()
    };
    InSpan {
        future: Slot::new(future),
        span,
    }
}

fn current_span() -> Option<Contained<Box<Span>>> {
    match catch(Span::current) {
        Ok(span) if span.is_none() => None,
        Ok(span) => Some(Contained::new(Box::new(span))),
        Err(payload) => {
            discard(payload);
            None
        }
    }
}

/// Enters `span`, if there is one, until the guard is dropped. A panic of the subscriber ends here,
/// as everywhere in this crate.
fn enter(span: &Option<Contained<Box<Span>>>) -> Option<Contained<Entered<'_>>> {
    span.as_ref().and_then(|span| enter_span(span))
}

fn enter_span(span: &Span) -> Option<Contained<Entered<'_>>> {
    catch(|| span.enter()).map(Contained::new).map_err(discard).ok()
}

impl<F: Future> Future for InSpan<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let _entered = enter(this.span);
        match this.future.get() {
            Some(future) => future.poll(cx),
            None => unreachable!("only the drop takes it"),
        }
    }
}
