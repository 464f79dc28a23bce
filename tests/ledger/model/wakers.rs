//! Which waiter a waker that was woken belongs to.

use crate::program::{Id, TRACKERS};

use super::*;

impl Model {
    /// A waker was cloned: by a waiter, or by a future of ours.
    pub fn cloned(&mut self, waker: usize) {
        let works = self.works.values_mut().map(|work| &mut work.registration);
        let sharers = self.sharers.values_mut().map(|sharer| &mut sharer.registration);
        let waiters = self.waiters.values_mut().map(|waiter| &mut waiter.registration);
        let waits = self.waits.values_mut().map(|wait| &mut wait.registration);
        for registration in works.chain(sharers).chain(waiters).chain(waits) {
            registration.cloned |= registration.polling == Some(waker);
        }
    }

    /// A waker is being dropped: maybe that of a waiter whose future, or deadline, has just ended.
    pub fn waker_dropped(&mut self, waker: usize) {
        let futures = &self.futures;
        let is_ready = |future: Option<Id>| future.and_then(|id| futures.get(&id)).is_some_and(|state| state.ready);
        let waiters = self
            .waiters
            .values_mut()
            .filter(|waiter| is_ready(waiter.future) && !waiter.ended);
        let waits = self
            .waits
            .values_mut()
            .filter(|wait| is_ready(wait.deadline) && !wait.ended);
        let registrations = waiters
            .map(|waiter| &mut waiter.registration)
            .chain(waits.map(|wait| &mut wait.registration));
        for registration in registrations {
            if registration.kept == Some(waker) {
                registration.kept = None;
            }
        }
    }

    /// A waker was woken by the crate. Returns `true` if that is because a tracker has nothing
    /// left: one of those that say so now.
    pub fn woken(&mut self, waker: usize, empty: [bool; TRACKERS]) -> bool {
        let idle = std::array::from_fn(|tracker| empty[tracker] && self.len(tracker).0 == 0);
        // Whoever waits for a tracker is woken before the caller of the work that was its last.
        if self.wait_woken(waker, idle, true) {
            return true;
        }
        // The work that has ended last, in this call to foreign code, is the one that wakes its
        // caller.
        let depth = self.depth;
        let settling = self
            .works
            .values_mut()
            .filter(|work| work.stage == Stage::Ended && work.finished == Tri::Either && work.present)
            .filter(|work| work.registration.waits_with(waker))
            .max_by_key(|work| (work.settled_at.0 == depth, work.settled_at.1));
        if let Some(work) = settling {
            work.registration.fire(waker);
            if work.settled_at.0 == depth {
                work.finished = Tri::Yes;
            }
            cover("caller woken by the end");
            return false;
        }
        let works = &mut self.works;
        let sharer = self
            .sharers
            .values_mut()
            .filter(|sharer| sharer.registration.waits_with(waker))
            .filter(|sharer| works.get(&sharer.work).is_some_and(|work| work.stage == Stage::Ended))
            .max_by_key(|sharer| sharer.registration.keeps(waker));
        if let Some(sharer) = sharer {
            sharer.registration.fire(waker);
            if let Some(work) = works.get_mut(&sharer.work) {
                if work.settled_at.0 == depth {
                    work.finished = Tri::Yes;
                }
            }
            cover("waiter of a shared shield woken");
            return false;
        }
        let works = &self.works;
        let gone = self
            .waiters
            .values_mut()
            .filter(|waiter| waiter.registration.waits_with(waker))
            .filter(|waiter| works.get(&waiter.work).is_none_or(|work| work.gone != Tri::No))
            .max_by_key(|waiter| waiter.registration.keeps(waker));
        if let Some(waiter) = gone {
            waiter.registration.fire(waker);
            cover("waiter woken because the caller is gone");
            return false;
        }
        if self.wait_woken(waker, idle, false) {
            return true;
        }
        if let Some(place) = self.late.iter().position(|late| *late == waker) {
            self.late.swap_remove(place);
            return false;
        }
        self.fail(format!(
            "waker {waker} was woken, and nothing that it waits for has happened"
        ));
        false
    }

    /// Finds a wait that was woken because its tracker has nothing left; with `certain`, one whose
    /// waker was there before the poll that is under way.
    fn wait_woken(&mut self, waker: usize, idle: [bool; TRACKERS], certain: bool) -> bool {
        let wait = self
            .waits
            .values_mut()
            .filter(|wait| wait.registration.waits_with(waker) && (wait.due || idle[wait.tracker]))
            .filter(|wait| !certain || wait.registration.keeps(waker))
            .max_by_key(|wait| (wait.due, wait.registration.keeps(waker)));
        let Some(wait) = wait else { return false };
        wait.registration.fire(waker);
        // The first of several: the others are next, also those of other trackers that have nothing
        // left.
        let first = !std::mem::take(&mut wait.due);
        for wait in self.waits.values_mut().filter(|wait| first && idle[wait.tracker]) {
            wait.due |= wait.registration.is_there();
        }
        cover("wait woken because nothing is left");
        true
    }
}
