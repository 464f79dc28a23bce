//! Spawners of ours are called, and their executors poll and drop tasks.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};

use crate::api;
use crate::cover::cover;
use crate::foreign::panic_with;
use crate::model::Tri;
use crate::program::{Behave, Id};

use super::*;

impl World {
    /// A spawner of ours is asked to count inline work that is being made.
    pub fn asked_to_track(&self, location: api::Place) {
        let id = self.spawning.borrow().last().copied().unwrap_or_default();
        let call = self.call(|| format!("`track_inline` of the spawner of {id}"));
        let place = self.model.borrow().works.get(&id).and_then(|work| work.place);
        let react = self.tracking.take();
        if place != Some(api::line(location)) || react.is_none() {
            self.fail(format!(
                "`track_inline` of the spawner of {id} was called with {location}, and not {place:?}"
            ));
        }
        let react = react.unwrap_or_default();
        if react.panics() && !self.calm.get() {
            cover("panic of a spawner that is asked to track");
            if let Some(work) = self.model.borrow_mut().works.get_mut(&id) {
                work.present = false;
            }
        }
        self.react(&react, false);
        drop(call);
    }

    /// A spawner of ours is given a task.
    pub fn spawner_called(&self, executor: usize, task: Task) {
        let id = self.spawning.borrow().last().copied().unwrap_or_default();
        self.model.borrow_mut().spawned(id);
        let place = {
            let model = self.model.borrow();
            let work = model.works.get(&id).and_then(|work| work.place);
            work.or_else(|| model.directs.get(&id).map(|direct| direct.place))
        };
        let call = self.call_at(place, || format!("the spawner of executor {executor} with {id}"));
        let direct = self.model.borrow().directs.contains_key(&id);
        let here = &self.executors[executor];
        let behave = if self.calm.get() {
            Behave::Take
        } else {
            here.behave.take()
        };
        if here.closed.get() {
            cover("spawned on an executor that is shut down");
            self.drop_task(id, task);
            return;
        }
        match behave {
            Behave::Take => {}
            Behave::PanicBefore => cover("panic of a spawner before it took the work"),
            Behave::PanicAfter => cover("panic of a spawner after it took the work"),
            Behave::Poll => cover("work polled inside the call to its spawner"),
        }
        match behave {
            Behave::Take => {
                here.tasks.borrow_mut().insert(id, task);
            }
            Behave::PanicAfter => {
                here.tasks.borrow_mut().insert(id, task);
                self.spawner_panics(id);
                drop(call);
                panic_with(self.payload(false));
            }
            Behave::PanicBefore => {
                self.spawner_panics(id);
                let payload = self.payload(false);
                if direct {
                    // A plain future: a second panic would abort.
                    self.drop_task(id, task);
                    drop(call);
                    panic_with(payload);
                }
                drop(call);
                let _dropped_in_unwinding = task;
                panic_with(payload);
            }
            Behave::Poll => {
                let current = self.current.replace(0);
                self.poll_task(executor, id, task);
                self.current.set(current);
                // Back in the spawner's own code.
                self.check();
            }
        }
    }

    pub(super) fn spawner_panics(&self, id: Id) {
        let mut model = self.model.borrow_mut();
        if let Some(work) = model.works.get_mut(&id) {
            if !work.mode.is_inline() {
                work.present = false;
                work.gone = Tri::Either;
                work.orphan = Tri::Either;
                work.was_orphan = Tri::Either;
            }
        }
    }

    /// Polls a task that is in no executor now, and puts it there if it is pending.
    pub fn poll_task(&self, executor: usize, id: Id, mut task: Task) {
        let here = &self.executors[executor];
        let generation = here.generation.get();
        let waker = &self.wakers[self.current.get()];
        let polled = catch_unwind(AssertUnwindSafe(|| task.as_mut().poll(&mut Context::from_waker(waker))));
        match polled {
            Ok(Poll::Pending) if here.generation.get() == generation => {
                here.tasks.borrow_mut().insert(id, task);
            }
            Ok(_) => self.drop_task(id, task),
            Err(thrown) => {
                if self.model.borrow().works.contains_key(&id) {
                    self.fail(format!("the task of {id} panicked"));
                }
                self.drop_task(id, task);
                self.by_the_spawner.set(true);
                discard(thrown);
                self.by_the_spawner.set(false);
            }
        }
    }

    pub fn drop_task(&self, id: Id, task: Task) {
        if let Err(thrown) = self.caught(|| drop(task)) {
            if self.model.borrow().works.contains_key(&id) {
                self.fail(format!("the drop of the task of {id} panicked"));
            }
            discard(thrown);
        }
        self.model.borrow_mut().task_dropped(id);
    }
}
