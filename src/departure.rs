//! The news that a caller has gone, for the work it left behind.

use std::task::{Context, Poll};

use crate::sync::{Arc, AtomicBool, Ordering};
use crate::waiters::{Ticket, Waiters};

/// Set once, by the caller's side; seen by any number of waiters, before and after.
pub(crate) struct Departure {
    gone: AtomicBool,
    waiters: Waiters,
}

/// The caller's side: the caller has gone when this is dropped, also where it never came to be.
pub(crate) struct Departing(pub(crate) Arc<Departure>);

impl Drop for Departing {
    fn drop(&mut self) {
        self.0.announce();
    }
}

impl Departure {
    pub(crate) fn new() -> Self {
        Self {
            gone: AtomicBool::new(false),
            waiters: Waiters::new(),
        }
    }

    fn announce(&self) {
        self.gone.store(true, Ordering::Release);
        self.waiters.wake_all();
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Waits for the caller to be gone. The list's lock orders this with `announce`: whoever registers after the wakers
    /// were taken sees the flag.
    pub(crate) fn poll_gone(&self, ticket: &mut Ticket, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_gone() {
            self.waiters.register(ticket, cx.waker());
            if !self.is_gone() {
                return Poll::Pending;
            }
        }
        self.forget(ticket);
        Poll::Ready(())
    }

    /// A waiter that waits no longer.
    pub(crate) fn forget(&self, ticket: &mut Ticket) {
        self.waiters.remove(ticket);
    }
}

#[cfg(all(test, not(shield_loom)))]
mod tests {
    use std::task::Waker;

    use super::*;

    #[test]
    fn waiters_that_leave_cost_nothing_after() {
        let departure = Departure::new();
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..1_000 {
            let mut ticket = Ticket::default();
            assert!(departure.poll_gone(&mut ticket, &mut cx).is_pending());
            assert_eq!(departure.waiters.len(), 1);
            departure.forget(&mut ticket);
            assert_eq!(departure.waiters.len(), 0);
        }
    }

    #[test]
    fn a_waiter_polled_again_keeps_its_place() {
        let departure = Departure::new();
        let mut cx = Context::from_waker(Waker::noop());
        let mut ticket = Ticket::default();
        for _ in 0..3 {
            assert!(departure.poll_gone(&mut ticket, &mut cx).is_pending());
            assert_eq!(departure.waiters.len(), 1);
        }
        departure.announce();
        assert!(departure.poll_gone(&mut ticket, &mut cx).is_ready());
        assert_eq!(departure.waiters.len(), 0);
    }
}
