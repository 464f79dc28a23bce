//! The operations, each done to the real things and told to the model.

use std::future::Future;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_shield::{
    Caller, DynSpawner, ShieldExt, Spawn as _, SpawnLocal, Tracker, cleanup, shield_with, shield_with_local, spawn_fn,
    spawn_local_fn,
};

use super::api;
use super::cover::cover;
use super::foreign::{Driver, Hook, Out, Payload, Scripted, Spawner, Token, Unit};
use super::held::{Failure, Held};
use super::model::{Direct, Fate, Kind, Outcome, Stage, Tri, Work};
use super::program::{FutureSpec, HookSpec, Id, Mode, Op, Plainly, React, Route, Spawn, WindowSpec};
use super::world::{
    AnyWait, AnyWindow, Caught, MakeClock, Script, Slot, Thrown, Trackers, World, discard, drop_calmly, world,
};

const SENT_TO: [&[usize]; 3] = [&[0], &[1], &[2, 0]];

impl Route {
    fn trackers(self) -> &'static [usize] {
        match self {
            Self::Plain(_) | Self::Closure(_) | Self::Erased(_) => &[],
            Self::Tracked(tracker) | Self::TrackedByReference(tracker) | Self::ErasedTracker(tracker) => {
                SENT_TO[tracker]
            }
        }
    }
}

/// How a future is spawned without a shield.
#[derive(Clone, Copy)]
enum Directly {
    Plain,
    Locally,
    ByPointer,
    Erased,
}

#[track_caller]
fn directly<S>(tracker: &Arc<Tracker<S>>, future: Unit, how: Directly)
where
    S: futures_shield::Spawn + SpawnLocal + Send + Sync + 'static,
{
    match how {
        Directly::Plain => (**tracker).spawn_detached(future),
        Directly::Locally => tracker.spawn_local_detached(future),
        Directly::ByPointer => tracker.spawn_detached(future),
        Directly::Erased => DynSpawner::new(Arc::clone(tracker)).spawn_detached(future),
    }
}

/// The thrown payload's number, if it is one of ours.
fn number(thrown: &Thrown) -> Option<Id> {
    thrown.downcast_ref::<Payload>().map(|payload| payload.token.id)
}

impl World {
    pub fn start(&self) {
        let plain = [0, 1].map(|executor| Arc::new(Tracker::new(Spawner::new(self, executor, self.fresh()))));
        let nested = Arc::new(Tracker::new(Tracker::clone(&plain[0])));
        *self.trackers.borrow_mut() = Some(std::rc::Rc::new(Trackers { plain, nested }));
    }

    /// Runs one operation. It does not unwind.
    pub fn run(&self, op: &Op) {
        self.operations.set(self.operations.get() + 1);
        self.note(|| format!("{}", Plainly(op)));
        match op {
            Op::Spawn(spawn) => self.spawn(spawn),
            Op::Move { id, handle, executor } => self.move_into_a_task(*id, *handle, *executor),
            Op::Direct {
                id,
                tracker,
                line,
                future,
            } => self.spawn_directly(*id, *tracker, *line, future),
            Op::Step { task, waker } => self.step(*task, *waker),
            Op::StepAll { executor, waker } => {
                let tasks: Vec<Id> = self.executors[*executor].tasks.borrow().keys().copied().collect();
                for task in tasks {
                    self.step(task, *waker);
                }
            }
            Op::Poll { handle, waker } => {
                let current = self.current.replace(*waker);
                let mut cx = Context::from_waker(&self.wakers[*waker]);
                if let Poll::Ready(caught) = self.poll_handle(*handle, false, &mut cx) {
                    caught.forget();
                }
                self.current.set(current);
            }
            Op::Drop { handle } => self.drop_handle(*handle, false),
            Op::Detach { handle } => self.let_go(*handle, false, Held::detach),
            // Nobody can tell it from `mem::forget` until the end of the program.
            Op::Leak { handle } => {
                if let Some(slot) = self.handles.borrow_mut().get_mut(handle) {
                    slot.owned = true;
                }
            }
            Op::Hook { handle, hook } => self.set_hook(*handle, hook),
            Op::Fallible { handle } => self.convert(*handle, Held::fallible),
            Op::Share { handle } => self.share(*handle),
            Op::CloneShared { id, handle } => self.clone_shared(*id, *handle),
            Op::RunCleanup { handle } => self.convert(*handle, Held::run),
            Op::Disarm { handle } => self.disarm(*handle),
            Op::Open { future } => self.open(*future),
            Op::Wake { future, twice } => self.wake(*future, *twice),
            Op::ShutDown { executor } => self.shut_down(*executor),
            Op::Reopen { executor } => self.executors[*executor].closed.set(false),
            Op::ArmExecutor { executor, behave } => self.executors[*executor].behave.set(*behave),
            Op::ArmWaker { waker, event, react } => {
                self.armed.borrow_mut()[*waker][*event as usize] = react.clone();
            }
            Op::Wait { id, tracker } => {
                self.model.borrow_mut().wait_for_zero(*id, *tracker, None);
                let wait = self.trackers().wait(*tracker);
                self.waits.borrow_mut().insert(*id, AnyWait::Wait(wait));
            }
            Op::Drain { id, tracker, deadline } => {
                self.script_of(deadline, None);
                self.model.borrow_mut().wait_for_zero(*id, *tracker, Some(deadline.id));
                let drain = self.trackers().drain(*tracker, Unit::new(self, deadline.id));
                self.waits.borrow_mut().insert(*id, AnyWait::Drain(Box::pin(drain)));
            }
            Op::PollWait { id, waker } => self.poll_wait(*id, *waker),
            Op::DropWait { id } => self.drop_wait(*id),
            Op::Gone { id, work } => {
                let Some(caller) = self.caller(*work) else { return };
                self.model.borrow_mut().wait_for_gone(*id, *work, None, None);
                self.windows
                    .borrow_mut()
                    .insert(*id, (AnyWindow::Gone(caller.gone()), false));
            }
            Op::Window { work, window } => {
                if let Some(caller) = self.caller(*work) {
                    self.open_window(*work, window, &caller, false);
                }
            }
            Op::PollWindow { id, waker } => {
                let current = self.current.replace(*waker);
                let mut cx = Context::from_waker(&self.wakers[*waker]);
                if let Poll::Ready(caught) = self.poll_window(*id, false, &mut cx) {
                    caught.forget();
                }
                self.current.set(current);
            }
            Op::DropWindow { id } => self.drop_window(*id, false),
            Op::DropCaller { work } => {
                let caller = self.callers.borrow_mut().remove(work);
                drop(caller);
            }
        }
    }

    fn caller(&self, work: Id) -> Option<Caller> {
        self.callers.borrow().get(&work).cloned()
    }

    /// How a drop of ours, that the crate will do, reacts.
    pub fn when_dropped(&self, kind: Kind, id: Id, react: &React) {
        if !matches!(react, React::Nothing) {
            self.reacts.borrow_mut().insert((kind, id), react.clone());
        }
    }

    pub fn script_of(&self, spec: &FutureSpec, window: Option<Id>) {
        self.when_dropped(Kind::Future, spec.id, &spec.drop);
        self.when_dropped(Kind::Output, spec.id, &spec.output_drop);
        let script = Script {
            pends: spec.pends,
            open: false,
            polled: false,
            window,
            kept: None,
            spec: spec.clone(),
        };
        self.scripts.borrow_mut().insert(spec.id, script);
    }

    // Shielding.

    fn spawn(&self, spec: &Spawn) {
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
    fn shield(&self, spec: &Spawn) -> Box<dyn Held> {
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
    fn shield_on<S: futures_shield::Spawn + Send + 'static>(&self, spec: &Spawn, spawner: S) -> Box<dyn Held> {
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
    fn shield_on_local<S: SpawnLocal + 'static>(&self, spec: &Spawn, spawner: S) -> Box<dyn Held> {
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
    fn with<L>(&self, spec: &Spawn) -> impl FnOnce(Caller) -> Scripted<L> + use<L> {
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
    fn cleaning(&self, spec: &Spawn) -> impl FnOnce(Token) -> Scripted<()> + Send + use<> {
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

    fn move_into_a_task(&self, id: Id, handle: Id, executor: usize) {
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

    fn spawn_directly(&self, id: Id, tracker: usize, line: u8, future: &FutureSpec) {
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
    fn direct(&self, id: Id, tracker: usize, future: Id, how: Directly) {
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

    fn step(&self, task: Id, waker: usize) {
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

    fn open(&self, future: Id) {
        let kept = match self.scripts.borrow_mut().get_mut(&future) {
            Some(script) => {
                script.open = true;
                script.kept.take()
            }
            None => None,
        };
        self.wake_ours(kept, false);
    }

    fn wake(&self, future: Id, twice: bool) {
        let kept = self
            .scripts
            .borrow_mut()
            .get_mut(&future)
            .and_then(|script| script.kept.take());
        self.wake_ours(kept, twice);
    }

    fn wake_ours(&self, kept: Option<Waker>, twice: bool) {
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

    // Handles.

    /// Takes a handle, to do something with it: meanwhile it is out of everybody's reach.
    fn take(&self, id: Id, owner: bool) -> Option<Slot> {
        let mut handles = self.handles.borrow_mut();
        if handles.get(&id)?.owned != owner {
            return None;
        }
        handles.remove(&id)
    }

    fn put_back(&self, id: Id, slot: Slot) {
        self.handles.borrow_mut().insert(id, slot);
    }

    /// Polls a handle. A panic that it delivers, or lets pass, is returned. A handle that is not
    /// there is ready.
    pub fn poll_handle(&self, id: Id, owner: bool, cx: &mut Context<'_>) -> Poll<Caught> {
        let ready = Poll::Ready(Caught(Ok(())));
        let Some(mut slot) = self.take(id, owner) else {
            return ready;
        };
        if slot.held.is_terminated() != Some(false) {
            self.put_back(id, slot);
            return ready;
        }
        if self.model.borrow().depth > 0 {
            cover("handle polled inside foreign code");
        }
        self.model.borrow_mut().begin_poll(id, self.current.get());
        let polled = catch_unwind(AssertUnwindSafe(|| slot.held.poll(cx)));
        let result = match polled {
            Ok(Poll::Pending) => {
                self.model.borrow_mut().poll_pending(id);
                Poll::Pending
            }
            Ok(Poll::Ready(outcome)) => {
                self.compare(self.model.borrow().work(id), &outcome);
                let work = self.model.borrow().work(id);
                let expected = self
                    .model
                    .borrow()
                    .works
                    .get(&work)
                    .and_then(|work| work.outcome.clone());
                let delivered = match &outcome {
                    Ok(output) => Some(Outcome::Value(self.model.borrow().original(output.id))),
                    Err(_) => expected,
                };
                if let Some(delivered) = delivered {
                    self.model.borrow_mut().delivered(id, &delivered);
                }
                self.put_back(id, slot);
                self.drop_outcome(id, outcome);
                return ready;
            }
            Err(thrown) => {
                let passing = number(&thrown).is_some_and(|id| self.model.borrow_mut().passing.remove(&id));
                let outcome = match number(&thrown) {
                    Some(id) => Outcome::Panic(id),
                    None => self.text_of(id, &thrown),
                };
                let mut model = self.model.borrow_mut();
                if passing {
                    model.poll_passed(id);
                } else {
                    model.delivered(id, &outcome);
                }
                Poll::Ready(Caught(Err(thrown)))
            }
        };
        self.put_back(id, slot);
        result
    }

    /// A panic of the crate's own: work that was cancelled.
    fn text_of(&self, id: Id, thrown: &Thrown) -> Outcome {
        let text = thrown
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| thrown.downcast_ref::<&str>().copied())
            .unwrap_or_default();
        let model = self.model.borrow();
        let expected = model.works.get(&model.work(id)).and_then(|work| work.outcome.clone());
        match expected {
            // Waiters of a shared shield get the text of the error.
            Some(panic @ Outcome::Panic(_)) if model.sharers.contains_key(&id) && text.contains("panicked") => panic,
            Some(cancelled @ Outcome::Cancelled { .. }) if text.contains("cancelled") => cancelled,
            _ => Outcome::Text,
        }
    }

    /// What was delivered is ours, and so is the panic of its drop.
    fn drop_outcome(&self, id: Id, outcome: Result<Token, Failure>) {
        match outcome {
            Ok(output) => drop_calmly(output),
            Err(Failure::Own(error)) if error.is_panic() => {
                let payload = error.into_panic();
                let expected = self.model.borrow().works.get(&id).and_then(|work| work.outcome.clone());
                let delivered = number(&payload).map_or(Outcome::Text, Outcome::Panic);
                if expected.is_some_and(|expected| expected != delivered) {
                    self.fail(format!("{id} delivered {delivered:?}"));
                }
                discard(payload);
            }
            Err(error) => drop_calmly(error),
        }
    }

    pub fn drop_handle(&self, id: Id, owner: bool) {
        self.let_go(id, owner, drop);
    }

    fn let_go(&self, id: Id, owner: bool, how: fn(Box<dyn Held>)) {
        let Some(Slot { held, .. }) = self.take(id, owner) else {
            return;
        };
        if self.model.borrow().depth > 0 {
            cover("handle dropped inside foreign code");
        }
        self.model.borrow_mut().leaving(id);
        self.spawning.borrow_mut().push(id);
        let dropped = self.caught(|| how(held));
        self.spawning.borrow_mut().pop();
        if let Err(thrown) = dropped {
            self.fail(format!("the drop of {id} panicked"));
            discard(thrown);
        }
    }

    fn set_hook(&self, id: Id, spec: &HookSpec) {
        let Some(Slot { held, owned }) = self.take(id, false) else {
            return;
        };
        if held.location().is_none() || self.model.borrow().sharers.contains_key(&id) {
            // A cleanup that runs, or a shared shield, takes no hook.
            self.put_back(id, Slot { held, owned });
            return;
        }
        self.when_dropped(Kind::Hook, spec.id, &spec.drop);
        self.when_dropped(Kind::Closure, spec.id, &spec.run);
        let hook = Hook {
            token: Token::new(self, Kind::Hook, spec.id),
        };
        if let Some(work) = self.model.borrow_mut().works.get_mut(&id) {
            if !work.terminated {
                work.hook = Some(spec.id);
            }
        }
        match catch_unwind(AssertUnwindSafe(|| held.hook(hook))) {
            Ok(held) => self.put_back(id, Slot { held, owned }),
            Err(thrown) => {
                self.fail(format!("giving {id} a hook panicked"));
                discard(thrown);
            }
        }
    }

    fn convert(&self, id: Id, into: fn(Box<dyn Held>) -> Box<dyn Held>) {
        let Some(Slot { held, owned }) = self.take(id, false) else {
            return;
        };
        match catch_unwind(AssertUnwindSafe(|| into(held))) {
            Ok(held) => self.put_back(id, Slot { held, owned }),
            Err(thrown) => {
                self.fail(format!("converting {id} panicked"));
                discard(thrown);
            }
        }
    }

    fn share(&self, id: Id) {
        let eager = self
            .model
            .borrow()
            .works
            .get(&id)
            .is_some_and(|work| !work.mode.is_inline());
        let shared = self.model.borrow().sharers.contains_key(&id);
        let running = |slot: &Slot| slot.held.is_terminated() == Some(false) && !slot.owned;
        if eager && !shared && self.handles.borrow().get(&id).is_some_and(running) {
            self.model.borrow_mut().share(id, id);
            self.convert(id, Held::share);
        }
    }

    fn clone_shared(&self, id: Id, handle: Id) {
        let Some(slot) = self.take(handle, false) else { return };
        let work = self.model.borrow().work(handle);
        if let Some(held) = slot.held.another() {
            self.model.borrow_mut().share(id, work);
            self.put_back(id, Slot { held, owned: false });
        }
        self.put_back(handle, slot);
    }

    fn disarm(&self, id: Id) {
        let Some(Slot { held, owned }) = self.take(id, false) else {
            return;
        };
        if held.is_terminated().is_some() {
            self.put_back(id, Slot { held, owned });
            return;
        }
        if let Some(work) = self.model.borrow_mut().works.get_mut(&id) {
            work.fate = Some(Fate::NeverRan);
            work.present = false;
            work.stage = Stage::Ended;
            work.terminated = true;
        }
        match catch_unwind(AssertUnwindSafe(|| held.disarm())) {
            Ok(Ok(value)) => drop_calmly(value),
            Ok(Err(held)) => self.put_back(id, Slot { held, owned }),
            Err(thrown) => {
                self.fail(format!("disarming {id} panicked"));
                discard(thrown);
            }
        }
    }

    // Waiting for a tracker.

    fn poll_wait(&self, id: Id, waker: usize) {
        if self.model.borrow().waits.get(&id).is_none_or(|wait| wait.ended) {
            return;
        }
        let Some(mut wait) = self.waits.borrow_mut().remove(&id) else {
            return;
        };
        let current = self.current.replace(waker);
        self.model.borrow_mut().begin_wait(id, waker);
        let mut cx = Context::from_waker(&self.wakers[waker]);
        let polled = catch_unwind(AssertUnwindSafe(|| match &mut wait {
            AnyWait::Wait(wait) => Pin::new(wait).poll(&mut cx).map(Ok),
            AnyWait::Drain(drain) => drain.as_mut().poll(&mut cx),
        }));
        self.current.set(current);
        match polled {
            Ok(polled) => {
                let result = match polled {
                    Poll::Pending => None,
                    Poll::Ready(result) => Some(result.map_err(|unfinished| api::lines(&unfinished))),
                };
                self.model.borrow_mut().end_wait(id, result);
                self.waits.borrow_mut().insert(id, wait);
            }
            Err(thrown) => {
                let passing = number(&thrown).is_some_and(|id| self.model.borrow_mut().passing.remove(&id));
                self.model.borrow_mut().wait_passed(id);
                discard(thrown);
                if passing {
                    self.waits.borrow_mut().insert(id, wait);
                } else {
                    // The deadline panicked: it is not polled again.
                    drop_calmly(wait);
                    self.model.borrow_mut().wait_dropped(id);
                }
            }
        }
    }

    pub fn drop_wait(&self, id: Id) {
        let wait = self.waits.borrow_mut().remove(&id);
        if let Some(wait) = wait {
            drop_calmly(wait);
            self.model.borrow_mut().wait_dropped(id);
        }
    }

    // Waiting for a caller to be gone.

    fn open_window(&self, work: Id, spec: &WindowSpec, caller: &Caller, owned: bool) {
        self.script_of(&spec.future, None);
        let future = Scripted::<()>::new(self, spec.future.id);
        let clock = spec.clock.as_ref().map(|clock| clock.future.id);
        self.model
            .borrow_mut()
            .wait_for_gone(spec.id, work, Some(spec.future.id), clock);
        let window = match &spec.clock {
            None => AnyWindow::Until(Box::pin(caller.run_until_gone(future))),
            Some(clock) => {
                let (id, clock) = (spec.id, clock.clone());
                self.when_dropped(Kind::Clock, id, &clock.make_drop);
                let token = Token::new(self, Kind::Clock, id);
                let make: MakeClock = Box::new(move || {
                    let world = world().expect("it is called in a program");
                    world.model.borrow_mut().clock_made(id);
                    let call = world.call(|| format!("the maker of the clock of {id}"));
                    let reacted = world.caught(|| world.react(&clock.make, false));
                    world.in_turn(reacted, [Box::new(|| drop(token))]);
                    drop(call);
                    world.script_of(&clock.future, None);
                    Unit::new(&world, clock.future.id)
                });
                AnyWindow::Grace(Box::pin(caller.run_with_grace(future, make)))
            }
        };
        self.windows.borrow_mut().insert(spec.id, (window, owned));
    }

    /// Polls a window. A panic of what is inside is returned, and the window is dropped then.
    pub fn poll_window(&self, id: Id, owner: bool, cx: &mut Context<'_>) -> Poll<Caught> {
        let ready = Poll::Ready(Caught(Ok(())));
        if self.model.borrow().waiters.get(&id).is_none_or(|waiter| waiter.ended) {
            return ready;
        }
        let mut windows = self.windows.borrow_mut();
        if windows.get(&id).is_none_or(|(_, owned)| *owned != owner) {
            return ready;
        }
        let Some((mut window, owned)) = windows.remove(&id) else {
            return ready;
        };
        drop(windows);
        self.model.borrow_mut().begin_waiter(id, self.current.get());
        let polled = catch_unwind(AssertUnwindSafe(|| match &mut window {
            AnyWindow::Gone(gone) => Pin::new(gone).poll(cx).map(|()| None),
            AnyWindow::Until(window) => window.as_mut().poll(cx),
            AnyWindow::Grace(window) => window.as_mut().poll(cx),
        }));
        match polled {
            Ok(Poll::Pending) => {
                self.model.borrow_mut().end_waiter(id, None);
                self.windows.borrow_mut().insert(id, (window, owned));
                Poll::Pending
            }
            Ok(Poll::Ready(output)) => {
                self.model.borrow_mut().end_waiter(id, Some(output.is_some()));
                self.windows.borrow_mut().insert(id, (window, owned));
                drop_calmly::<Option<Out<()>>>(output);
                ready
            }
            Err(thrown) => {
                let passing = number(&thrown).is_some_and(|id| self.model.borrow_mut().passing.remove(&id));
                self.model.borrow_mut().waiter_passed(id);
                if passing {
                    self.windows.borrow_mut().insert(id, (window, owned));
                } else {
                    drop_calmly(window);
                    self.model.borrow_mut().waiter_dropped(id);
                }
                Poll::Ready(Caught(Err(thrown)))
            }
        }
    }

    pub fn drop_window(&self, id: Id, owner: bool) {
        let mut windows = self.windows.borrow_mut();
        if windows.get(&id).is_none_or(|(_, owned)| *owned != owner) {
            return;
        }
        let window = windows.remove(&id);
        drop(windows);
        drop_calmly(window);
        self.model.borrow_mut().waiter_dropped(id);
    }

    // The end.

    /// Ends the program: everybody leaves, the executors shut down, and nothing may be left.
    pub fn finish(&self) {
        self.note(|| "the end".to_owned());
        for waiting in self.ids(|world| world.waits.borrow().keys().copied().collect()) {
            self.drop_wait(waiting);
        }
        for window in self.ids(|world| world.windows.borrow().keys().copied().collect()) {
            self.drop_window(window, false);
        }
        self.quiesce();
        for _ in 0..8 {
            for handle in self.ids(|world| world.handles.borrow().keys().copied().collect()) {
                // Those that are owned by a future go with it; those that leaked, below.
                self.drop_handle(handle, false);
            }
            for executor in 0..self.executors.len() {
                self.shut_down(executor);
            }
            self.quiesce();
        }
        // What was leaked on purpose.
        for handle in self.ids(|world| world.handles.borrow().keys().copied().collect()) {
            self.drop_handle(handle, true);
        }
        self.calm.set(true);
        for handle in self.ids(|world| world.handles.borrow().keys().copied().collect()) {
            self.drop_handle(handle, false);
        }
        for waiting in self.ids(|world| world.waits.borrow().keys().copied().collect()) {
            self.drop_wait(waiting);
        }
        for window in self.ids(|world| world.windows.borrow().keys().copied().collect()) {
            self.drop_window(window, false);
        }
        for executor in 0..self.executors.len() {
            self.shut_down(executor);
        }
        for handle in self.ids(|world| world.handles.borrow().keys().copied().collect()) {
            self.drop_handle(handle, true);
        }
        for executor in 0..self.executors.len() {
            self.shut_down(executor);
        }
        let kept: Vec<_> = self
            .scripts
            .borrow_mut()
            .values_mut()
            .filter_map(|script| script.kept.take())
            .collect();
        drop_calmly(kept);
        self.quiesce();
        self.forget_the_ended();
        let trackers = self.trackers.borrow_mut().take();
        drop(trackers);
        self.callers.borrow_mut().clear();
        let mut model = self.model.borrow_mut();
        if let Some((kind, id)) = model.alive.first() {
            let text = format!("{kind:?} {id} never ended");
            model.fail(text);
        }
        if let Some((id, work)) = model.works.first_key_value() {
            let text = format!("{id} never ended: {work:?}");
            model.fail(text);
        }
    }

    fn ids(&self, list: impl FnOnce(&Self) -> Vec<Id>) -> Vec<Id> {
        list(self)
    }
}
