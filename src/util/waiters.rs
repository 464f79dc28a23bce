//! Tasks that wait for the same thing, each of which may stop waiting at any time and leaves nothing behind.

use std::collections::BTreeMap;
use std::mem;
use std::task::Waker;

use crate::util::contain::contain;
use crate::util::sync::{Mutex, lock};

/// The wakers of those who wait. What they wait for is kept elsewhere: register first, then look, then sleep; change it
/// first, then wake.
pub(crate) struct Waiters {
    list: Mutex<List>,
}

struct List {
    next: u64,
    // Keys are never used twice, so a waiter that was woken can neither remove nor renew another's entry.
    wakers: BTreeMap<u64, Waker>,
}

/// One waiter's place in the list. It has to be given back by [`Waiters::remove`].
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

    /// Registers the waiter, in the place that it has, or in one of its own.
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

    /// The waiter waits no longer.
    pub(crate) fn remove(&self, ticket: &mut Ticket) {
        if let Some(key) = ticket.0.take() {
            let removed = lock(&self.list).wakers.remove(&key);
            if removed.is_some() {
                contain(move || drop(removed));
            }
        }
    }

    /// Wakes all who wait now, also where one waker panics.
    #[cold]
    pub(crate) fn wake_all(&self) {
        let woken = mem::take(&mut lock(&self.list).wakers);
        for waker in woken.into_values() {
            contain(move || waker.wake());
        }
    }

    /// How many wait.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        lock(&self.list).wakers.len()
    }
}
