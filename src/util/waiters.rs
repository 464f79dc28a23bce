//! The wakers of tasks that wait for the same condition. Each may stop waiting at any time; its
//! waker is removed then.

use std::collections::BTreeMap;
use std::mem;
use std::task::Waker;

use super::contain::contain;
use super::sync::{Mutex, lock};

/// Wakers of the waiting tasks; the condition is stored elsewhere. Protocol: a waiter registers,
/// then checks the condition, then returns `Pending`; a notifier makes the condition hold, then
/// wakes.
pub(crate) struct Waiters {
    list: Mutex<List>,
}

struct List {
    next: u64,
    /// Keys are never used twice, so a waiter that was woken can neither remove nor replace another
    /// one's waker.
    wakers: BTreeMap<u64, Waker>,
}

/// One waiter's place in the list, until [`Waiters::deregister`].
#[derive(Default)]
pub(crate) struct Ticket(Option<u64>);

impl Waiters {
    pub(crate) fn new() -> Self {
        Self {
            list: Mutex::new(List {
                next: 0,
                wakers: BTreeMap::new(),
            }),
        }
    }

    /// Registers a waiter's waker, in the waiter's place if it has one.
    pub(crate) fn register(&self, ticket: &mut Ticket, waker: &Waker) {
        if let Some(key) = ticket.0 {
            if let Some(registered) = lock(&self.list).wakers.get(&key) {
                if registered.will_wake(waker) {
                    return;
                }
            }
        }
        // Cloned, and the one before dropped, with no lock held.
        let waker = waker.clone();
        let mut list = lock(&self.list);
        let key = match ticket.0 {
            Some(key) => key,
            None => {
                list.next += 1;
                list.next
            }
        };
        ticket.0 = Some(key);
        let replaced = list.wakers.insert(key, waker);
        drop(list);
        if replaced.is_some() {
            contain(move || drop(replaced));
        }
    }

    /// Removes a waiter's waker and returns it, to be dropped when foreign code may run.
    pub(crate) fn deregister(&self, ticket: &mut Ticket) -> Option<Waker> {
        let key = ticket.0.take()?;
        lock(&self.list).wakers.remove(&key)
    }

    /// Wakes every task that waits now, even if one waker panics.
    pub(crate) fn wake_all(&self) {
        let woken = mem::take(&mut lock(&self.list).wakers);
        for waker in woken.into_values() {
            contain(move || waker.wake());
        }
    }

    /// Returns how many wakers are registered.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        lock(&self.list).wakers.len()
    }
}
