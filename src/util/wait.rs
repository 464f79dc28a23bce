//! Waiting for a condition, written once: [`Gone`](crate::future::Gone) and
//! [`Wait`](crate::future::Wait) are this future.

use std::task::{Context, Poll, Waker};

use super::contain::contain;
use super::held::Held;
use super::polled_after_completion;
use super::sync::Arc;
use super::waiters::{Ticket, Waiters};

/// Something that tasks wait for. The code that makes it hold does so first, and wakes the waiters
/// after.
pub(crate) trait Condition {
    fn waiters(&self) -> &Waiters;

    fn holds(&self) -> bool;

    /// Checks the condition again once a waiter has registered. If this returns `false`, the code
    /// that makes the condition hold wakes that waiter. The lock of the waiters' list orders the
    /// two, unless an implementation needs more.
    fn holds_for_waiter(&self) -> bool {
        self.holds()
    }
}

/// Waits until a condition holds. It keeps its place in the list of waiters until it has completed
/// or is dropped.
pub(crate) struct WaitFor<C: Condition> {
    condition: Held<Arc<C>>,
    ticket: Ticket,
    completed: bool,
}

impl<C: Condition> WaitFor<C> {
    pub(crate) fn new(condition: Arc<C>) -> Self {
        Self {
            condition: Held::new(condition),
            ticket: Ticket::default(),
            completed: false,
        }
    }

    pub(crate) fn poll(&mut self, name: &str, cx: &mut Context<'_>) -> Poll<()> {
        if self.completed {
            polled_after_completion(name, None);
        }
        if !self.condition.holds() {
            // Register, check again, and only then sleep: if the waker was registered too late to
            // be woken, the check sees that the condition holds.
            self.condition.waiters().register(&mut self.ticket, cx.waker());
            if !self.condition.holds_for_waiter() {
                return Poll::Pending;
            }
        }
        self.complete();
        Poll::Ready(())
    }

    /// Stops waiting, and removes the waker.
    pub(crate) fn complete(&mut self) {
        self.completed = true;
        drop_waker(self.condition.waiters().deregister(&mut self.ticket));
    }

    pub(crate) fn is_completed(&self) -> bool {
        self.completed
    }

    pub(crate) fn condition(&self) -> &Arc<C> {
        &self.condition
    }
}

impl<C: Condition> Drop for WaitFor<C> {
    fn drop(&mut self) {
        let waker = self.condition.waiters().deregister(&mut self.ticket);
        // Before the waker, whose drop may query this crate: with the last waiter of a shared
        // shield, its caller is gone.
        drop(self.condition.take());
        drop_waker(waker);
    }
}

fn drop_waker(waker: Option<Waker>) {
    if waker.is_some() {
        contain(move || drop(waker));
    }
}

#[cfg(all(test, not(shield_loom)))]
mod tests {
    use super::super::flag::Flag;
    use super::*;

    #[test]
    fn dropped_waiters_leave_nothing_behind() {
        let (flag, _set) = Flag::new();
        let mut cx = Context::from_waker(Waker::noop());
        for _ in 0..1_000 {
            let mut wait = WaitFor::new(Arc::clone(&flag));
            assert!(wait.poll("Wait", &mut cx).is_pending());
            assert_eq!(flag.waiters().len(), 1);
            drop(wait);
            assert_eq!(flag.waiters().len(), 0);
        }
    }

    #[test]
    fn a_waiter_polled_again_keeps_its_place() {
        let (flag, set) = Flag::new();
        let mut cx = Context::from_waker(Waker::noop());
        let mut wait = WaitFor::new(Arc::clone(&flag));
        for _ in 0..3 {
            assert!(wait.poll("Wait", &mut cx).is_pending());
            assert_eq!(flag.waiters().len(), 1);
        }
        drop(set);
        assert!(wait.poll("Wait", &mut cx).is_ready());
        assert_eq!(flag.waiters().len(), 0);
    }
}
