//! An executor that polls its tasks only when the test calls it.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::Future;
use std::mem;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Wake, Waker};

use futures_shield::{BoxTask, Spawn};

use crate::support::locked;

/// An executor that is cranked by hand. Its drop shuts it down.
#[derive(Default)]
pub(crate) struct Crank {
    shared: Arc<Shared>,
}

/// The spawner of a [`Crank`].
#[derive(Clone)]
pub(crate) struct CrankSpawner {
    shared: Arc<Shared>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
}

#[derive(Default)]
struct State {
    next: usize,
    tasks: BTreeMap<usize, BoxTask>,
    ready: VecDeque<usize>,
    // What is in `ready`, each once.
    queued: BTreeSet<usize>,
    // Tasks that are being polled, by this thread further up or by another one: `true` if woken
    // meanwhile.
    polled: BTreeMap<usize, bool>,
    closed: bool,
    driver: Option<Waker>,
}

impl Crank {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    pub(crate) fn spawner(&self) -> CrankSpawner {
        CrankSpawner {
            shared: Arc::clone(&self.shared),
        }
    }

    /// Polls the task that has been ready for longest, once. Returns `false` if there is none.
    ///
    /// May be called inside the poll of a task. A task that is woken while it is polled is ready
    /// again after that poll, and not before.
    pub(crate) fn step(&self) -> bool {
        let Some((id, mut task)) = locked(&self.shared.state).next_ready() else {
            return false;
        };
        let polling = Polling {
            id,
            shared: &self.shared,
        };
        let signal = Arc::new(Signal {
            id,
            shared: Arc::downgrade(&self.shared),
        });
        let polled = task.as_mut().poll(&mut Context::from_waker(&Waker::from(signal)));
        if polled.is_pending() {
            polling.put_back(task);
        }
        true
    }

    /// Polls until no task is ready, and returns the number of polls.
    pub(crate) fn run(&self) -> usize {
        let mut polls = 0;
        while self.step() {
            polls += 1;
        }
        polls
    }

    /// Returns the number of tasks that it holds.
    pub(crate) fn len(&self) -> usize {
        locked(&self.shared.state).tasks.len()
    }

    /// Drops every task on this thread, and from now on every task that it is given.
    pub(crate) fn shut_down(&self) {
        loop {
            let mut state = locked(&self.shared.state);
            state.closed = true;
            let task = state.tasks.pop_first();
            drop(state);
            match task {
                Some(task) => drop(task),
                None => return,
            }
        }
    }

    /// Polls `caller` when it is woken and, in between, every task that is ready. A caller whose
    /// wake-up is lost is not polled again.
    pub(crate) async fn drive<F: Future>(&self, caller: F) -> F::Output {
        let mut caller = std::pin::pin!(caller);
        let woken = Arc::new(Woken::default());
        let waker = Waker::from(Arc::clone(&woken));
        woken.flag.store(true, Ordering::SeqCst);
        std::future::poll_fn(|cx| {
            locked(&self.shared.state).driver = Some(cx.waker().clone());
            *locked(&woken.driver) = Some(cx.waker().clone());
            loop {
                if woken.flag.swap(false, Ordering::SeqCst) {
                    if let Poll::Ready(output) = caller.as_mut().poll(&mut Context::from_waker(&waker)) {
                        return Poll::Ready(output);
                    }
                }
                if self.run() == 0 && !woken.flag.load(Ordering::SeqCst) {
                    return Poll::Pending;
                }
            }
        })
        .await
    }
}

/// The waker of a driven caller.
#[derive(Default)]
struct Woken {
    flag: AtomicBool,
    driver: Mutex<Option<Waker>>,
}

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.flag.store(true, Ordering::SeqCst);
        let driver = locked(&self.driver).take();
        if let Some(driver) = driver {
            driver.wake();
        }
    }
}

impl Drop for Crank {
    fn drop(&mut self) {
        self.shut_down();
    }
}

impl Spawn for CrankSpawner {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        let task: BoxTask = Box::pin(future);
        let mut state = locked(&self.shared.state);
        if state.closed {
            drop(state);
            drop(task);
            return;
        }
        state.next += 1;
        let id = state.next;
        state.tasks.insert(id, task);
        let driver = state.wake(id);
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
    }
}

impl State {
    /// Takes the task that has been ready for longest, to be polled.
    fn next_ready(&mut self) -> Option<(usize, BoxTask)> {
        loop {
            let id = self.ready.pop_front()?;
            self.queued.remove(&id);
            if let Some(task) = self.tasks.remove(&id) {
                self.polled.insert(id, false);
                return Some((id, task));
            }
            // No task of this id: it is being polled, and must be polled once more, or it has
            // ended.
            if let Some(woken) = self.polled.get_mut(&id) {
                *woken = true;
            }
        }
    }

    fn wake(&mut self, id: usize) -> Option<Waker> {
        if self.queued.insert(id) {
            self.ready.push_back(id);
        }
        self.driver.take()
    }
}

/// The poll of one task. Its drop, after that poll or in the unwinding of its panic, ends it.
struct Polling<'a> {
    id: usize,
    shared: &'a Shared,
}

impl Polling<'_> {
    /// Keeps a task that is pending. If the executor was shut down meanwhile, drops it, with no
    /// lock held.
    fn put_back(self, task: BoxTask) {
        let mut state = locked(&self.shared.state);
        if state.closed {
            drop(state);
            return;
        }
        // In one step with the insertion: from there on another thread may poll the task.
        let woken = state.polled.remove(&self.id);
        let id = self.id;
        mem::forget(self);
        state.tasks.insert(id, task);
        let driver = if woken == Some(true) { state.wake(id) } else { None };
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
    }
}

impl Drop for Polling<'_> {
    fn drop(&mut self) {
        locked(&self.shared.state).polled.remove(&self.id);
    }
}

struct Signal {
    id: usize,
    shared: Weak<Shared>,
}

impl Wake for Signal {
    fn wake(self: Arc<Self>) {
        let Some(shared) = self.shared.upgrade() else {
            return;
        };
        let driver = locked(&shared.state).wake(self.id);
        if let Some(driver) = driver {
            driver.wake();
        }
    }
}
