//! The waker of a run: forwards wakes to the test's task, and notes where it was cloned.

use std::backtrace::Backtrace;
use std::collections::VecDeque;
use std::mem;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::Waker;

use cooked_waker::{IntoWaker, Wake, WakeRef};

/// What a run shares with the wakers that it hands out.
pub(super) struct Signal {
    state: Mutex<State>,
}

struct State {
    /// Whether the future is to be polled: `true` at first, and from each wake to the next poll.
    woken: bool,
    /// The waker of the test's task, until a wake takes it.
    task: Option<Waker>,
    /// The places at which the waker was cloned during the poll that is observed, the last clone
    /// first.
    traces: VecDeque<Backtrace>,
}

impl Signal {
    pub(super) fn new() -> Arc<Self> {
        Arc::new(Self {
            state: Mutex::new(State {
                woken: true,
                task: None,
                traces: VecDeque::new(),
            }),
        })
    }

    /// No foreign code runs under this lock: wakers are cloned before it, and woken and dropped
    /// after.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns `true` if the future was woken since the last call, or was never polled. Otherwise
    /// `task` is woken when it is.
    pub(super) fn take_woken(&self, task: &Waker) -> bool {
        let task = task.clone();
        let mut state = self.state();
        let old = state.task.replace(task);
        let woken = mem::take(&mut state.woken);
        drop(state);
        drop(old);
        woken
    }

    fn wake(&self) {
        let mut state = self.state();
        state.woken = true;
        let task = state.task.take();
        drop(state);
        if let Some(task) = task {
            task.wake();
        }
    }

    /// Ends the forwarding: wakers of this run that outlive it have no effect.
    pub(super) fn close(&self) {
        let task = self.state().task.take();
        drop(task);
    }

    /// Captures, but does not resolve: that takes so long that a timer of the test could fire
    /// meanwhile.
    fn capture(&self) {
        let trace = Backtrace::force_capture();
        let mut state = self.state();
        state.traces.push_front(trace);
        state.traces.truncate(TRACES);
    }

    pub(super) fn take_traces(&self) -> VecDeque<Backtrace> {
        mem::take(&mut self.state().traces)
    }
}

/// How many clones of one poll are kept. The last ones show where it suspended.
const TRACES: usize = 32;

/// One waker of a run. Each is a box of its own, so that none equals another: a future that keeps a
/// waker from an earlier poll clones the new one again, and so shows where it waits.
struct Observer {
    signal: Arc<Signal>,
    /// `true` for the waker of the observed poll itself, and not for its clones.
    observed: bool,
}

/// Returns a waker for one poll. If that poll may be the last one before the future is dropped, it
/// is `observed`.
pub(super) fn waker(signal: &Arc<Signal>, observed: bool) -> Waker {
    let signal = Arc::clone(signal);
    Box::new(Observer { signal, observed }).into_waker()
}

impl Clone for Observer {
    fn clone(&self) -> Self {
        if self.observed {
            self.signal.capture();
        }
        Self {
            signal: Arc::clone(&self.signal),
            observed: false,
        }
    }
}

impl WakeRef for Observer {
    fn wake_by_ref(&self) {
        // A future that yields may wake without a clone.
        if self.observed {
            self.signal.capture();
        }
        self.signal.wake();
    }
}

impl Wake for Observer {}
