//! The caller of a work: it polls, delivers, or is gone.

use crate::program::{Id, Mode};

use super::*;

impl Model {
    pub fn begin_poll(&mut self, id: Id, waker: usize) {
        if self.sharers.contains_key(&id) {
            return self.begin_shared(id, waker);
        }
        if let Some(work) = self.works.get_mut(&id) {
            if !work.mode.is_inline() {
                work.registration.begin(waker);
            }
            work.ended_before_poll = work.stage == Stage::Ended && work.finished == Tri::Yes;
            if work.stage == Stage::Ended {
                // It may deliver.
                work.gone = Tri::Either;
            }
        }
    }

    pub fn poll_pending(&mut self, id: Id) {
        if self.sharers.contains_key(&id) {
            return self.shared_pending(id);
        }
        let Some(work) = self.works.get_mut(&id) else { return };
        if work.mode.is_inline() {
            if work.stage != Stage::Running || work.polling {
                let text = format!("{id} returned `Pending`: {work:?}");
                self.fail(text);
            }
            return;
        }
        let woken = work.registration.fired.is_some() && work.registration.fired == work.registration.polling;
        if work.ended_before_poll || work.stage == Stage::Ended && work.finished == Tri::Yes && !woken {
            let text = format!("{id} returned `Pending`, and its work has ended: {work:?}");
            self.fail(text);
        }
        if let Some(work) = self.works.get_mut(&id) {
            work.registration.pending();
            if work.gone == Tri::Either && work.present {
                work.gone = Tri::No;
            }
        }
    }

    /// The poll unwound with a panic that is not the work's, and changed nothing.
    pub fn poll_passed(&mut self, id: Id) {
        let work = self.work(id);
        if let Some(sharer) = self.sharers.get_mut(&id) {
            let kept = sharer.registration.kept;
            sharer.registration.end();
            sharer.registration.kept = kept;
            if let Some(work) = self.works.get_mut(&work) {
                if work.gone == Tri::Either && work.present {
                    work.gone = Tri::No;
                }
            }
            return;
        }
        if let Some(work) = self.works.get_mut(&id) {
            let kept = work.registration.kept;
            work.registration.end();
            work.registration.kept = kept;
            if work.gone == Tri::Either && work.present {
                work.gone = Tri::No;
            }
        }
    }

    pub fn delivered(&mut self, id: Id, outcome: &Outcome) {
        if self.sharers.contains_key(&id) {
            return self.shared_delivered(id, outcome);
        }
        let Some(work) = self.works.get_mut(&id) else { return };
        let legal = work.stage == Stage::Ended && work.present && work.fate.is_none();
        if !legal || work.outcome.as_ref() != Some(outcome) {
            let text = format!("{id} delivered {outcome:?}: {work:?}");
            self.fail(text);
            return;
        }
        work.fate = Some(Fate::Delivered);
        let what = match (work.mode, outcome) {
            (_, Outcome::Cancelled { .. }) => "cancellation delivered",
            (_, Outcome::Panic(_) | Outcome::Text) => "panic delivered",
            (Mode::Cleanup, _) => "cleanup delivered",
            (Mode::Inline | Mode::InlineLocal, _) => "inline value delivered",
            _ => "value delivered",
        };
        cover(what);
        work.present = false;
        work.terminated = true;
        work.gone = Tri::Yes;
        work.finished = Tri::Yes;
        work.counted = if work.counted == Tri::No { Tri::No } else { Tri::Either };
        self.late.extend(work.stop_waiting());
    }

    /// The caller's handle is about to be dropped.
    pub fn leaving(&mut self, id: Id) {
        let shared = self.sharers.contains_key(&id);
        let id = match shared.then(|| self.shared_leaving(id)) {
            None => id,
            Some(Some(work)) => work,
            // There are other waiters.
            Some(None) => return,
        };
        // Assumed: the last waiter drops its own waker before the caller is gone.
        let at_once = if shared { Tri::Either } else { Tri::Yes };
        let Some(work) = self.works.get_mut(&id) else { return };
        if work.terminated || !work.present {
            return;
        }
        work.present = false;
        work.gone = at_once;
        self.late.extend(work.stop_waiting());
        if work.stage == Stage::Ended {
            // If the hook, or the drop of the outcome, runs now, it counts while it does.
            if work.finished == Tri::Yes {
                work.counted = Tri::Either;
            }
            if work.finished != Tri::Yes {
                work.orphan = Tri::Either;
                work.was_orphan = Tri::Either;
                work.end_counts = Tri::Either;
            }
        } else if work.stage != Stage::Lazy {
            work.orphan = at_once;
            work.was_orphan = Tri::Yes;
            let what = match (work.mode.is_inline(), work.stage) {
                (false, _) => "caller of running work left",
                (true, Stage::Armed) => "cleanup dropped before its run",
                _ => "inline work dropped partway",
            };
            cover(what);
            if work.mode.is_inline() && work.counted == Tri::No {
                work.counted = Tri::Either;
            }
        }
    }
}
