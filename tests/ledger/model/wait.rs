//! Waits for a tracker to have nothing left, and drains.

use crate::program::Id;

use super::*;

impl Model {
    pub fn wait_for_zero(&mut self, id: Id, tracker: usize, deadline: Option<Id>) {
        self.waits.insert(
            id,
            Wait {
                tracker,
                due: false,
                deadline,
                ended: false,
                registration: Registration::default(),
                least_before: 0,
                events_before: 0,
            },
        );
    }

    pub fn begin_wait(&mut self, id: Id, waker: usize) {
        let events = self.events;
        let Some(tracker) = self.waits.get(&id).map(|wait| wait.tracker) else {
            return;
        };
        let least = self.len(tracker).0;
        if let Some(wait) = self.waits.get_mut(&id) {
            wait.registration.begin(waker);
            wait.least_before = least;
            wait.events_before = events;
        }
    }

    /// A poll of a `Wait` or a `Drain` returned: not yet, with nothing left, or with what is left.
    pub fn end_wait(&mut self, id: Id, result: Option<Result<(), Named>>) {
        let Some(wait) = self.waits.get(&id) else { return };
        let (least, most) = self.len(wait.tracker);
        let expired = wait
            .deadline
            .and_then(|deadline| self.futures.get(&deadline))
            .is_some_and(|deadline| deadline.ready);
        let woken = wait.registration.fired.is_some() && wait.registration.fired == wait.registration.polling;
        let wrong = match &result {
            None => expired || (most == 0 && !woken),
            Some(Ok(())) => least != 0 && wait.least_before != 0,
            Some(Err(unfinished)) => {
                let counts = self.counts(wait.tracker);
                // Nothing but the poll of the deadline happened meanwhile: then it names exactly
                // what runs.
                let calm = self.events <= wait.events_before + 2;
                let named = unfinished.iter().all(|(line, count, _)| {
                    counts
                        .get(line)
                        .is_some_and(|(least, most)| count <= most && (!calm || count >= least))
                });
                !expired
                    || unfinished.is_empty()
                    || calm && (!named || unfinished.len() < counts.values().filter(|count| count.0 > 0).count())
            }
        };
        if wrong {
            let text = format!("wait {id} returned {result:?} with {least} to {most} left: {wait:?}");
            self.fail(text);
        }
        let what = match &result {
            None => "wait pending",
            Some(Ok(())) => "nothing left",
            Some(Err(_)) => "deadline of a drain",
        };
        cover(what);
        if let Some(wait) = self.waits.get_mut(&id) {
            if wait.due {
                self.late.extend(wait.registration.kept);
            }
            match result {
                None => {
                    wait.registration.pending();
                    wait.due = false;
                }
                Some(_) => {
                    wait.due = false;
                    wait.ended = true;
                    wait.registration.end();
                }
            }
        }
    }

    pub fn wait_passed(&mut self, id: Id) {
        if let Some(wait) = self.waits.get_mut(&id) {
            let kept = wait.registration.kept;
            wait.registration.end();
            wait.registration.kept = kept;
        }
    }

    pub fn wait_dropped(&mut self, id: Id) {
        if let Some(wait) = self.waits.remove(&id) {
            if wait.due {
                self.late.extend(wait.registration.kept);
            }
        }
    }
}
