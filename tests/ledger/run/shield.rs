//! Shielding work, and spawning without a shield.

use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::Arc;
use std::task::Waker;

use futures_shield::{
    Caller, DynSpawner, ShieldExt, SpawnLocal, Tracker, cleanup, shield_with, shield_with_local, spawn_fn,
    spawn_local_fn,
};

use crate::api;
use crate::foreign::{Driver, Scripted, Spawner, Token, Unit};
use crate::held::Held;
use crate::model::{Direct, Fate, Kind, Outcome, Stage, Tri, Work};
use crate::program::{FutureSpec, Id, Mode, Route, Spawn};
use crate::world::{Slot, World, discard, world};

use super::*;

impl World {
    pub(super) fn spawn(&self, spec: &Spawn) {
        let mut future = spec.future.clone();
        if let Some(handle) = future.awaits {
            // A guard cannot be awaited, and what is owned already is not to be had.
            let free = self.handles.borrow_mut().get_mut(&handle).is_some_and(|slot| {
                let free = !slot.owned && slot.held.is_terminated().is_some();
                slot.owned |= free;
                free
            });
            if !free {
                future.awaits = None;
            }
        }
        self.script_of(&future, spec.window.as_ref().map(|window| window.id));
        let inline = spec.mode.is_inline();
        self.when_dropped(Kind::Spawner, spec.id, &spec.spawner_drop);
        self.tracking
            .replace(if inline { Some(spec.track.clone()) } else { None });
        self.when_dropped(Kind::Closure, spec.id, &spec.closure_drop);
        self.when_dropped(Kind::Value, spec.id, &spec.value_drop);
        self.model
            .borrow_mut()
            .make(spec.id, Work::new(spec.mode, spec.route.trackers(), future.id));
        self.spawning.borrow_mut().push(spec.id);
        let made = catch_unwind(AssertUnwindSafe(|| match spec.line {
            0 => self.shield(spec),
            1 => self.shield(spec),
            _ => self.shield(spec),
        }));
        self.spawning.borrow_mut().pop();
        if let Some(work) = self.model.borrow_mut().works.get_mut(&spec.id) {
            work.making = false;
        }
        match made {
            Ok(held) => {
                let mut model = self.model.borrow_mut();
                if let Some(work) = model.works.get_mut(&spec.id) {
                    let failed = !work.present || work.stage == Stage::Making;
                    if work.gone == Tri::Either {
                        work.gone = Tri::No;
                    }
                    if failed {
                        let text = format!("{} was made in spite of a panic: {work:?}", spec.id);
                        model.fail(text);
                    }
                }
                drop(model);
                self.handles.borrow_mut().insert(spec.id, Slot { held, owned: false });
                if let Some(hook) = &spec.hook {
                    self.set_hook(spec.id, hook);
                }
            }
            Err(thrown) => {
                let mut model = self.model.borrow_mut();
                if let Some(work) = model.works.get_mut(&spec.id) {
                    work.present = false;
                    work.gone = Tri::Yes;
                    if matches!(work.stage, Stage::Making | Stage::Lazy | Stage::Armed) {
                        // It was the closure that panicked, or `track_inline`: there is no work.
                        work.stage = Stage::Ended;
                        work.fate = Some(Fate::NeverRan);
                        model.futures.remove(&future.id);
                    }
                }
                if number(&thrown).is_none() {
                    model.fail(format!("making {} panicked", spec.id));
                }
                drop(model);
                discard(thrown);
            }
        }
    }

    /// The call itself. Its line is its caller's.
    #[track_caller]
    pub(super) fn shield(&self, spec: &Spawn) -> Box<dyn Held> {
        let place = api::line(Location::caller());
        if let Some(work) = self.model.borrow_mut().works.get_mut(&spec.id) {
            work.place = Some(place);
        }
        let local = spec.mode.is_local();
        let spawner = |executor| Spawner::new(self, executor, spec.id);
        match spec.route {
            Route::Plain(executor) if local => self.shield_on_local(spec, spawner(executor)),
            Route::Plain(executor) => self.shield_on(spec, spawner(executor)),
            Route::Closure(executor) if local => {
                let spawner = spawner(executor);
                self.shield_on_local(spec, spawn_local_fn(move |task| spawner.take(task)))
            }
            Route::Closure(executor) => {
                let spawner = spawner(executor);
                self.shield_on(spec, spawn_fn(move |task| spawner.take(task)))
            }
            Route::Tracked(tracker) => match self.trackers().plain.get(tracker).cloned() {
                Some(tracker) if local => self.shield_on_local(spec, Tracker::clone(&tracker)),
                Some(tracker) => self.shield_on(spec, Tracker::clone(&tracker)),
                None if local => self.shield_on_local(spec, Tracker::clone(&self.trackers().nested)),
                None => self.shield_on(spec, Tracker::clone(&self.trackers().nested)),
            },
            Route::TrackedByReference(tracker) => match self.trackers().plain.get(tracker).cloned() {
                Some(tracker) if local => self.shield_on_local(spec, tracker),
                Some(tracker) => self.shield_on(spec, tracker),
                None if local => self.shield_on_local(spec, Arc::clone(&self.trackers().nested)),
                None => self.shield_on(spec, Arc::clone(&self.trackers().nested)),
            },
            Route::Erased(executor) => self.shield_on(spec, DynSpawner::new(spawner(executor))),
            Route::ErasedTracker(tracker) => {
                let erased = match self.trackers().plain.get(tracker) {
                    Some(tracker) => DynSpawner::new(Arc::clone(tracker)),
                    None => DynSpawner::new(Arc::clone(&self.trackers().nested)),
                };
                self.shield_on(spec, erased)
            }
        }
    }

    #[track_caller]
    pub(super) fn shield_on<S: futures_shield::Spawn + Send + 'static>(
        &self,
        spec: &Spawn,
        spawner: S,
    ) -> Box<dyn Held> {
        match spec.mode {
            Mode::With | Mode::WithLocal => Box::new(shield_with(spawner, self.with::<()>(spec))),
            Mode::Inline | Mode::InlineLocal => {
                let future = Scripted::<()>::new(self, spec.future.id);
                Box::new(future.shield_on_drop(spawner))
            }
            Mode::Cleanup => {
                let value = Token::new(self, Kind::Value, spec.id);
                Box::new(cleanup(spawner, value, self.cleaning(spec)))
            }
            Mode::Eager | Mode::Local => Box::new(Scripted::<()>::new(self, spec.future.id).shield(spawner)),
        }
    }

    #[track_caller]
    pub(super) fn shield_on_local<S: SpawnLocal + 'static>(&self, spec: &Spawn, spawner: S) -> Box<dyn Held> {
        type NotSend = std::rc::Rc<()>;
        match spec.mode {
            Mode::WithLocal => Box::new(shield_with_local(spawner, self.with::<NotSend>(spec))),
            Mode::InlineLocal => {
                let future = Scripted::<NotSend>::new(self, spec.future.id);
                Box::new(future.shield_on_drop_local(spawner))
            }
            _ => Box::new(Scripted::<NotSend>::new(self, spec.future.id).shield_local(spawner)),
        }
    }

    /// What `shield_with` is given.
    pub(super) fn with<L>(&self, spec: &Spawn) -> impl FnOnce(Caller) -> Scripted<L> + use<L> {
        let token = Token::new(self, Kind::Closure, spec.id);
        let spec = spec.clone();
        move |caller| {
            let world = world().expect("it is called in a program");
            let call = world.call(|| format!("the closure of {}", spec.id));
            let reacted = world.caught(|| world.react(&spec.closure, false));
            world.in_turn(reacted, [Box::new(|| drop(token))]);
            drop(call);
            if let Some(window) = &spec.window {
                world.open_window(spec.id, window, &caller, true);
            }
            world.callers.borrow_mut().insert(spec.id, caller);
            Scripted::new(&world, spec.future.id)
        }
    }

    /// What `cleanup` is given.
    pub(super) fn cleaning(&self, spec: &Spawn) -> impl FnOnce(Token) -> Scripted<()> + Send + use<> {
        let token = Token::new(self, Kind::Closure, spec.id);
        let (id, future, react) = (spec.id, spec.future.id, spec.closure.clone());
        move |value| {
            let world = world().expect("it is called in a program");
            world.model.borrow_mut().closure_called(id);
            let call = world.call(|| format!("the closure of {id}"));
            let reacted = world.caught(|| world.react(&react, false));
            let ended = catch_unwind(AssertUnwindSafe(|| {
                world.in_turn(reacted, [Box::new(|| drop(value)), Box::new(|| drop(token))]);
            }));
            let outcome = ended
                .as_ref()
                .err()
                .map(|thrown| number(thrown).map_or(Outcome::Text, Outcome::Panic));
            world.model.borrow_mut().closure_returned(id, outcome);
            drop(call);
            if let Err(thrown) = ended {
                std::panic::resume_unwind(thrown);
            }
            Scripted::new(&world, future)
        }
    }

    pub(super) fn move_into_a_task(&self, id: Id, handle: Id, executor: usize) {
        let free = self.handles.borrow_mut().get_mut(&handle).is_some_and(|slot| {
            let free = !slot.owned && slot.held.is_terminated().is_some();
            slot.owned |= free;
            free
        });
        let here = &self.executors[executor];
        if free && !here.closed.get() {
            here.tasks
                .borrow_mut()
                .insert(id, Box::pin(Driver::new(self, id, handle)));
        } else if free {
            self.drop_handle(handle, true);
        }
    }

    pub(super) fn spawn_directly(&self, id: Id, tracker: usize, line: u8, future: &FutureSpec) {
        self.script_of(future, None);
        self.spawning.borrow_mut().push(id);
        let spawned = catch_unwind(AssertUnwindSafe(|| match line {
            0 => self.direct(id, tracker, future.id, Directly::Plain),
            1 => self.direct(id, tracker, future.id, Directly::Locally),
            2 => self.direct(id, tracker, future.id, Directly::ByPointer),
            _ => self.direct(id, tracker, future.id, Directly::Erased),
        }));
        self.spawning.borrow_mut().pop();
        if let Err(thrown) = spawned {
            discard(thrown);
        }
    }

    #[track_caller]
    pub(super) fn direct(&self, id: Id, tracker: usize, future: Id, how: Directly) {
        let direct = Direct {
            future,
            trackers: SENT_TO[tracker],
            place: api::line(Location::caller()),
            counted: Tri::No,
            dropped: false,
        };
        self.model.borrow_mut().directs.insert(id, direct);
        let future = Unit::new(self, future);
        let trackers = self.trackers();
        match trackers.plain.get(tracker) {
            Some(tracker) => directly(tracker, future, how),
            None => directly(&trackers.nested, future, how),
        }
    }

    pub(super) fn step(&self, task: Id, waker: usize) {
        for (index, executor) in self.executors.iter().enumerate() {
            let found = executor.tasks.borrow_mut().remove(&task);
            if let Some(found) = found {
                let current = self.current.replace(waker);
                self.poll_task(index, task, found);
                self.current.set(current);
                return;
            }
        }
    }

    pub fn shut_down(&self, executor: usize) {
        let here = &self.executors[executor];
        here.closed.set(true);
        here.generation.set(here.generation.get() + 1);
        loop {
            let task = here.tasks.borrow_mut().pop_first();
            let Some((id, task)) = task else { return };
            self.drop_task(id, task);
        }
    }

    pub(super) fn open(&self, future: Id) {
        let kept = match self.scripts.borrow_mut().get_mut(&future) {
            Some(script) => {
                script.open = true;
                script.kept.take()
            }
            None => None,
        };
        self.wake_ours(kept, false);
    }

    pub(super) fn wake(&self, future: Id, twice: bool) {
        let kept = self
            .scripts
            .borrow_mut()
            .get_mut(&future)
            .and_then(|script| script.kept.take());
        self.wake_ours(kept, twice);
    }

    pub(super) fn wake_ours(&self, kept: Option<Waker>, twice: bool) {
        let Some(waker) = kept else { return };
        if twice {
            self.ours.set(true);
            if let Err(thrown) = self.caught(|| waker.wake_by_ref()) {
                discard(thrown);
            }
        }
        self.ours.set(true);
        if let Err(thrown) = self.caught(|| waker.wake()) {
            discard(thrown);
        }
    }
}
