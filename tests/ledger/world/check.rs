//! Comparing every query with the model.

use std::task::Waker;

use crate::api;
use crate::foreign::alive;
use crate::model::{Kind, Model, Tri};
use crate::program::{TRACKERS, WAKERS};

use super::*;

impl World {
    /// Compares every query with the model.
    pub fn check(&self) {
        let model = self.model.borrow();
        let mut failure = None;
        let mut expect = |right: bool, text: &dyn Fn() -> String| {
            if !right && failure.is_none() {
                failure = Some(text());
            }
        };
        for (id, slot) in self.handles.borrow().iter() {
            let Some(work) = model.works.get(&model.work(*id)) else {
                continue;
            };
            if let Some(finished) = slot.held.is_finished() {
                expect(work.finished.allows(finished), &|| {
                    format!("is_finished of {id} is {finished}: {work:?}")
                });
            }
            if let Some(terminated) = slot.held.is_terminated() {
                let expected = model
                    .sharers
                    .get(id)
                    .map_or(work.terminated, |sharer| sharer.terminated);
                expect(expected == terminated, &|| {
                    format!("is_terminated of {id} is {terminated}: {work:?}")
                });
            }
            if let Some(location) = slot.held.location() {
                expect(work.place.is_none_or(|place| place == api::line(location)), &|| {
                    format!("the location of {id} is {location}: {work:?}")
                });
            }
        }
        for (id, caller) in self.callers.borrow().iter() {
            let gone = model.works.get(id).map_or(Tri::Yes, |work| work.gone);
            expect(gone.allows(caller.is_gone()), &|| {
                format!("is_gone of {id} is {}: {:?}", caller.is_gone(), model.works.get(id))
            });
        }
        for (id, (window, _)) in self.windows.borrow().iter() {
            if let (AnyWindow::Gone(gone), Some(waiter)) = (window, model.waiters.get(id)) {
                use futures_util::future::FusedFuture;
                expect(gone.is_terminated() == waiter.ended, &|| {
                    format!("is_terminated of `Gone` {id}: {waiter:?}")
                });
            }
        }
        let published = futures_shield::spawn_location().map(api::line);
        expect(published == self.published.get(), &|| {
            format!("spawn_location is {published:?}, and not {:?}", self.published.get())
        });
        if let Some(trackers) = self.trackers.borrow().as_ref() {
            for tracker in 0..TRACKERS {
                let len = trackers.len(tracker);
                let (least, most) = model.len(tracker);
                expect((least..=most).contains(&len), &|| {
                    format!("tracker {tracker} has {len}, and not {least} to {most}")
                });
                expect(trackers.is_empty(tracker) == (len == 0), &|| {
                    format!("is_empty of tracker {tracker}")
                });
                compare_lines(&model, trackers, tracker, &mut expect);
                compare_metrics(&model, trackers, tracker, &mut expect);
            }
        }
        drop(model);
        if let Some(failure) = failure {
            self.fail(failure);
        }
    }

    /// Ends an operation, if no other one surrounds it.
    pub fn quiesce(&self) {
        self.model.borrow_mut().quiesce();
        self.check();
        for slot in self.handles.borrow().values() {
            // It must neither wait for a lock nor panic.
            assert!(!slot.held.debug().is_empty(), "`Debug` has a text");
        }
        let ours: Vec<usize> = {
            let scripts = self.scripts.borrow();
            (0..WAKERS)
                .map(|waker| {
                    let is = |kept: &&Waker| kept.will_wake(&self.wakers[waker]);
                    scripts
                        .values()
                        .filter_map(|script| script.kept.as_ref())
                        .filter(is)
                        .count()
                })
                .collect()
        };
        for (waker, ours) in ours.into_iter().enumerate() {
            let kept = self.model.borrow().kept(waker);
            let alive = alive(waker);
            // One more is in `wakers`.
            if alive != kept + ours + 1 {
                let here = alive as isize - ours as isize - 1;
                self.fail(format!(
                    "the crate keeps {here} clones of waker {waker}, and not {kept}"
                ));
            }
        }
    }

    /// Forgets works that have ended and that nobody can ask about.
    pub fn forget_the_ended(&self) {
        let handles = self.handles.borrow();
        self.model.borrow_mut().forget(|id, model| {
            handles.contains_key(&id)
                || model.sharers.values().any(|sharer| sharer.work == id)
                || model.waiters.values().any(|waiter| waiter.work == id)
                || (model.works.get(&id)).is_some_and(|work| model.alive.contains(&(Kind::Future, work.future)))
        });
    }
}

/// How a check says that something is wrong.
type Expect<'a> = dyn FnMut(bool, &dyn Fn() -> String) + 'a;

fn compare_lines(model: &Model, trackers: &Trackers, tracker: usize, expect: &mut Expect<'_>) {
    let unfinished = trackers.unfinished(tracker);
    let lines = api::lines(&unfinished);
    let (counts, orphans) = (model.counts(tracker), model.orphans(tracker));
    expect(lines.is_sorted() && lines.iter().all(|(_, len, _)| *len > 0), &|| {
        format!("tracker {tracker} names {lines:?}")
    });
    let sums = (unfinished.len(), unfinished.orphans());
    let totals = (trackers.len(tracker), trackers.orphans(tracker));
    expect(sums == totals, &|| {
        format!("tracker {tracker} has {totals:?}, and names {lines:?}")
    });
    for (line, len, orphaned) in &lines {
        let (least, most) = counts.get(line).copied().unwrap_or_default();
        expect((least..=most).contains(len), &|| {
            format!("tracker {tracker} names {lines:?}, and not {counts:?}")
        });
        let (least, most) = orphans.get(line).copied().unwrap_or_default();
        expect((least..=most).contains(orphaned), &|| {
            format!("tracker {tracker} has the orphans {lines:?}, and not {orphans:?}")
        });
    }
    let named = |line: &api::Line| lines.iter().any(|(named, ..)| named == line);
    expect(counts.iter().all(|(line, count)| count.0 == 0 || named(line)), &|| {
        format!("tracker {tracker} names {lines:?}, and not {counts:?}")
    });
}

fn compare_metrics(model: &Model, trackers: &Trackers, tracker: usize, expect: &mut Expect<'_>) {
    let metrics = trackers.metrics(tracker);
    let endings = model.endings(tracker);
    let mut named = Vec::new();
    let mut sums = [0; 6];
    for at in metrics.locations() {
        let line = api::line(at.location());
        named.push(line);
        let ended = [at.finished_total(), at.panicked_total(), at.cancelled_total()];
        let orphaned = at.orphaned_total();
        let [running, orphans] = [at.running(), at.orphans()].map(|count| count as u64);
        let all = [running, orphans, orphaned, ended[0], ended[1], ended[2]];
        for (sum, number) in sums.iter_mut().zip(all) {
            *sum += number;
        }
        expect(
            orphaned == orphans + ended.iter().sum::<u64>() && orphans <= running,
            &|| format!("the metrics of tracker {tracker}: {at:?}"),
        );
        let expected = endings.get(&line).copied().unwrap_or_default();
        for (ended, (least, most)) in ended.into_iter().zip(expected) {
            expect((least as u64..=most as u64).contains(&ended), &|| {
                format!("the metrics of tracker {tracker}: {at:?}, and not {expected:?}")
            });
        }
    }
    expect(
        named.is_sorted() && named.windows(2).all(|two| two[0] != two[1]),
        &|| format!("the metrics of tracker {tracker} are at {named:?}"),
    );
    expect(
        endings
            .keys()
            .all(|line| named.contains(line) || endings[line] == [(0, 0); 3]),
        &|| format!("the metrics of tracker {tracker} are at {named:?}, and not {endings:?}"),
    );
    let summed = [
        metrics.running() as u64,
        metrics.orphans() as u64,
        metrics.orphaned_total(),
        metrics.finished_total(),
        metrics.panicked_total(),
        metrics.cancelled_total(),
    ];
    let counted = [trackers.len(tracker) as u64, trackers.orphans(tracker) as u64];
    expect(summed == sums && summed[..2] == counted, &|| {
        format!("the metrics of tracker {tracker}: {metrics:?}, and {counted:?}")
    });
}
