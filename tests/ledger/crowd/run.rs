//! The operations on threads, and the end of a program.

use std::cell::Cell;
use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Waker};
use std::thread;

use futures_shield::{Caller, DynSpawner, Spawn, Tracker};

use super::executors::Executors;
use super::foreign::{Gate, Hook, Scripted, Signal, Token, Unclonable, Unit, calmly};
use super::handle::{Delivered, Handle};
use super::make::Moody;
use super::record::{Record, locked};
use super::tasks::Task;
use crate::model::Kind;
use crate::program::{Behave, EXECUTORS, HookSpec, Id, Op, React, WAKERS, WakerEvent};

pub type Waiting = Pin<Box<dyn Future<Output = ()> + Send>>;

/// Everything that the threads of one program share.
pub struct Crowd {
    pub record: Record,
    pub(super) executors: Arc<Executors>,
    /// What each spawner does at its next call.
    pub(super) moods: [Arc<AtomicU8>; EXECUTORS],
    pub(super) trackers: [Tracker<DynSpawner>; 3],
    pub(super) handles: Mutex<BTreeMap<Id, Handle>>,
    pub(super) leaked: Mutex<Vec<Handle>>,
    pub(super) callers: Mutex<BTreeMap<Id, Caller>>,
    /// Waits, drains, windows.
    pub(super) waiting: Mutex<BTreeMap<Id, Waiting>>,
    pub(super) gates: Mutex<BTreeMap<Id, Arc<Gate>>>,
    pub(super) signals: [Arc<Signal>; WAKERS],
    pub(super) calm: AtomicBool,
    pub(super) next: AtomicU32,
    pub(super) operations: AtomicU64,
}

thread_local! {
    static DEPTH: Cell<u32> = const { Cell::new(0) };
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

    pub(super) fn waker(&self, waker: usize) -> Waker {
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
                let unclonable = thrown.downcast_ref::<Unclonable>();
                if unclonable.is_some_and(|of| handle.shared_work() == Some(of.0)) {
                    // It has not delivered.
                } else if handle.is_terminated() {
                    self.record.fate(id, |fate| fate.delivered += 1);
                } else {
                    self.record.fail(format!("the poll of {id} let a panic pass"));
                }
                Poll::Ready(Err(thrown))
            }
        }
    }

    pub(super) fn handle(&self, id: Id) -> Option<Handle> {
        locked(&self.handles).remove(&id)
    }

    pub(super) fn put_back(&self, id: Id, handle: Handle) {
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

    pub(super) fn let_go(&self, id: Id, how: impl FnOnce()) {
        if let Err(thrown) = catch_unwind(AssertUnwindSafe(how)) {
            self.record.fail(format!("letting {id} go panicked"));
            calmly(|| drop(thrown));
        }
    }

    pub(super) fn wait(&self, id: Id, waiting: impl Future<Output = ()> + Send + 'static) {
        locked(&self.waiting).insert(id, Box::pin(waiting));
    }

    pub(super) fn caller(&self, work: Id) -> Option<Caller> {
        locked(&self.callers).get(&work).cloned()
    }

    pub(super) fn convert(&self, id: Id, into: fn(Handle) -> Handle) {
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

    pub(super) fn hook(self: &Arc<Self>, id: Id, spec: &HookSpec) {
        let Some(taken) = self.handle(id) else { return };
        if matches!(taken, Handle::Run(_) | Handle::Response(_)) || taken.shared_work().is_some() {
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
}
