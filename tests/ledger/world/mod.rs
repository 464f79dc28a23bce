//! The real things of one program beside the model of them, and what happens when foreign code is
//! called.

mod calls;
mod check;
mod spawners;
mod wakers;

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::BTreeMap;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::Waker;

use futures_shield::future::{Drain, Gone, RunUntilGone, RunWithGrace, Wait};
use futures_shield::{Caller, Tracker, TrackerMetrics, Unfinished};

use crate::api;
use crate::foreign::{self, Payload, Scripted, Spawner, Unit};
use crate::held::Held;
use crate::model::{Kind, Model};
use crate::program::{Behave, EXECUTORS, FutureSpec, Id, React, WAKERS};

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
}

impl std::fmt::Debug for Payload {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Payload({})", self.token.id)
    }
}

pub use foreign::wakers;
