//! The news that a caller has gone, for the work it left behind.

use std::task::{Context, Poll};

use crate::util::sync::{Arc, AtomicBool, Ordering};
use crate::util::waiters::{Ticket, Waiters};

/// Set once, by the caller's side; seen by any number of waiters, before and after.
pub(crate) struct Flag {
    gone: AtomicBool,
    waiters: Waiters,
}

/// The caller's side: the caller has gone when this is dropped, also where it never came to be.
pub(crate) struct SetOnDrop(pub(crate) Arc<Flag>);

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.0.set();
    }
}

impl Flag {
    pub(crate) fn new() -> Self {
        Self {
            gone: AtomicBool::new(false),
            waiters: Waiters::new(),
        }
    }

    fn set(&self) {
        self.gone.store(true, Ordering::Release);
        self.waiters.wake_all();
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Waits for the caller to be gone. The list's lock orders this with `set`: whoever registers after the wakers
    /// were taken sees the flag.
    pub(crate) fn poll_set(&self, ticket: &mut Ticket, cx: &mut Context<'_>) -> Poll<()> {
        if !self.is_gone() {
            self.waiters.register(ticket, cx.waker());
            if !self.is_gone() {
                return Poll::Pending;
            }
        }
        self.deregister(ticket);
        Poll::Ready(())
    }

    /// A waiter that waits no longer.
    pub(crate) fn deregister(&self, ticket: &mut Ticket) {
        self.waiters.remove(ticket);
    }
}

#[cfg(all(test, not(shield_loom)))]
mod tests {
    use std::task::Waker;

    use super::*;

    #[test]
    fn waiters_that_leave_cost_nothing_after() {
        let flag = Flag::new();
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..1_000 {
            let mut ticket = Ticket::default();
            assert!(flag.poll_set(&mut ticket, &mut cx).is_pending());
            assert_eq!(flag.waiters.len(), 1);
            flag.deregister(&mut ticket);
            assert_eq!(flag.waiters.len(), 0);
        }
    }

    #[test]
    fn a_waiter_polled_again_keeps_its_place() {
        let flag = Flag::new();
        let mut cx = Context::from_waker(Waker::noop());
        let mut ticket = Ticket::default();
        for _ in 0..3 {
            assert!(flag.poll_set(&mut ticket, &mut cx).is_pending());
            assert_eq!(flag.waiters.len(), 1);
        }
        flag.set();
        assert!(flag.poll_set(&mut ticket, &mut cx).is_ready());
        assert_eq!(flag.waiters.len(), 0);
    }
}
