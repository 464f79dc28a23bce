//! Waiting for a caller to be gone.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::FusedFuture;

use crate::departure::Departure;
use crate::sync::Arc;
use crate::waiters::Ticket;

/// Future for the [`Caller::gone`](crate::Caller::gone) method.
#[must_use = "it waits only while it is polled: `.await` it, or ask `is_gone()`"]
pub struct Gone {
    // `None` once it has resolved.
    departure: Option<Arc<Departure>>,
    ticket: Ticket,
}

impl Gone {
    pub(crate) fn new(departure: Arc<Departure>) -> Self {
        Self {
            departure: Some(departure),
            ticket: Ticket::default(),
        }
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.departure.as_ref().is_none_or(|departure| departure.is_gone())
    }
}

impl Future for Gone {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { departure, ticket } = &mut *self;
        let Some(waited) = departure else {
            panic!("`Gone` polled after completion");
        };
        let gone = waited.poll_gone(ticket, cx);
        if gone.is_ready() {
            *departure = None;
        }
        gone
    }
}

impl FusedFuture for Gone {
    fn is_terminated(&self) -> bool {
        self.departure.is_none()
    }
}

impl Drop for Gone {
    fn drop(&mut self) {
        if let Some(departure) = &self.departure {
            departure.forget(&mut self.ticket);
        }
    }
}

impl fmt::Debug for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gone").field("is_gone", &self.is_gone()).finish()
    }
}
