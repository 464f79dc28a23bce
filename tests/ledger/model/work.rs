//! The life of a work, as its futures, hooks and outcomes tell it.

use crate::program::{Id, Mode};

use super::*;

impl Model {
    pub fn make(&mut self, id: Id, work: Work) {
        self.works.insert(id, work);
    }

    /// Its spawner was called with the work.
    pub fn spawned(&mut self, id: Id) {
        let Some(work) = self.works.get_mut(&id) else {
            if let Some(direct) = self.directs.get_mut(&id) {
                direct.counted = Tri::Yes;
            } else {
                self.fail(format!("a spawner was called for {id}, which is not there"));
            }
            return;
        };
        let expected = if work.mode.is_inline() {
            !work.present && matches!(work.stage, Stage::Armed | Stage::Running)
        } else {
            work.stage == Stage::Making
        };
        if work.spawned || !expected {
            let text = format!("a spawner was called for {id}: {work:?}");
            self.fail(text);
            return;
        }
        work.spawned = true;
        // The spawner is foreign code: an entry is there before it is called.
        work.counted = Tri::Yes;
        if !work.mode.is_inline() {
            work.stage = Stage::Running;
        }
    }

    pub fn future_polled(&mut self, future: Id) {
        let state = self.futures.entry(future).or_default();
        state.polls += 1;
        if state.ready || state.panicked || state.dropped {
            let text = format!("future {future} was polled after its end: {state:?}");
            self.fail(text);
        }
        if let Some((id, work)) = self.work_of(future) {
            let legal = matches!(work.stage, Stage::Lazy | Stage::Armed | Stage::Running) && !work.polling;
            if !legal {
                let text = format!("the future of {id} was polled: {work:?}");
                self.fail(text);
                return;
            }
            work.stage = Stage::Running;
            work.started = true;
            work.polling = true;
            work.counted = Tri::Yes;
        }
    }

    pub fn future_pending(&mut self, future: Id) {
        if let Some((_, work)) = self.work_of(future) {
            work.polling = false;
        }
    }

    pub fn future_ended(&mut self, future: Id, outcome: Outcome) {
        if let Some(state) = self.futures.get_mut(&future) {
            state.ready = matches!(outcome, Outcome::Value(_));
            state.panicked = !state.ready;
        }
        if let Some((_, work)) = self.work_of(future) {
            work.polling = false;
            work.stage = Stage::Ending;
            work.outcome = Some(outcome);
        }
    }

    /// A future is being dropped. If it had not ended, it is being cut off.
    pub fn future_dropping(&mut self, future: Id) {
        let state = self.futures.entry(future).or_default();
        state.dropped = true;
        if let Some((id, work)) = self.work_of(future) {
            match work.stage {
                // The call to the spawner, or the closure, panicked before.
                Stage::Making | Stage::Armed | Stage::Running if !work.polling => {
                    work.stage = Stage::Ending;
                    work.outcome = Some(Outcome::Cancelled { started: work.started });
                }
                Stage::Lazy if !work.present => {
                    work.stage = Stage::Ending;
                    work.fate = Some(Fate::NeverRan);
                }
                Stage::Ending => {}
                _ => {
                    let text = format!("the future of {id} was dropped: {work:?}");
                    self.fail(text);
                }
            }
        }
    }

    /// That drop is over, maybe with a panic.
    pub fn future_dropped(&mut self, future: Id, panicked: Option<Id>) {
        // Told from inside that call.
        let at = (self.depth - 1, self.events);
        let id = self.work_of(future).map(|(id, _)| id);
        let polled =
            (self.sharers.values()).any(|sharer| Some(sharer.work) == id && sharer.registration.polling.is_some());
        if let Some((_, work)) = self.work_of(future) {
            if let Some(payload) = panicked {
                if let Some(Outcome::Value(_)) = work.outcome {
                    work.outcome = Some(Outcome::Panic(payload));
                    work.output_lost = true;
                    cover("value lost to the drop of its future");
                } else {
                    cover("second panic in the drop of a future");
                }
            }
            work.settle(at);
            if polled && work.present {
                // It ended inside a poll of one of its waiters, which may deliver.
                work.gone = Tri::Either;
            }
            if work.fate.is_none() {
                self.outcomes += 1;
            }
        } else if let Some(direct) = self.directs.values_mut().find(|direct| direct.future == future) {
            direct.counted = Tri::Either;
            direct.dropped = true;
        }
    }

    /// Its executor has dropped its task: it is over, and nothing is left open.
    pub fn task_dropped(&mut self, id: Id) {
        if let Some(work) = self.works.get_mut(&id) {
            if work.stage == Stage::Ended {
                work.finished = Tri::Yes;
                // Assumed: eager work that ends inside the call to its spawner may count until that
                // returns.
                work.counted = if work.making { Tri::Either } else { Tri::No };
                work.orphan = Tri::No;
                work.end_counts = Tri::Yes;
            }
        }
        if let Some(direct) = self.directs.get_mut(&id) {
            if direct.dropped {
                direct.counted = Tri::No;
            }
        }
    }

    /// The closure of a cleanup is called: the work begins.
    pub fn closure_called(&mut self, id: Id) {
        let Some(work) = self.works.get_mut(&id) else { return };
        if work.stage != Stage::Armed || work.polling {
            let text = format!("the closure of {id} was called: {work:?}");
            self.fail(text);
            return;
        }
        work.stage = Stage::Running;
        work.started = true;
        work.polling = true;
        work.counted = Tri::Yes;
    }

    /// It returned, or panicked, which is the end of the work.
    pub fn closure_returned(&mut self, id: Id, panicked: Option<Outcome>) {
        // Told from inside that call.
        let at = (self.depth - 1, self.events);
        let Some(work) = self.works.get_mut(&id) else { return };
        work.polling = false;
        if panicked.is_some() {
            work.outcome = panicked;
            work.settle(at);
            self.outcomes += 1;
        }
    }

    /// A cleanup is cancelled before its closure has made a future: the closure and the value are
    /// dropped.
    pub fn cleanup_cancelled(&mut self, id: Id) {
        if let Some(work) = self.works.get_mut(&id) {
            if work.stage == Stage::Armed && work.spawned {
                work.stage = Stage::Ending;
                work.outcome = Some(Outcome::Cancelled { started: work.started });
                if work.hook.is_none() {
                    work.is_over();
                }
                self.outcomes += 1;
            }
        }
    }

    pub fn hook_runs(&mut self, hook: Id) -> Option<Id> {
        let Some((id, work)) = self.works.iter_mut().find(|(_, work)| work.hook == Some(hook)) else {
            self.fail(format!("hook {hook} ran, and is no work's hook"));
            return None;
        };
        let id = *id;
        if work.stage == Stage::Ending
            && matches!(work.outcome, Some(Outcome::Cancelled { .. }))
            && work.mode == Mode::Cleanup
        {
            work.stage = Stage::Ended;
        }
        if work.present || work.fate.is_some() || work.stage != Stage::Ended {
            let text = format!("the hook of {id} ran: {work:?}");
            self.fail(text);
            return None;
        }
        work.fate = Some(Fate::Hooked);
        let what = match (work.finished, &work.outcome) {
            (Tri::Yes, _) => "hook run by the caller",
            (_, Some(Outcome::Value(_))) => "hook run with a value",
            (_, Some(Outcome::Cancelled { started: true })) => "hook run, cancelled after it started",
            (_, Some(Outcome::Cancelled { started: false })) => "hook run, cancelled before it started",
            _ => "hook run with a panic",
        };
        cover(what);
        if work.unclonable {
            cover("outcome hooked after its clone panicked");
        }
        work.gone = Tri::Yes;
        work.counted = Tri::Yes;
        Some(id)
    }

    /// A hook is being dropped, for whichever reason.
    pub fn hook_dropping(&mut self, hook: Id) {
        if let Some(work) = self.works.values_mut().find(|work| work.hook == Some(hook)) {
            let delivering = work.fate.is_none() && work.present && work.stage == Stage::Ended;
            if delivering {
                work.gone = Tri::Yes;
            }
        }
    }

    /// The hook has run, and what it captured is gone.
    pub fn hook_dropped(&mut self, hook: Id) {
        if let Some(work) = self.works.values_mut().find(|work| work.hook == Some(hook)) {
            work.hook = None;
            if work.fate == Some(Fate::Hooked) {
                work.is_over();
            }
        }
    }

    pub(super) fn outcome_dropping(&mut self, is: impl Fn(&Outcome) -> bool) -> Option<Id> {
        let (id, work) = self
            .works
            .iter_mut()
            .find(|(_, work)| work.fate.is_none() && work.outcome.as_ref().is_some_and(&is))?;
        let id = *id;
        if work.stage < Stage::Ended {
            // The future was dropped inside its own poll, or the outcome before the future.
            let text = format!("the outcome of {id} was dropped before its future: {work:?}");
            self.fail(text);
            return None;
        }
        if work.gone == Tri::No && work.present || work.hook.is_some() {
            let text = format!("the outcome of {id} was dropped: {work:?}");
            self.fail(text);
            return None;
        }
        work.fate = Some(Fate::Dropped);
        let what = if work.finished == Tri::Yes {
            "outcome dropped by the caller"
        } else {
            "outcome of an orphan dropped"
        };
        cover(what);
        work.gone = Tri::Yes;
        work.counted = Tri::Yes;
        Some(id)
    }

    pub fn output_dropping(&mut self, output: Id) {
        // If the drop of its future panicked, that is the outcome, and the output is dropped on the
        // way.
        self.outcome_dropping(|outcome| *outcome == Outcome::Value(output));
    }

    pub fn payload_dropping(&mut self, payload: Id) {
        self.outcome_dropping(|outcome| *outcome == Outcome::Panic(payload));
    }

    pub fn outcome_dropped(&mut self, output: Outcome) {
        for work in self.works.values_mut() {
            if work.fate == Some(Fate::Dropped) && work.outcome.as_ref() == Some(&output) {
                work.is_over();
            }
        }
    }
}
