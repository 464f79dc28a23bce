//! The end of an operation: nothing is open, and what was due has happened.

use crate::program::Mode;

use super::*;

impl Model {
    /// No operation is under way: nothing is open, and what was due has happened.
    pub fn quiesce(&mut self) {
        let mut failures = Vec::new();
        for (id, work) in &mut self.works {
            if work.stage == Stage::Ending && work.mode == Mode::Cleanup {
                work.stage = Stage::Ended;
            }
            if work.stage == Stage::Ending || work.polling {
                failures.push(format!("{id} is left in the middle: {work:?}"));
            }
            let ended = work.stage == Stage::Ended;
            work.gone = if work.present { Tri::No } else { Tri::Yes };
            work.finished = if ended { Tri::Yes } else { Tri::No };
            work.counted = match work.stage {
                Stage::Running => Tri::Yes,
                Stage::Armed if work.spawned => Tri::Yes,
                _ => Tri::No,
            };
            work.orphan = if !ended && !work.present { Tri::Yes } else { Tri::No };
            if work.orphan == Tri::Yes {
                work.was_orphan = Tri::Yes;
            }
            work.end_counts = if ended { Tri::Yes } else { Tri::No };
            if ended && work.present && work.registration.kept.is_some() {
                failures.push(format!("{id} has ended, and its caller was not woken: {work:?}"));
            }
            if ended && !work.present && work.fate.is_none() {
                let lost = match &work.outcome {
                    Some(Outcome::Value(output)) => self.alive.contains(&(Kind::Output, *output)),
                    Some(Outcome::Panic(payload)) => self.alive.contains(&(Kind::Payload, *payload)),
                    _ => false,
                };
                if lost || work.hook.is_some() {
                    failures.push(format!("the outcome of {id} went to nobody: {work:?}"));
                }
                work.fate = Some(Fate::Dropped);
            }
            if let (Some(Fate::Delivered | Fate::NeverRan), Some(hook)) = (work.fate, work.hook) {
                failures.push(format!("hook {hook} of {id} was not dropped: {work:?}"));
            }
        }
        for (id, sharer) in &self.sharers {
            let ended = (self.works.get(&sharer.work)).is_none_or(|work| work.stage == Stage::Ended);
            if ended && sharer.registration.kept.is_some() {
                failures.push(format!("{} has ended, and its waiter {id} was not woken", sharer.work));
            }
        }
        for (id, waiter) in &self.waiters {
            let gone = self.works.get(&waiter.work).is_none_or(|work| work.gone == Tri::Yes);
            if gone && waiter.registration.kept.is_some() {
                failures.push(format!(
                    "the caller of {} is gone, and waiter {id} was not woken",
                    waiter.work
                ));
            }
        }
        for direct in self.directs.values_mut() {
            direct.counted = if direct.dropped { Tri::No } else { Tri::Yes };
        }
        for (id, wait) in &self.waits {
            if wait.registration.kept.is_some() && (wait.due || self.len(wait.tracker).0 == 0) {
                failures.push(format!(
                    "tracker {} is empty, and wait {id} was not woken",
                    wait.tracker
                ));
            }
        }
        if let Some(failure) = failures.into_iter().next() {
            self.fail(failure);
        }
        self.directs.retain(|_, direct| !direct.dropped);
        self.futures.retain(|_, state| !state.dropped || state.ready);
        self.passing.clear();
        self.unclonable.clear();
        self.late.clear();
    }
}
