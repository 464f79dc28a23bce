//! Waiting for a caller to be gone.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::FusedFuture;

use crate::util::flag::Flag;
use crate::util::sync::Arc;
use crate::util::waiters::Ticket;

/// Future for the [`Caller::gone`](crate::Caller::gone) method.
#[must_use = "it waits only while it is polled: `.await` it, or ask `is_gone()`"]
pub struct Gone {
    // `None` once it has resolved.
    flag: Option<Arc<Flag>>,
    ticket: Ticket,
}

impl Gone {
    pub(crate) fn new(flag: Arc<Flag>) -> Self {
        Self {
            flag: Some(flag),
            ticket: Ticket::default(),
        }
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.flag.as_ref().is_none_or(|flag| flag.is_gone())
    }
}

impl Future for Gone {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { flag, ticket } = &mut *self;
        let Some(waited) = flag else {
            panic!("`Gone` polled after completion");
        };
        let gone = waited.poll_set(ticket, cx);
        if gone.is_ready() {
            *flag = None;
        }
        gone
    }
}

impl FusedFuture for Gone {
    fn is_terminated(&self) -> bool {
        self.flag.is_none()
    }
}

impl Drop for Gone {
    fn drop(&mut self) {
        if let Some(flag) = &self.flag {
            flag.deregister(&mut self.ticket);
        }
    }
}

impl fmt::Debug for Gone {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Gone").field("is_gone", &self.is_gone()).finish()
    }
}
