//! What the models share: a spawner, a gate, and what they write down.

use std::cell::RefCell;
use std::future::{Future, poll_fn};
use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::AtomicUsize;
use std::task::{Context, Poll, Wake, Waker};

use futures_shield::{BoxTask, Caller, Shield, ShieldExt, Spawn, Tracker, Unfinished, UnfinishedAt, shield_with};
use loom::future::block_on;
use loom::sync::atomic::{AtomicBool, Ordering};
use loom::thread::{self, JoinHandle};

/// A spawner that keeps the task until the thread that spawned it calls [`spawned`].
#[derive(Clone, Copy)]
pub(crate) struct ThisThread;

loom::thread_local! {
    static SPAWNED: RefCell<Option<BoxTask>> = RefCell::new(None);
}

impl Spawn for ThisThread {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        SPAWNED.with(|spawned| spawned.replace(Some(Box::pin(future))));
    }
}

/// Returns the task that this thread spawned last.
pub(crate) fn spawned() -> BoxTask {
    SPAWNED.with(RefCell::take).expect("something was spawned")
}

/// A spawner that starts a thread for each task, to be joined with [`started`].
#[derive(Clone, Copy)]
pub(crate) struct NewThread;

loom::thread_local! {
    static STARTED: RefCell<Option<JoinHandle<()>>> = RefCell::new(None);
}

impl Spawn for NewThread {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        STARTED.with(|started| started.replace(Some(in_a_thread(Box::pin(future)))));
    }
}

/// Returns the thread that was started last for a task of this thread.
pub(crate) fn started() -> JoinHandle<()> {
    STARTED.with(RefCell::take).expect("a thread was started")
}

pub(crate) fn shielded<F>(future: F) -> (Shield<F::Output>, BoxTask)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    (future.shield(ThisThread), spawned())
}

pub(crate) fn shielded_with<W, F>(work: W) -> (Shield<F::Output>, BoxTask)
where
    W: FnOnce(Caller) -> F,
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    (shield_with(ThisThread, work), spawned())
}

/// Returns also the caller, for a helper or a hook.
pub(crate) fn shielded_and_caller<F>(work: F) -> (Shield<F::Output>, BoxTask, Caller)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let out = RefCell::new(None);
    let (shield, task) = shielded_with(|caller| {
        out.replace(Some(caller));
        work
    });
    (shield, task, out.take().unwrap())
}

pub(crate) fn tracker() -> Tracker<ThisThread> {
    Tracker::new(ThisThread)
}

/// Returns the task of an orphan, from one location in all models.
pub(crate) fn orphan<F>(tracker: &Tracker<ThisThread>, future: F) -> BoxTask
where
    F: Future<Output = ()> + Send + 'static,
{
    future.shield(tracker).detach();
    spawned()
}

/// Spawns directly on a tracker, at two locations that the tracker knows already. So any thread may spawn.
#[derive(Clone)]
pub(crate) struct Places {
    tracker: Tracker<ThisThread>,
    first: &'static Location<'static>,
}

impl Places {
    pub(crate) fn of(tracker: &Tracker<ThisThread>) -> Self {
        let first = known_first(tracker);
        let places = Self {
            tracker: tracker.clone(),
            first,
        };
        drop(places.second());
        places
    }

    /// Returns a task that was spawned at the first location.
    pub(crate) fn first(&self) -> BoxTask {
        spawn_first(&self.tracker)
    }

    /// Returns a task that was spawned at the second location.
    pub(crate) fn second(&self) -> BoxTask {
        self.tracker.spawn_detached(async {});
        spawned()
    }

    /// Returns how much `unfinished` names at the first location, and at the second one.
    pub(crate) fn named(&self, unfinished: &Unfinished) -> (usize, usize) {
        let named = |at_first: bool| {
            let at = unfinished.locations().iter();
            at.filter(|at| (at.location() == self.first) == at_first)
                .map(UnfinishedAt::len)
                .sum()
        };
        (named(true), named(false))
    }
}

fn spawn_first(tracker: &Tracker<ThisThread>) -> BoxTask {
    tracker.spawn_detached(async {});
    spawned()
}

fn known_first(tracker: &Tracker<ThisThread>) -> &'static Location<'static> {
    let _first = spawn_first(tracker);
    tracker.unfinished().locations()[0].location()
}

pub(crate) fn in_a_thread(task: BoxTask) -> JoinHandle<()> {
    thread::spawn(move || block_on(task))
}

pub(crate) fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Is pending at its first poll, and is woken immediately.
pub(crate) async fn yield_once() {
    let mut yielded = false;
    poll_fn(|cx| {
        if mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Explores the orders with at most this many preemptions.
pub(crate) fn bounded(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

/// Explores a model that says which of two things has happened. In some order each of them does.
pub(crate) fn either_happens(model: impl Fn() -> bool + Send + Sync + 'static) {
    let (one, other) = (Count::default(), Count::default());
    let counts = (one.clone(), other.clone());
    loom::model(move || if model() { &counts.0 } else { &counts.1 }.add());
    assert!(one.get() > 0 && other.get() > 0);
}

/// Something that one thread writes for another, with `Relaxed`. Whoever reads it for certain was synchronised otherwise.
#[derive(Clone)]
pub(crate) struct Note(loom::sync::Arc<AtomicBool>);

impl Note {
    pub(crate) fn new() -> Self {
        Self(loom::sync::Arc::new(AtomicBool::new(false)))
    }

    pub(crate) fn write(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    pub(crate) fn is_written(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }

    /// Returns a value that writes the note when it is dropped.
    pub(crate) fn written_on_drop(&self) -> WrittenOnDrop {
        WrittenOnDrop(self.clone())
    }
}

pub(crate) struct WrittenOnDrop(Note);

impl Drop for WrittenOnDrop {
    fn drop(&mut self) {
        self.0.write();
    }
}

/// A gate that one thread opens for the future of another.
#[derive(Clone)]
pub(crate) struct Gate(loom::sync::Arc<loom::sync::Mutex<(bool, Option<Waker>)>>);

impl Gate {
    pub(crate) fn closed() -> Self {
        Self(loom::sync::Arc::new(loom::sync::Mutex::new((false, None))))
    }

    pub(crate) fn open(&self) {
        let mut state = self.0.lock().unwrap();
        state.0 = true;
        let waker = state.1.take();
        drop(state);
        if let Some(waker) = waker {
            waker.wake();
        }
    }

    pub(crate) fn is_open(&self) -> bool {
        self.0.lock().unwrap().0
    }

    pub(crate) async fn passed(self) {
        poll_fn(|cx| {
            let mut state = self.0.lock().unwrap();
            if state.0 {
                return Poll::Ready(());
            }
            state.1 = Some(cx.waker().clone());
            Poll::Pending
        })
        .await;
    }
}

/// Counts what happens. It is invisible to loom, so it orders nothing: read it after all threads have been joined, or,
/// over all orders, after the model.
#[derive(Clone, Default)]
pub(crate) struct Count(Arc<AtomicUsize>);

impl Count {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// Returns a waker that counts its wakes.
    pub(crate) fn waker(&self) -> Waker {
        Waker::from(Arc::new(self.clone()))
    }

    /// Returns a value that counts its drop.
    pub(crate) fn of_drops(&self) -> CountedDrop {
        CountedDrop(self.clone())
    }
}

impl Wake for Count {
    fn wake(self: Arc<Self>) {
        self.add();
    }
}

pub(crate) struct CountedDrop(Count);

impl Drop for CountedDrop {
    fn drop(&mut self) {
        self.0.add();
    }
}

/// What a hook has seen, to be asserted after it: a panic in a hook is caught. Like [`Count`], it orders nothing.
pub(crate) struct Seen<T>(Arc<std::sync::Mutex<Vec<T>>>);

impl<T> Clone for Seen<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Seen<T> {
    pub(crate) fn nothing() -> Self {
        Self(Arc::default())
    }

    pub(crate) fn put(&self, value: T) {
        self.0.lock().unwrap().push(value);
    }

    /// Asserts that it was seen exactly once.
    pub(crate) fn take(&self) -> T {
        let mut seen = mem::take(&mut *self.0.lock().unwrap());
        assert_eq!(seen.len(), 1);
        seen.remove(0)
    }
}
