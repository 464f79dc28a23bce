//! Waiters for a caller to be gone: `Gone`, windows and graces.

use crate::program::Id;

use super::*;

impl Model {
    pub fn wait_for_gone(&mut self, id: Id, work: Id, future: Option<Id>, clock: Option<Id>) {
        self.waiters.insert(
            id,
            Waiter {
                work,
                future,
                clock,
                opened: false,
                ticking: false,
                ended: false,
                registration: Registration::default(),
                gone_before_poll: Tri::No,
                polls_before: 0,
            },
        );
    }

    pub(super) fn gone(&self, work: Id) -> Tri {
        // Works whose caller and waiters are gone are forgotten.
        self.works.get(&work).map_or(Tri::Yes, |work| work.gone)
    }

    pub fn begin_waiter(&mut self, id: Id, waker: usize) {
        let Some(waiter) = self.waiters.get(&id) else { return };
        let gone = self.gone(waiter.work);
        let polls = waiter
            .future
            .map_or(0, |future| self.futures.get(&future).map_or(0, |state| state.polls));
        if let Some(waiter) = self.waiters.get_mut(&id) {
            if gone != Tri::Yes && !waiter.ticking {
                waiter.registration.begin(waker);
            }
            waiter.gone_before_poll = gone;
            waiter.polls_before = polls;
        }
    }

    /// A waiter's poll returned; `value` says whether with its future's value.
    pub fn end_waiter(&mut self, id: Id, ready: Option<bool>) {
        let Some(waiter) = self.waiters.get(&id) else { return };
        let now = self.gone(waiter.work);
        let before = waiter.gone_before_poll;
        let future = waiter.future.and_then(|future| self.futures.get(&future));
        let polled = future.is_some_and(|state| state.polls > waiter.polls_before);
        let valued = future.is_some_and(|state| state.ready);
        let ticked = waiter
            .clock
            .and_then(|clock| self.futures.get(&clock))
            .is_some_and(|clock| clock.ready);
        let woken = waiter.registration.fired.is_some() && waiter.registration.fired == waiter.registration.polling;
        let wrong = match (waiter.future, waiter.clock) {
            // `Gone`.
            (None, _) => match ready {
                None => before == Tri::Yes || now == Tri::Yes && !woken,
                Some(_) => now == Tri::No,
            },
            // `RunUntilGone`: if the caller is gone already, its future is never polled. Each later
            // poll tries it first.
            (Some(_), None) => {
                let barred = before == Tri::Yes && !waiter.opened;
                let may_be_barred = before != Tri::No && !waiter.opened;
                match ready {
                    Some(true) => !valued || barred,
                    Some(false) => valued || now == Tri::No || (polled && barred) || (!polled && !may_be_barred),
                    None => barred || !polled || valued || before == Tri::Yes || now == Tri::Yes && !woken,
                }
            }
            // `RunWithGrace`: its future is tried first in each poll; the clock is made once the
            // caller is gone.
            (Some(_), Some(_)) => match ready {
                Some(true) => !valued,
                Some(false) => valued || now == Tri::No || !ticked,
                None => !polled || valued || ticked || (before == Tri::Yes && !waiter.ticking),
            },
        };
        if wrong {
            let text = format!(
                "waiter {id} returned {ready:?} (gone before: {before:?}, now: {now:?}, polled: {polled}, value: {valued}): {waiter:?}"
            );
            self.fail(text);
        }
        let Some(waiter) = self.waiters.get(&id) else { return };
        let what = match (waiter.future, waiter.clock, ready) {
            (_, _, None) => "waiter pending",
            (None, ..) => "gone",
            (_, None, Some(true)) => "window ended with a value",
            (_, None, Some(false)) => "window cut off",
            (_, Some(_), Some(true)) => "grace ended with a value",
            (_, Some(_), Some(false)) => "time of a grace is up",
        };
        cover(what);
        if let Some(waiter) = self.waiters.get_mut(&id) {
            if now != Tri::No {
                self.late.extend(waiter.registration.kept);
            }
            waiter.opened = true;
            match ready {
                None if waiter.ticking => waiter.registration.end(),
                None => waiter.registration.pending(),
                Some(_) => {
                    waiter.ended = true;
                    waiter.registration.end();
                }
            }
        }
    }

    /// The clock of a grace was made: the caller must be gone.
    pub fn clock_made(&mut self, id: Id) {
        let Some(waiter) = self.waiters.get(&id) else { return };
        if self.gone(waiter.work) == Tri::No || waiter.ticking {
            let text = format!("the clock of {id} was made: {waiter:?}");
            self.fail(text);
        }
        if let Some(waiter) = self.waiters.get_mut(&id) {
            waiter.ticking = true;
            let kept = waiter.registration.kept.take();
            waiter.registration.end();
            self.late.extend(kept);
        }
    }

    /// The poll unwound with a panic that is not its future's.
    pub fn waiter_passed(&mut self, id: Id) {
        let futures = &self.futures;
        if let Some(waiter) = self.waiters.get_mut(&id) {
            let state = waiter.future.and_then(|future| futures.get(&future));
            waiter.opened |= state.is_some_and(|state| state.polls > waiter.polls_before);
            let kept = waiter.registration.kept;
            waiter.registration.end();
            waiter.registration.kept = kept;
        }
    }

    pub fn waiter_dropped(&mut self, id: Id) {
        if let Some(waiter) = self.waiters.remove(&id) {
            if self.gone(waiter.work) != Tri::No {
                self.late.extend(waiter.registration.kept);
            }
        }
    }
}
