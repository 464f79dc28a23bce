//! The operations on threads, and the end of a program.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::future::Future;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use futures_shield::{Caller, DynSpawner, ShieldExt, Spawn, Tracker, cleanup, shield_with};

use super::DEADLINE;
use super::executors::Executors;
use super::foreign::{Gate, Hook, Out, Scripted, Signal, Token, Unit, calmly};
use super::handle::{Delivered, Handle};
use super::record::{Record, locked};
use crate::model::Kind;
use crate::program::{self, Behave, EXECUTORS, HookSpec, Id, Mode, Op, React, Route, WAKERS, WakerEvent, WindowSpec};

type Waiting = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Everything that the threads of one program share.
pub struct Crowd {
    pub record: Record,
    executors: Arc<Executors>,
    /// What each spawner does at its next call.
    moods: [Arc<AtomicU8>; EXECUTORS],
    trackers: [Tracker<DynSpawner>; 3],
    handles: Mutex<BTreeMap<Id, Handle>>,
    leaked: Mutex<Vec<Handle>>,
    callers: Mutex<BTreeMap<Id, Caller>>,
    /// Waits, drains, windows.
    waiting: Mutex<BTreeMap<Id, Waiting>>,
    gates: Mutex<BTreeMap<Id, Arc<Gate>>>,
    signals: [Arc<Signal>; WAKERS],
    calm: AtomicBool,
    next: AtomicU32,
    operations: AtomicU64,
}

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
}

/// A spawner that now and then panics.
struct Moody {
    spawner: DynSpawner,
    mood: Arc<AtomicU8>,
}

impl Spawn for Moody {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        let mood = self.mood.swap(0, Ordering::SeqCst);
        if mood == 1 {
            resume_unwind(Box::new("a spawner, before"));
        }
        self.spawner.spawn_detached(future);
        if mood == 2 {
            resume_unwind(Box::new("a spawner, after"));
        }
    }
}

/// The payload of a panic.
struct Payload {
    _token: Token,
}

/// The panic of a payload's drop. It has no size: nobody has to drop it.
struct Second;

impl Crowd {
    pub fn new(executors: Arc<Executors>) -> Self {
        let moods: [Arc<AtomicU8>; EXECUTORS] = Default::default();
        let moody = |executor: usize| {
            DynSpawner::new(Moody {
                spawner: executors.spawner(executor),
                mood: Arc::clone(&moods[executor]),
            })
        };
        let plain = [0, 1].map(|executor| Tracker::new(moody(executor)));
        let nested = Tracker::new(DynSpawner::new(plain[0].clone()));
        let [first, second] = plain;
        Self {
            record: Record::default(),
            trackers: [first, second, nested],
            executors,
            moods,
            handles: Mutex::default(),
            leaked: Mutex::default(),
            callers: Mutex::default(),
            waiting: Mutex::default(),
            gates: Mutex::default(),
            signals: Default::default(),
            calm: AtomicBool::new(false),
            next: AtomicU32::new(1 << 24),
            operations: AtomicU64::new(0),
        }
    }

    pub fn is_calm(&self) -> bool {
        self.calm.load(Ordering::SeqCst)
    }

    pub fn operations(&self) -> u64 {
        self.operations.load(Ordering::SeqCst)
    }

    pub fn gate(&self, future: Id) -> Arc<Gate> {
        Arc::clone(locked(&self.gates).entry(future).or_default())
    }

    fn waker(&self, waker: usize) -> Waker {
        Waker::from(Arc::clone(&self.signals[waker]))
    }

    /// Does what foreign code does, and panics if that is part of it.
    pub fn react(self: &Arc<Self>, react: &React, payload: bool) {
        if self.is_calm() {
            return;
        }
        if let Some(op) = react.op() {
            if DEPTH.get() < 3 {
                DEPTH.set(DEPTH.get() + 1);
                calmly(|| self.run(op));
                DEPTH.set(DEPTH.get() - 1);
            }
        }
        if react.panics() {
            if payload {
                resume_unwind(Box::new(Second));
            }
            self.panic(false);
        }
    }

    pub fn panic(self: &Arc<Self>, payload_panics: bool) -> ! {
        let id = self.next.fetch_add(1, Ordering::SeqCst);
        let react = if payload_panics { React::Panic } else { React::Nothing };
        resume_unwind(Box::new(Payload {
            _token: Token::new(self, Kind::Payload, id, &react),
        }))
    }

    /// An outcome has come to us.
    pub fn take(&self, work: Id, outcome: Delivered) {
        if let Ok(mut output) = outcome {
            output.settled = true;
            if output.work != work {
                self.record.fail(format!("{work} got the output of {}", output.work));
            }
        }
    }

    /// Polls a handle that nobody else has.
    pub fn poll(&self, id: Id, handle: &mut Handle, cx: &mut Context<'_>) -> Poll<thread::Result<()>> {
        if handle.is_terminated() || handle.is_guard() {
            return Poll::Ready(Ok(()));
        }
        let id = handle.shared_work().unwrap_or(id);
        match catch_unwind(AssertUnwindSafe(|| handle.poll(cx))) {
            Ok(Poll::Pending) => Poll::Pending,
            Ok(Poll::Ready(outcome)) => {
                self.record.fate(id, |fate| fate.delivered += 1);
                calmly(|| self.take(id, outcome));
                Poll::Ready(Ok(()))
            }
            Err(thrown) => {
                if handle.is_terminated() {
                    self.record.fate(id, |fate| fate.delivered += 1);
                } else {
                    self.record.fail(format!("the poll of {id} let a panic pass"));
                }
                Poll::Ready(Err(thrown))
            }
        }
    }

    fn handle(&self, id: Id) -> Option<Handle> {
        locked(&self.handles).remove(&id)
    }

    fn put_back(&self, id: Id, handle: Handle) {
        locked(&self.handles).insert(id, handle);
    }

    /// Runs one operation. Those that step an executor by hand are left out: it runs.
    pub fn run(self: &Arc<Self>, op: &Op) {
        if self.is_calm() {
            return;
        }
        self.operations.fetch_add(1, Ordering::Relaxed);
        match op {
            Op::Spawn(spec) => self.spawn(spec),
            Op::Move { id, handle, executor } => {
                if let Some(taken) = self.handle(*handle) {
                    let task = Task {
                        token: Token::new(self, Kind::Driver, *id, &React::Nothing),
                        id: *handle,
                        handle: Some(taken),
                    };
                    self.executors.spawner(*executor).spawn_detached(task);
                }
            }
            Op::Direct {
                id, tracker, future, ..
            } => {
                let future = Unit(Scripted::new(self, *id, future));
                calmly(|| self.trackers[*tracker].spawn_detached(future));
            }
            Op::Poll { handle, waker } => {
                if let Some(mut taken) = self.handle(*handle) {
                    let waker = self.waker(*waker);
                    let polled = self.poll(*handle, &mut taken, &mut Context::from_waker(&waker));
                    self.put_back(*handle, taken);
                    if let Poll::Ready(Err(thrown)) = polled {
                        calmly(|| drop(thrown));
                    }
                }
            }
            Op::Drop { handle } => {
                let taken = self.handle(*handle);
                self.let_go(*handle, || drop(taken));
            }
            Op::Detach { handle } => {
                if let Some(taken) = self.handle(*handle) {
                    self.let_go(*handle, || taken.detach());
                }
            }
            Op::Leak { handle } => {
                if let Some(taken) = self.handle(*handle) {
                    locked(&self.leaked).push(taken);
                }
            }
            Op::Hook { handle, hook } => self.hook(*handle, hook),
            Op::Fallible { handle } => self.convert(*handle, Handle::fallible),
            Op::Share { handle } => {
                if let Some(taken) = self.handle(*handle) {
                    let shared = taken.shared(*handle);
                    if shared.shared_work().is_some() {
                        self.record.fate(*handle, |fate| fate.shared = true);
                    }
                    self.put_back(*handle, shared);
                }
            }
            Op::CloneShared { id, handle } => {
                if let Some(taken) = self.handle(*handle) {
                    let another = taken.another();
                    self.put_back(*handle, taken);
                    if let Some(another) = another {
                        self.put_back(*id, another);
                    }
                }
            }
            Op::RunCleanup { handle } => self.convert(*handle, Handle::run),
            Op::Disarm { handle } => match self.handle(*handle) {
                Some(Handle::Guard(guard)) => {
                    self.record.fate(*handle, |fate| fate.disarmed = true);
                    calmly(|| drop(guard.disarm()));
                }
                Some(other) => self.put_back(*handle, other),
                None => {}
            },
            Op::Open { future } | Op::Wake { future, .. } => self.gate(*future).open(),
            Op::ShutDown { executor } => self.executors.shut_down(*executor),
            Op::ArmExecutor { executor, behave } => {
                let mood = match behave {
                    Behave::PanicBefore => 1,
                    Behave::PanicAfter => 2,
                    Behave::Take | Behave::Poll => 0,
                };
                self.moods[*executor].store(mood, Ordering::SeqCst);
            }
            Op::ArmWaker { waker, event, react } => {
                let panics = matches!(event, WakerEvent::Wake) && react.panics();
                self.signals[*waker].panics.store(panics, Ordering::SeqCst);
            }
            Op::Wait { id, tracker } => self.wait(*id, self.trackers[*tracker].wait()),
            Op::Drain { id, tracker, deadline } => {
                let drain = self.trackers[*tracker].drain(Unit(Scripted::new(self, *id, deadline)));
                let crowd = Arc::clone(self);
                self.wait(*id, async move {
                    if let Err(unfinished) = drain.await {
                        if unfinished.is_empty() || unfinished.orphans() > unfinished.len() {
                            crowd.record.fail(format!("a drain ended with {unfinished}"));
                        }
                    }
                });
            }
            Op::Gone { id, work } => {
                if let Some(caller) = self.caller(*work) {
                    self.wait(*id, async move {
                        caller.gone().await;
                        assert!(caller.is_gone(), "it says so");
                    });
                }
            }
            Op::Window { work, window } => {
                if let Some(caller) = self.caller(*work) {
                    self.wait(window.id, self.window(window, caller));
                }
            }
            Op::PollWait { id, waker } | Op::PollWindow { id, waker } => {
                let taken = locked(&self.waiting).remove(id);
                if let Some(mut waiting) = taken {
                    let waker = self.waker(*waker);
                    let polled = catch_unwind(AssertUnwindSafe(|| {
                        waiting.as_mut().poll(&mut Context::from_waker(&waker))
                    }));
                    match polled {
                        Ok(Poll::Pending) => drop(locked(&self.waiting).insert(*id, waiting)),
                        Ok(Poll::Ready(())) => calmly(|| drop(waiting)),
                        Err(thrown) => {
                            calmly(|| drop(waiting));
                            calmly(|| drop(thrown));
                        }
                    }
                }
            }
            Op::DropWait { id } | Op::DropWindow { id } => {
                let taken = locked(&self.waiting).remove(id);
                calmly(|| drop(taken));
            }
            Op::DropCaller { work } => {
                let taken = locked(&self.callers).remove(work);
                drop(taken);
            }
            Op::Step { .. } | Op::StepAll { .. } | Op::Reopen { .. } => {}
        }
    }

    fn let_go(&self, id: Id, how: impl FnOnce()) {
        if let Err(thrown) = catch_unwind(AssertUnwindSafe(how)) {
            self.record.fail(format!("letting {id} go panicked"));
            calmly(|| drop(thrown));
        }
    }

    fn wait(&self, id: Id, waiting: impl Future<Output = ()> + Send + 'static) {
        locked(&self.waiting).insert(id, Box::pin(waiting));
    }

    fn caller(&self, work: Id) -> Option<Caller> {
        locked(&self.callers).get(&work).cloned()
    }

    fn convert(&self, id: Id, into: fn(Handle) -> Handle) {
        if let Some(taken) = self.handle(id) {
            match catch_unwind(AssertUnwindSafe(|| into(taken))) {
                Ok(handle) => self.put_back(id, handle),
                Err(thrown) => {
                    self.record.fail(format!("converting {id} panicked"));
                    calmly(|| drop(thrown));
                }
            }
        }
    }

    fn hook(self: &Arc<Self>, id: Id, spec: &HookSpec) {
        let Some(taken) = self.handle(id) else { return };
        if matches!(taken, Handle::Run(_)) || taken.shared_work().is_some() {
            self.put_back(id, taken);
            return;
        }
        if !taken.is_terminated() {
            self.record.fate(id, |fate| fate.has_hook = true);
        }
        let hook = Hook {
            token: Token::new(self, Kind::Hook, spec.id, &spec.drop),
            work: id,
            run: spec.run.clone(),
        };
        match catch_unwind(AssertUnwindSafe(|| taken.hook(hook))) {
            Ok(handle) => self.put_back(id, handle),
            Err(thrown) => {
                self.record.fail(format!("giving {id} a hook panicked"));
                calmly(|| drop(thrown));
            }
        }
    }

    /// A window around a future, with or without grace.
    fn window(self: &Arc<Self>, spec: &WindowSpec, caller: Caller) -> impl Future<Output = ()> + Send + use<> {
        let future = Scripted::new(self, spec.id, &spec.future);
        let clock = spec.clock.clone();
        let crowd = Arc::clone(self);
        async move {
            let output = match clock {
                None => caller.run_until_gone(future).await,
                Some(clock) => {
                    let token = Token::new(&crowd, Kind::Clock, clock.future.id, &clock.make_drop);
                    let make = move || {
                        calmly(|| drop(token));
                        Unit(Scripted::new(&crowd, clock.future.id, &clock.future))
                    };
                    caller.run_with_grace(future, make).await
                }
            };
            if let Some(mut output) = output {
                output.settled = true;
                calmly(|| drop(output));
            }
        }
    }

    fn spawn(self: &Arc<Self>, spec: &program::Spawn) {
        let executor = |executor: usize| {
            DynSpawner::new(Moody {
                spawner: self.executors.spawner(executor),
                mood: Arc::clone(&self.moods[executor]),
            })
        };
        let made = catch_unwind(AssertUnwindSafe(|| match spec.route {
            Route::Plain(at) | Route::Closure(at) | Route::Erased(at) => self.shield(spec, executor(at)),
            Route::Tracked(tracker) | Route::TrackedByReference(tracker) => {
                self.shield(spec, self.trackers[tracker].clone())
            }
            Route::ErasedTracker(tracker) => self.shield(spec, DynSpawner::new(self.trackers[tracker].clone())),
        }));
        match made {
            Ok(handle) => {
                let eager = !spec.mode.is_inline() || spec.mode == Mode::Cleanup;
                self.record.fate(spec.id, |fate| fate.began |= eager);
                self.put_back(spec.id, handle);
                if let Some(hook) = &spec.hook {
                    self.hook(spec.id, hook);
                }
            }
            Err(thrown) => {
                self.record.fate(spec.id, |fate| fate.unmade = true);
                calmly(|| drop(thrown));
            }
        }
    }

    fn shield<S: Spawn + Clone + Send + Sync + 'static>(self: &Arc<Self>, spec: &program::Spawn, spawner: S) -> Handle {
        let awaits = spec.future.awaits.and_then(|id| Some((id, self.handle(id)?)));
        let work = |crowd: &Arc<Self>| Scripted::new(crowd, spec.id, &spec.future);
        match spec.mode {
            Mode::Eager | Mode::Local => Handle::Shield(work(self).awaiting(awaits).shield(&spawner)),
            Mode::With | Mode::WithLocal => Handle::Shield(shield_with(spawner, |caller: Caller| {
                self.react(&spec.closure, false);
                locked(&self.callers).insert(spec.id, caller.clone());
                let window = spec.window.as_ref().map(|window| self.window(window, caller));
                let work = work(self).awaiting(awaits);
                Windowed {
                    window: window.map(|window| Box::pin(window) as Waiting),
                    work: Box::pin(work),
                }
            })),
            Mode::Inline | Mode::InlineLocal => {
                let shield = work(self).awaiting(awaits).shield_on_drop(DynSpawner::new(spawner));
                Handle::Inline(Box::new(shield))
            }
            Mode::Cleanup => {
                let value = Token::new(self, Kind::Value, spec.id, &spec.value_drop);
                let token = Token::new(self, Kind::Closure, spec.id, &spec.closure_drop);
                let (crowd, spec) = (Arc::clone(self), spec.clone());
                let guard = cleanup(DynSpawner::new(spawner), value, move |value: Token| {
                    calmly(|| drop(value));
                    let reacted = catch_unwind(AssertUnwindSafe(|| crowd.react(&spec.closure, false)));
                    // Last: as long as it is there, the program is not over.
                    calmly(|| drop(token));
                    if let Err(thrown) = reacted {
                        resume_unwind(thrown);
                    }
                    Scripted::new(&crowd, spec.id, &spec.future).awaiting(awaits)
                });
                Handle::Guard(Box::new(guard))
            }
        }
    }

    /// Ends the program, and waits until everything is over.
    pub fn finish(self: &Arc<Self>) -> Result<(), String> {
        self.calm.store(true, Ordering::SeqCst);
        let start = Instant::now();
        loop {
            let gates: Vec<_> = locked(&self.gates).values().cloned().collect();
            gates.iter().for_each(|gate| gate.open());
            let handles = mem::take(&mut *locked(&self.handles));
            for (index, (id, mut handle)) in handles.into_iter().enumerate() {
                // Every second one is awaited: it must be woken.
                if index % 2 == 0 {
                    let poll = std::future::poll_fn(|cx| self.poll(id, &mut handle, cx));
                    let Some(result) = within(DEADLINE, poll) else {
                        return Err(format!("{id} was never woken"));
                    };
                    if let Err(thrown) = result {
                        calmly(|| drop(thrown));
                    }
                }
                self.let_go(id, || drop(handle));
            }
            let waiting = mem::take(&mut *locked(&self.waiting));
            let leaked = mem::take(&mut *locked(&self.leaked));
            calmly(|| drop(waiting));
            calmly(|| drop(leaked));
            if self.record.wait(Duration::from_millis(1)) {
                break;
            }
            if start.elapsed() > DEADLINE {
                return self.record.judge().map(drop).and(Err("it does not end".to_owned()));
            }
        }
        locked(&self.callers).clear();
        for (index, tracker) in self.trackers.iter().enumerate() {
            if within(DEADLINE, tracker.wait()).is_none() {
                return Err(format!("tracker {index} waits for {}", tracker.unfinished()));
            }
            let metrics = tracker.metrics();
            let ended = metrics.finished_total() + metrics.panicked_total() + metrics.cancelled_total();
            let left = (
                tracker.len(),
                tracker.orphans(),
                tracker.unfinished().len(),
                metrics.running(),
            );
            if left != (0, 0, 0, 0) || metrics.orphaned_total() != ended {
                return Err(format!("tracker {index}: {left:?}, {metrics:?}"));
            }
        }
        for (waker, signal) in self.signals.iter().enumerate() {
            // Whoever has woken one drops it a moment later.
            while Arc::strong_count(signal) > 1 {
                if start.elapsed() > DEADLINE {
                    return Err(format!("waker {waker} is still kept"));
                }
                thread::yield_now();
            }
        }
        Ok(())
    }
}

/// Waits for a future on this thread, for so long at most.
fn within<F: Future>(patience: Duration, future: F) -> Option<F::Output> {
    struct Unpark(thread::Thread);

    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let start = Instant::now();
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
        let left = patience.checked_sub(start.elapsed())?;
        thread::park_timeout(left);
        if start.elapsed() >= patience {
            // No look at the end: a wake-up that was lost is not made good by it.
            return None;
        }
    }
}

/// A task that awaits a handle.
struct Task {
    id: Id,
    handle: Option<Handle>,
    // Dropped last: as long as it is there, the program is not over.
    token: Token,
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { id, handle, token } = &mut *self;
        let Some(held) = handle else { return Poll::Ready(()) };
        match token.crowd.poll(*id, held, cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(result) => {
                *handle = None;
                if let Err(thrown) = result {
                    calmly(|| drop(thrown));
                }
                Poll::Ready(())
            }
        }
    }
}

/// Work that opens a window first.
struct Windowed {
    window: Option<Waiting>,
    work: Pin<Box<Scripted>>,
}

impl Future for Windowed {
    type Output = Out;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Out> {
        if let Some(window) = &mut self.window {
            match window.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) => {
                    let window = self.window.take();
                    drop(window);
                }
            }
        }
        self.work.as_mut().poll(cx)
    }
}

impl Drop for Windowed {
    fn drop(&mut self) {
        calmly(|| drop(self.window.take()));
    }
}
