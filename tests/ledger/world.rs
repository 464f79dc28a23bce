//! The real things of one program beside the model of them, and what happens when foreign code is
//! called.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use futures_shield::future::{Drain, Gone, RunUntilGone, RunWithGrace, Wait};
use futures_shield::{Caller, Tracker, TrackerMetrics, Unfinished};

use super::api;
use super::cover::cover;
use super::foreign::{self, Payload, Scripted, Second, Spawner, Token, Unit, alive, panic_with};
use super::held::{Failure, Held};
use super::model::{Kind, Model, Outcome, Tri};
use super::program::{Behave, EXECUTORS, FutureSpec, Id, Op, React, TRACKERS, WAKERS, WakerEvent};

/// A panic that was caught.
pub type Thrown = Box<dyn Any + Send>;

/// What a poll ended with: nothing, or a panic.
pub struct Caught(pub Result<(), Thrown>);

impl Caught {
    /// Drops the panic.
    pub fn forget(self) {
        if let Err(thrown) = self.0 {
            discard(thrown);
        }
    }
}

/// Drops a payload, whose drop may panic.
pub fn discard(thrown: Thrown) {
    let _: Result<(), Thrown> = catch_unwind(AssertUnwindSafe(|| drop(thrown)));
}

/// Drops what is ours to drop, and the payload if that panics.
pub fn drop_calmly<T>(value: T) {
    if let Err(thrown) = catch_unwind(AssertUnwindSafe(|| drop(value))) {
        discard(thrown);
    }
}

/// A handle, and whether a task or a future owns it.
pub struct Slot {
    pub held: Box<dyn Held>,
    pub owned: bool,
}

pub struct Script {
    pub spec: FutureSpec,
    pub pends: u8,
    pub open: bool,
    pub polled: bool,
    /// The window that it opens first.
    pub window: Option<Id>,
    pub kept: Option<Waker>,
}

pub enum AnyWait {
    Wait(Wait),
    Drain(Pin<Box<Drain<Unit>>>),
}

pub type MakeClock = Box<dyn FnOnce() -> Unit + Send>;

pub enum AnyWindow {
    Gone(Gone),
    Until(Pin<Box<RunUntilGone<Scripted<()>>>>),
    Grace(Pin<Box<RunWithGrace<Scripted<()>, MakeClock, Unit>>>),
}

pub type Task = Pin<Box<dyn Future<Output = ()>>>;

#[derive(Default)]
pub struct Executor {
    pub tasks: RefCell<BTreeMap<Id, Task>>,
    pub closed: Cell<bool>,
    pub generation: Cell<u32>,
    pub behave: Cell<Behave>,
}

pub struct Trackers {
    pub plain: [Arc<Tracker<Spawner>>; 2],
    pub nested: Arc<Tracker<Tracker<Spawner>>>,
}

impl Trackers {
    pub fn len(&self, tracker: usize) -> usize {
        self.plain
            .get(tracker)
            .map_or_else(|| self.nested.len(), |tracker| tracker.len())
    }

    pub fn is_empty(&self, tracker: usize) -> bool {
        self.plain
            .get(tracker)
            .map_or_else(|| self.nested.is_empty(), |tracker| tracker.is_empty())
    }

    pub fn orphans(&self, tracker: usize) -> usize {
        self.plain
            .get(tracker)
            .map_or_else(|| self.nested.orphans(), |tracker| tracker.orphans())
    }

    pub fn metrics(&self, tracker: usize) -> TrackerMetrics {
        self.plain
            .get(tracker)
            .map_or_else(|| self.nested.metrics(), |tracker| tracker.metrics())
    }

    pub fn unfinished(&self, tracker: usize) -> Unfinished {
        self.plain
            .get(tracker)
            .map_or_else(|| self.nested.unfinished(), |tracker| tracker.unfinished())
    }

    pub fn wait(&self, tracker: usize) -> Wait {
        self.plain
            .get(tracker)
            .map_or_else(|| self.nested.wait(), |tracker| tracker.wait())
    }

    pub fn drain(&self, tracker: usize, deadline: Unit) -> Drain<Unit> {
        match self.plain.get(tracker) {
            Some(tracker) => tracker.drain(deadline),
            None => self.nested.drain(deadline),
        }
    }
}

pub struct World {
    pub model: RefCell<Model>,
    pub handles: RefCell<BTreeMap<Id, Slot>>,
    pub callers: RefCell<BTreeMap<Id, Caller>>,
    pub waits: RefCell<BTreeMap<Id, AnyWait>>,
    pub windows: RefCell<BTreeMap<Id, (AnyWindow, bool)>>,
    pub scripts: RefCell<BTreeMap<Id, Script>>,
    pub reacts: RefCell<BTreeMap<(Kind, Id), React>>,
    pub armed: RefCell<[[React; 3]; WAKERS]>,
    pub executors: [Executor; EXECUTORS],
    pub trackers: RefCell<Option<Rc<Trackers>>>,
    pub wakers: [Waker; WAKERS],
    /// The waker of the poll that is under way.
    pub current: Cell<usize>,
    /// The works whose spawner may be called, the innermost last.
    pub spawning: RefCell<Vec<Id>>,
    /// Reactions are over: the program has ended.
    pub calm: Cell<bool>,
    /// The wake that is under way is our own.
    pub ours: Cell<bool>,
    pub nested: Cell<u32>,
    pub next: Cell<Id>,
    pub operations: Cell<u64>,
    /// What `spawn_location` must return now.
    pub published: Cell<Option<api::Line>>,
    /// How the spawner of the inline work that is being made reacts when it is asked to count it.
    pub tracking: RefCell<Option<React>>,
    /// The next call to foreign code is made by a spawner itself, and sees what that sees.
    pub by_the_spawner: Cell<bool>,
    pub trace: bool,
}

thread_local! {
    static WORLD: RefCell<Option<Rc<World>>> = const { RefCell::new(None) };
}

/// The program that runs on this thread.
pub fn world() -> Option<Rc<World>> {
    WORLD.with(|world| world.borrow().clone())
}

pub fn set_world(world: Option<Rc<World>>) {
    let before = WORLD.with(|current| current.replace(world));
    drop(before);
}

/// A call to foreign code.
pub struct Call<'a> {
    world: &'a World,
    published: Option<api::Line>,
}

impl Drop for Call<'_> {
    fn drop(&mut self) {
        self.world.model.borrow_mut().depth -= 1;
        self.world.published.set(self.published);
    }
}

impl World {
    pub fn new(wakers: [Waker; WAKERS], trace: bool) -> Self {
        Self {
            model: RefCell::default(),
            handles: RefCell::default(),
            callers: RefCell::default(),
            waits: RefCell::default(),
            windows: RefCell::default(),
            scripts: RefCell::default(),
            reacts: RefCell::default(),
            armed: RefCell::default(),
            executors: Default::default(),
            trackers: RefCell::default(),
            wakers,
            current: Cell::new(0),
            spawning: RefCell::default(),
            calm: Cell::new(false),
            ours: Cell::new(false),
            nested: Cell::new(0),
            next: Cell::new(1 << 24),
            operations: Cell::new(0),
            published: Cell::new(None),
            tracking: RefCell::default(),
            by_the_spawner: Cell::new(false),
            trace,
        }
    }

    /// An id that no program has.
    pub fn fresh(&self) -> Id {
        self.next.replace(self.next.get() + 1)
    }

    #[expect(clippy::print_stderr, reason = "a trace is asked for")]
    pub fn note(&self, text: impl FnOnce() -> String) {
        if self.trace {
            let depth = self.model.borrow().depth as usize;
            eprintln!("{:indent$}{}", "", text(), indent = 4 + 2 * depth);
        }
    }

    pub fn fail(&self, failure: impl Into<String>) {
        let failure = failure.into();
        self.note(|| format!("FAILED: {failure}"));
        self.model.borrow_mut().fail(failure);
    }

    pub fn trackers(&self) -> Rc<Trackers> {
        self.trackers
            .borrow()
            .clone()
            .expect("they are there while the program runs")
    }

    // Calls to foreign code.

    /// Foreign code is called: every query must return what the model says now.
    pub fn call(&self, what: impl FnOnce() -> String) -> Call<'_> {
        let place = if self.by_the_spawner.take() {
            self.published.get()
        } else {
            None
        };
        self.call_at(place, what)
    }

    /// The same, where `spawn_location` must return `place`.
    fn call_at(&self, place: Option<api::Line>, what: impl FnOnce() -> String) -> Call<'_> {
        let call = Call {
            world: self,
            published: self.published.replace(place),
        };
        {
            let mut model = self.model.borrow_mut();
            model.events += 1;
            model.depth += 1;
        }
        let mut text = None;
        if self.trace {
            text = Some(what());
            self.note(|| text.clone().unwrap_or_default());
        }
        let had_failed = self.model.borrow().failure.is_some();
        self.check();
        let mut model = self.model.borrow_mut();
        if !had_failed {
            if let Some(failure) = model.failure.take() {
                model.failure = Some(match text {
                    Some(text) => format!("in {text}: {failure}"),
                    None => failure,
                });
            }
        }
        drop(model);
        call
    }

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

    fn operate(&self, react: &React) {
        if let Some(op) = react.op() {
            if self.nested.get() < 4 {
                cover("operation inside foreign code");
                self.nested.set(self.nested.get() + 1);
                self.run(op);
                self.nested.set(self.nested.get() - 1);
            }
        }
    }

    /// Reacts, and panics if that is part of it.
    pub fn react(&self, react: &React, payload_panics: bool) {
        if self.calm.get() {
            return;
        }
        self.operate(react);
        if react.panics() {
            panic_with(self.payload(payload_panics));
        }
    }

    /// A new payload.
    pub fn payload(&self, panics: bool) -> Payload {
        let id = self.fresh();
        if panics {
            self.reacts.borrow_mut().insert((Kind::Payload, id), React::Panic);
        }
        self.note(|| format!("panics with {id}"));
        Payload {
            token: Token::new(self, Kind::Payload, id),
        }
    }

    /// Ends a call of several parts: each runs, the first panic goes on, and the others are
    /// dropped.
    pub fn in_turn<const N: usize>(&self, first: Result<(), Thrown>, rest: [Box<dyn FnOnce() + '_>; N]) {
        let mut panic = first.err();
        for part in rest {
            if let Err(thrown) = catch_unwind(AssertUnwindSafe(part)) {
                match panic {
                    None => panic = Some(thrown),
                    Some(_) => discard(thrown),
                }
            }
        }
        if let Some(thrown) = panic {
            resume_unwind(thrown);
        }
    }

    pub fn caught(&self, f: impl FnOnce()) -> Result<(), Thrown> {
        catch_unwind(AssertUnwindSafe(f))
    }

    /// Something of ours is dropped.
    pub fn token_dropped(&self, kind: Kind, id: Id) {
        {
            let mut model = self.model.borrow_mut();
            if !model.alive.remove(&(kind, id)) {
                model.fail(format!("{kind:?} {id} was dropped twice"));
            }
            match kind {
                Kind::Future => model.future_dropping(id),
                Kind::Output => model.output_dropping(id),
                Kind::Payload => model.payload_dropping(id),
                Kind::Hook => model.hook_dropping(id),
                Kind::Closure | Kind::Value => model.cleanup_cancelled(id),
                Kind::Clock | Kind::Spawner | Kind::Driver => {}
            }
        }
        let call = self.call(|| format!("the drop of {kind:?} {id}"));
        let react = self.reacts.borrow_mut().remove(&(kind, id)).unwrap_or_default();
        let script = match kind {
            Kind::Future => self.scripts.borrow_mut().remove(&id),
            _ => None,
        };
        let mut payload_panics = false;
        if let Some(script) = script {
            payload_panics = script.spec.payload_panics;
            if let Some(handle) = script.spec.awaits {
                self.drop_handle(handle, true);
            }
            if let Some(window) = script.window {
                self.drop_window(window, true);
            }
            drop_calmly(script.kept);
        }
        let calm = self.calm.get();
        if !calm {
            self.operate(&react);
        }
        let panics = !calm && react.panics();
        if panics {
            cover(match kind {
                Kind::Future => "panic in the drop of a future",
                Kind::Output => "panic in the drop of an output",
                Kind::Payload => "panic in the drop of a payload",
                Kind::Hook => "panic in the drop of a hook",
                Kind::Closure => "panic in the drop of a closure",
                Kind::Value => "panic in the drop of a value",
                Kind::Clock => "panic in the drop of a clock's maker",
                Kind::Spawner => "panic in the drop of a spawner",
                Kind::Driver => "panic in the drop of a task",
            });
            if std::thread::panicking() {
                cover("panic while unwinding");
            }
        }
        if kind == Kind::Payload && panics {
            let outcome = Outcome::Panic(id);
            self.model.borrow_mut().outcome_dropped(outcome);
            drop(call);
            resume_unwind(Box::new(Second));
        }
        let payload = panics.then(|| self.payload(payload_panics));
        {
            let thrown = payload.as_ref().map(|payload| payload.token.id);
            let mut model = self.model.borrow_mut();
            match kind {
                Kind::Future => model.future_dropped(id, thrown),
                Kind::Output => model.outcome_dropped(Outcome::Value(id)),
                Kind::Payload => model.outcome_dropped(Outcome::Panic(id)),
                Kind::Hook => model.hook_dropped(id),
                Kind::Spawner if thrown.is_some() => {
                    let making = self.spawning.borrow().last().copied();
                    if let Some(work) = making.and_then(|id| model.works.get_mut(&id)) {
                        if !work.mode.is_inline() && work.gone == Tri::No {
                            work.gone = Tri::Either;
                        }
                    }
                }
                _ => {}
            }
        }
        drop(call);
        if let Some(payload) = payload {
            panic_with(payload);
        }
    }

    /// A future of ours is polled.
    pub fn poll_future(&self, id: Id, cx: &mut Context<'_>) -> Poll<()> {
        self.model.borrow_mut().future_polled(id);
        let call = self.call(|| format!("the poll of future {id}"));
        let polled = catch_unwind(AssertUnwindSafe(|| self.script(id, cx)));
        let mut model = self.model.borrow_mut();
        let polled = match polled {
            Ok(Poll::Pending) => {
                model.future_pending(id);
                Poll::Pending
            }
            Ok(Poll::Ready(())) => {
                model.future_ended(id, Outcome::Value(id));
                Poll::Ready(())
            }
            Err(thrown) => {
                let outcome = thrown
                    .downcast_ref::<Payload>()
                    .map_or(Outcome::Text, |payload| Outcome::Panic(payload.token.id));
                model.passing.remove(&match outcome {
                    Outcome::Panic(payload) => payload,
                    _ => 0,
                });
                model.future_ended(id, outcome);
                drop(model);
                drop(call);
                resume_unwind(thrown);
            }
        };
        drop(model);
        self.note(|| format!("{polled:?}"));
        polled
    }

    fn script(&self, id: Id, cx: &mut Context<'_>) -> Poll<()> {
        let (first, awaits, window, payload_panics) = {
            let mut scripts = self.scripts.borrow_mut();
            let Some(script) = scripts.get_mut(&id) else {
                return Poll::Ready(());
            };
            let first = !std::mem::replace(&mut script.polled, true);
            let first = if first {
                script.spec.first_poll.clone()
            } else {
                React::Nothing
            };
            (first, script.spec.awaits, script.window, script.spec.payload_panics)
        };
        self.react(&first, payload_panics);
        if let Some(handle) = awaits {
            match self.poll_handle(handle, true, cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Caught(result)) => {
                    if let Some(script) = self.scripts.borrow_mut().get_mut(&id) {
                        script.spec.awaits = None;
                    }
                    self.drop_handle(handle, true);
                    if let Err(thrown) = result {
                        resume_unwind(thrown);
                    }
                }
            }
        }
        if let Some(window) = window {
            match self.poll_window(window, true, cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Caught(result)) => {
                    if let Some(script) = self.scripts.borrow_mut().get_mut(&id) {
                        script.window = None;
                    }
                    self.drop_window(window, true);
                    if let Err(thrown) = result {
                        resume_unwind(thrown);
                    }
                }
            }
        }
        let (pending, keeps, panics) = {
            let mut scripts = self.scripts.borrow_mut();
            let Some(script) = scripts.get_mut(&id) else {
                return Poll::Ready(());
            };
            let pends = script.pends > 0;
            script.pends = script.pends.saturating_sub(1);
            let pending = pends || script.spec.gated && !script.open;
            (pending && !self.calm.get(), script.spec.keeps_waker, script.spec.panics)
        };
        if pending {
            if keeps {
                let waker = cx.waker().clone();
                let kept = match self.scripts.borrow_mut().get_mut(&id) {
                    Some(script) => script.kept.replace(waker),
                    None => Some(waker),
                };
                drop_calmly(kept);
            }
            return Poll::Pending;
        }
        if panics {
            panic_with(self.payload(payload_panics));
        }
        Poll::Ready(())
    }

    /// A hook runs.
    pub fn hook_ran(&self, id: Id, outcome: &Result<Token, Failure>) -> Result<(), Thrown> {
        let work = self.model.borrow_mut().hook_runs(id);
        let _call = self.call(|| format!("hook {id} with {outcome:?}"));
        if let Some(work) = work {
            self.compare(work, outcome);
        }
        let react = self
            .reacts
            .borrow()
            .get(&(Kind::Closure, id))
            .cloned()
            .unwrap_or_default();
        if react.panics() {
            cover("panic in a hook");
        }
        self.caught(|| self.react(&react, false))
    }

    /// Compares an outcome with the model's.
    pub fn compare(&self, id: Id, outcome: &Result<Token, Failure>) {
        let model = self.model.borrow();
        let Some(work) = model.works.get(&id) else { return };
        let outcome = match outcome {
            Ok(output) => Ok(model.original(output.id)),
            Err(failure) => Err(failure.error()),
        };
        let right = match (outcome, &work.outcome) {
            (Ok(output), Some(Outcome::Value(expected))) => output == *expected,
            (Err(error), Some(Outcome::Panic(_) | Outcome::Text)) => error.is_panic() && !error.is_cancelled(),
            (Err(error), Some(Outcome::Cancelled { started })) => {
                error.is_cancelled() && !error.is_panic() && error.was_started() == *started
            }
            _ => false,
        };
        let placed = outcome
            .err()
            .is_none_or(|error| work.place == Some(api::line(error.location())));
        if !right || !placed {
            let text = format!("the outcome of {id} is {outcome:?}: {work:?}");
            drop(model);
            self.fail(text);
        }
    }

    /// The output of shared work is cloned, for one of its waiters.
    pub fn output_cloned(&self, id: Id) -> Token {
        let clone = self.fresh();
        let _call = self.call(|| format!("the clone of output {id}"));
        let mut model = self.model.borrow_mut();
        let original = model.original(id);
        model.clones.insert(clone, original);
        drop(model);
        Token::new(self, Kind::Output, clone)
    }

    // Wakers.

    fn waker_event(&self, waker: usize, event: WakerEvent) {
        let react = std::mem::take(&mut self.armed.borrow_mut()[waker][event as usize]);
        if self.calm.get() {
            return;
        }
        self.operate(&react);
        if react.panics() {
            let payload = self.payload(false);
            cover(match event {
                WakerEvent::Clone => "panic in the clone of a waker",
                WakerEvent::Wake => "panic in the wake of a waker",
                WakerEvent::Drop => "panic in the drop of a waker",
            });
            match event {
                WakerEvent::Clone => {
                    self.model.borrow_mut().passing.insert(payload.token.id);
                }
                // Its drop follows in the unwinding, where a second panic would abort whatever
                // anybody does.
                WakerEvent::Wake => {
                    let drops = &mut self.armed.borrow_mut()[waker][WakerEvent::Drop as usize];
                    if drops.panics() {
                        *drops = React::Nothing;
                    }
                }
                WakerEvent::Drop => {}
            }
            panic_with(payload);
        }
    }

    pub fn waker_cloned(&self, waker: usize) {
        let _call = self.call(|| format!("the clone of waker {waker}"));
        self.waker_event(waker, WakerEvent::Clone);
        self.model.borrow_mut().cloned(waker);
    }

    pub fn waker_woken(&self, waker: usize) {
        let empty = [0, 1, 2].map(|tracker| self.trackers.borrow().as_ref().is_none_or(|all| all.is_empty(tracker)));
        let emptied = !self.ours.take() && self.model.borrow_mut().woken(waker, empty);
        let spawns = matches!(
            self.armed.borrow()[waker][WakerEvent::Wake as usize].op(),
            Some(Op::Spawn(_) | Op::Direct { .. })
        );
        if emptied && spawns {
            cover("spawned where a wait is woken");
        }
        let _call = self.call(|| format!("the wake of waker {waker}"));
        self.waker_event(waker, WakerEvent::Wake);
    }

    pub fn waker_dropped(&self, waker: usize) {
        self.model.borrow_mut().waker_dropped(waker);
        let _call = self.call(|| format!("the drop of waker {waker}"));
        self.waker_event(waker, WakerEvent::Drop);
    }

    // Spawners.

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

    fn spawner_panics(&self, id: Id) {
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

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Payload({})", self.token.id)
    }
}

pub use foreign::wakers;
