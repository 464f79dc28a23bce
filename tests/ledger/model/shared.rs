//! Shared shields: several waiters for one work.

use crate::program::Id;

use super::*;

impl Model {
    /// A shield becomes a shared one, or one more handle of a shared one is made.
    pub fn share(&mut self, handle: Id, work: Id) {
        if let Some(work) = self.works.get_mut(&work) {
            self.late.extend(work.stop_waiting());
        }
        let sharer = Sharer {
            work,
            terminated: false,
            registration: Registration::default(),
            ended_before_poll: false,
        };
        self.sharers.insert(handle, sharer);
    }

    pub(super) fn begin_shared(&mut self, id: Id, waker: usize) {
        let Some(sharer) = self.sharers.get_mut(&id) else {
            return;
        };
        sharer.registration.begin(waker);
        if let Some(work) = self.works.get_mut(&sharer.work) {
            sharer.ended_before_poll = work.stage == Stage::Ended && work.finished == Tri::Yes;
            if work.stage == Stage::Ended && work.present {
                work.gone = Tri::Either;
            }
        }
    }

    pub(super) fn shared_pending(&mut self, id: Id) {
        let Some(sharer) = self.sharers.get_mut(&id) else {
            return;
        };
        let woken = sharer.registration.fired.is_some() && sharer.registration.fired == sharer.registration.polling;
        let ended_before = sharer.ended_before_poll;
        sharer.registration.pending();
        if let Some(work) = self.works.get_mut(&sharer.work) {
            if work.gone == Tri::Either && work.present {
                work.gone = Tri::No;
            }
            if ended_before || work.stage == Stage::Ended && work.finished == Tri::Yes && !woken {
                let text = format!("{id} returned `Pending`, and its work has ended: {work:?}");
                self.fail(text);
            }
        }
    }

    pub(super) fn shared_delivered(&mut self, id: Id, outcome: &Outcome) {
        let Some(sharer) = self.sharers.get_mut(&id) else {
            return;
        };
        self.late.extend(sharer.registration.kept);
        sharer.registration.end();
        sharer.terminated = true;
        let Some(work) = self.works.get_mut(&sharer.work) else {
            return;
        };
        let legal = matches!(work.fate, None | Some(Fate::Delivered));
        if work.stage != Stage::Ended || !legal || work.outcome.as_ref() != Some(outcome) {
            let text = format!("{id} delivered {outcome:?}: {work:?}");
            self.fail(text);
            return;
        }
        cover(if work.fate.is_some() {
            "delivered to one more waiter"
        } else {
            "delivered to a first waiter"
        });
        work.fate = Some(Fate::Delivered);
        work.present = false;
        work.gone = Tri::Yes;
        work.finished = Tri::Yes;
        work.counted = if work.counted == Tri::No { Tri::No } else { Tri::Either };
    }

    /// The poll unwound with a panic of the output's clone. This waiter has ended; the outcome stays
    /// for the next one.
    pub fn clone_panicked(&mut self, id: Id) {
        let Some(sharer) = self.sharers.get_mut(&id) else {
            self.fail(format!("{id} cloned an output, and is no waiter of a shared shield"));
            return;
        };
        self.late.extend(sharer.registration.kept);
        sharer.registration.end();
        sharer.terminated = true;
        if let Some(work) = self.works.get_mut(&sharer.work) {
            work.unclonable = true;
            if work.gone == Tri::Either && work.present {
                work.gone = Tri::No;
            }
        }
    }

    /// A handle of a shared shield is about to be dropped. Returns the work, if it was the last
    /// one.
    pub(super) fn shared_leaving(&mut self, id: Id) -> Option<Id> {
        let work = self.sharers.get(&id)?.work;
        if let Some(sharer) = self.sharers.get_mut(&id) {
            if self.works.get(&work).is_some_and(|work| work.stage == Stage::Ended) {
                self.late.extend(sharer.registration.kept);
            }
            sharer.registration.end();
        }
        let last = self
            .sharers
            .iter()
            .all(|(other, sharer)| *other == id || sharer.work != work);
        self.sharers.remove(&id);
        last.then_some(work)
    }
}
