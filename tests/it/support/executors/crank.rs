//! An executor that does nothing until it is told to.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::future::Future;
use std::sync::{Arc, Mutex, Weak};
use std::task::{Context, Poll, Wake, Waker};

use futures_shield::{BoxTask, Spawn};

use crate::support::locked;

/// An executor that is cranked by hand. Dropping it is shutting it down.
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

    /// Polls the task that has been ready for longest, once. False where none is.
    pub(crate) fn step(&self) -> bool {
        let (id, mut task) = loop {
            let mut state = locked(&self.shared.state);
            let Some(id) = state.ready.pop_front() else {
                return false;
            };
            state.queued.remove(&id);
            if let Some(task) = state.tasks.remove(&id) {
                break (id, task);
            }
        };
        let signal = Arc::new(Signal {
            id,
            shared: Arc::downgrade(&self.shared),
        });
        if task
            .as_mut()
            .poll(&mut Context::from_waker(&Waker::from(signal)))
            .is_pending()
        {
            let mut state = locked(&self.shared.state);
            if !state.closed {
                state.tasks.insert(id, task);
            }
        }
        true
    }

    /// Polls until no task is ready, and says how many polls that were.
    pub(crate) fn run(&self) -> usize {
        let mut polls = 0;
        while self.step() {
            polls += 1;
        }
        polls
    }

    /// How many tasks it holds.
    pub(crate) fn len(&self) -> usize {
        locked(&self.shared.state).tasks.len()
    }

    /// Drops every task on this thread, and from now on each that it is given.
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

    /// Polls `caller` and, in between, every task that is ready.
    pub(crate) async fn drive<F: Future>(&self, caller: F) -> F::Output {
        let mut caller = std::pin::pin!(caller);
        std::future::poll_fn(|cx| {
            locked(&self.shared.state).driver = Some(cx.waker().clone());
            loop {
                if let Poll::Ready(output) = caller.as_mut().poll(cx) {
                    return Poll::Ready(output);
                }
                if self.run() == 0 {
                    return Poll::Pending;
                }
            }
        })
        .await
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
        state.ready.push_back(id);
        state.queued.insert(id);
        let driver = state.driver.take();
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
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
        let mut state = locked(&shared.state);
        if state.queued.insert(self.id) {
            state.ready.push_back(self.id);
        }
        let driver = state.driver.take();
        drop(state);
        if let Some(driver) = driver {
            driver.wake();
        }
    }
}
