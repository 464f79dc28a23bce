//! A small executor that keeps every rule, but for the flaw that it is given.

use std::any::Any;
use std::cell::{Cell, RefCell};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::{Future, poll_fn};
use std::mem;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Wake, Waker};
use std::thread::{self, ThreadId};

use futures_executor::block_on;
use futures_shield::{BoxTask, LocalBoxTask, Spawn, SpawnLocal};
use futures_shield_spawner_checks::Probe;

/// What an executor does wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Flaw {
    /// A queue of 100 futures drops the next ones.
    DropsWhenFull,
    /// A wake is ignored while the future is being polled.
    LosesWakesInPoll,
    /// A future that has returned `Ready` is polled again.
    PollsOnceMore,
    /// A future that has completed is kept until the executor is dropped.
    KeepsTheCompleted,
    /// Dropping the last spawner drops the futures.
    CancelsWithItsSpawner,
    /// A call on another thread than the executor's panics.
    PanicsOnOtherThreads,
    /// A call panics unless the thread is running the executor, as `tokio::spawn` does.
    LooksUpTheRuntime,
    /// A lock that is not reentrant is held while a future is polled.
    LockedDuringPoll,
    /// A lock that a call waits for is held while a future is dropped that has completed.
    LockedDuringDrop,
    /// A call drops the future if the thread is panicking.
    RefusesWhileUnwinding,
    /// A call needs a thread-local, which is gone when the thread ends.
    UsesAThreadLocal,
    /// A call panics if the executor is gone.
    PanicsWhenClosed,
    /// A call leaves the future in the queue if the executor is gone.
    KeepsWhenClosed,
    /// A lock that is not reentrant is held while the futures are dropped at shutdown.
    LockedDuringShutdown,
    /// The shutdown forgets the futures.
    LeaksAtShutdown,
    /// A local future is polled on a thread of its own.
    SendsLocalFuturesAway,
}

thread_local! {
    static RUNNING: Cell<bool> = const { Cell::new(false) };
    static CACHE: RefCell<Vec<usize>> = const { RefCell::new(Vec::new()) };
}

/// An executor that runs on the thread that made it. Dropping it shuts it down.
pub(crate) struct Toy<T> {
    shared: Arc<Shared<T>>,
}

/// Its spawner.
pub(crate) struct ToySpawner<T>(Arc<Guard<T>>);

/// What goes with the last spawner.
struct Guard<T> {
    shared: Arc<Shared<T>>,
}

struct Shared<T> {
    flaw: Option<Flaw>,
    home: ThreadId,
    tasks: Mutex<Tasks<T>>,
    ready: Arc<Mutex<Ready>>,
    /// Held where it must not be, by some flaws.
    busy: Mutex<()>,
}

struct Tasks<T> {
    next: usize,
    tasks: BTreeMap<usize, T>,
    /// For the flaw of that name.
    completed: Vec<T>,
    closed: bool,
}

#[derive(Default)]
struct Ready {
    queue: VecDeque<usize>,
    /// What is in `queue`, each once.
    queued: BTreeSet<usize>,
    /// What is being polled, for the flaw that ignores its wakes.
    deaf: Option<usize>,
    driver: Option<Waker>,
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T: Future<Output = ()> + Unpin> Toy<T> {
    pub(crate) fn new(flaw: Option<Flaw>) -> (Self, ToySpawner<T>) {
        let shared = Arc::new(Shared {
            flaw,
            home: thread::current().id(),
            tasks: Mutex::new(Tasks {
                next: 0,
                tasks: BTreeMap::new(),
                completed: Vec::new(),
                closed: false,
            }),
            ready: Arc::default(),
            busy: Mutex::new(()),
        });
        let spawner = ToySpawner(Arc::new(Guard {
            shared: Arc::clone(&shared),
        }));
        (Self { shared }, spawner)
    }

    /// Runs `caller` to its end, and the futures meanwhile.
    pub(crate) fn run(&self, caller: impl Future<Output = ()>) {
        let mut caller = pin!(caller);
        RUNNING.set(true);
        block_on(poll_fn(|cx| {
            locked(&self.shared.ready).driver = Some(cx.waker().clone());
            loop {
                if caller.as_mut().poll(cx).is_ready() {
                    return Poll::Ready(());
                }
                if !self.shared.step() {
                    return Poll::Pending;
                }
                while self.shared.step() {}
            }
        }));
        RUNNING.set(false);
    }
}

impl<T> Drop for Toy<T> {
    fn drop(&mut self) {
        self.shared.shut_down();
    }
}

impl<T> Drop for Guard<T> {
    fn drop(&mut self) {
        if self.shared.has(Flaw::CancelsWithItsSpawner) {
            self.shared.shut_down();
        }
    }
}

impl<T> Clone for ToySpawner<T> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T> Shared<T> {
    fn has(&self, flaw: Flaw) -> bool {
        self.flaw == Some(flaw)
    }

    /// Panics if the lock is held: what a lock that is not reentrant would do at its best.
    fn assert_free(&self) {
        assert!(self.busy.try_lock().is_ok(), "this executor is busy");
    }

    /// Drops every future on this thread, and each that comes later.
    fn shut_down(&self) {
        let busy = self.has(Flaw::LockedDuringShutdown).then(|| locked(&self.busy));
        if self.has(Flaw::LeaksAtShutdown) {
            let mut tasks = locked(&self.tasks);
            tasks.closed = true;
            mem::forget(mem::take(&mut tasks.tasks));
            return;
        }
        loop {
            let mut tasks = locked(&self.tasks);
            let task = tasks.tasks.pop_first().map(|(_, task)| task);
            let Some(task) = task.or_else(|| tasks.completed.pop()) else {
                tasks.closed = true;
                break;
            };
            // Before the first drop, so that what a drop spawns is refused already.
            tasks.closed = true;
            drop(tasks);
            drop(task);
        }
        drop(busy);
    }

    fn spawn(&self, task: T) {
        if self.has(Flaw::PanicsOnOtherThreads) {
            assert!(thread::current().id() == self.home, "this is another thread");
        }
        if self.has(Flaw::LooksUpTheRuntime) {
            assert!(RUNNING.get(), "no runtime runs on this thread");
        }
        if self.has(Flaw::LockedDuringPoll) || self.has(Flaw::LockedDuringShutdown) {
            self.assert_free();
        }
        if self.has(Flaw::LockedDuringDrop) {
            drop(locked(&self.busy));
        }
        if self.has(Flaw::RefusesWhileUnwinding) && thread::panicking() {
            return;
        }
        if self.has(Flaw::UsesAThreadLocal) {
            CACHE.with_borrow_mut(|cache| cache.push(0));
        }
        let mut tasks = locked(&self.tasks);
        let refuses = (tasks.closed && !self.has(Flaw::KeepsWhenClosed))
            || (self.has(Flaw::DropsWhenFull) && tasks.tasks.len() >= 100);
        if refuses {
            let closed = tasks.closed;
            drop(tasks);
            drop(task);
            assert!(!(closed && self.has(Flaw::PanicsWhenClosed)), "this executor is closed");
            return;
        }
        tasks.next += 1;
        let id = tasks.next;
        tasks.tasks.insert(id, task);
        drop(tasks);
        wake(&self.ready, id);
    }
}

impl<T: Future<Output = ()> + Unpin> Shared<T> {
    /// Polls the future that has been ready for longest, once. Returns `false` if there is none.
    fn step(&self) -> bool {
        let (id, mut task) = loop {
            let mut ready = locked(&self.ready);
            let Some(id) = ready.queue.pop_front() else {
                return false;
            };
            ready.queued.remove(&id);
            if self.has(Flaw::LosesWakesInPoll) {
                ready.deaf = Some(id);
            }
            drop(ready);
            if let Some(task) = locked(&self.tasks).tasks.remove(&id) {
                break (id, task);
            }
        };
        let waker = Waker::from(Arc::new(Signal {
            id,
            ready: Arc::clone(&self.ready),
        }));
        let mut cx = Context::from_waker(&waker);
        let busy = self.has(Flaw::LockedDuringPoll).then(|| locked(&self.busy));
        let polled = Pin::new(&mut task).poll(&mut cx);
        drop(busy);
        locked(&self.ready).deaf = None;
        if polled.is_pending() {
            let mut tasks = locked(&self.tasks);
            if !tasks.closed {
                tasks.tasks.insert(id, task);
            }
            return true;
        }
        if self.has(Flaw::PollsOnceMore) {
            let _ = Pin::new(&mut task).poll(&mut cx);
        }
        if self.has(Flaw::KeepsTheCompleted) {
            locked(&self.tasks).completed.push(task);
            return true;
        }
        let busy = self.has(Flaw::LockedDuringDrop).then(|| locked(&self.busy));
        drop(task);
        drop(busy);
        true
    }
}

impl Spawn for ToySpawner<BoxTask> {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        self.0.shared.spawn(Box::pin(future));
    }
}

impl SpawnLocal for ToySpawner<LocalBoxTask> {
    fn spawn_local_detached<F: Future<Output = ()> + 'static>(&self, future: F) {
        if self.0.shared.has(Flaw::SendsLocalFuturesAway) {
            let mut future = Some(future);
            let any: &mut dyn Any = &mut future;
            if let Some(probe) = any.downcast_mut::<Option<Probe>>().and_then(Option::take) {
                thread::spawn(move || block_on(probe));
                return;
            }
            // Not a bare probe, and so perhaps not `Send`.
            if let Some(future) = future {
                self.0.shared.spawn(Box::pin(future));
            }
            return;
        }
        self.0.shared.spawn(Box::pin(future));
    }
}

struct Signal {
    id: usize,
    ready: Arc<Mutex<Ready>>,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        wake(&self.ready, self.id);
    }
}

fn wake(ready: &Mutex<Ready>, id: usize) {
    let mut ready = locked(ready);
    if ready.deaf == Some(id) {
        return;
    }
    if ready.queued.insert(id) {
        ready.queue.push_back(id);
    }
    let driver = ready.driver.take();
    drop(ready);
    if let Some(driver) = driver {
        driver.wake();
    }
}
