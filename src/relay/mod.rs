//! The hand-over of one outcome from the work to its caller.
//!
//! Everything that the work and its caller decide between them is decided here, under one lock that is never held
//! while foreign code runs: wakers, hooks and outcomes are moved out of the state first, and touched after.

mod awaiter;
mod hook;
mod orphan;
#[cfg(feature = "tracing")]
mod trace;
#[cfg(not(feature = "tracing"))]
#[path = "trace_off.rs"]
mod trace;
mod work;

use std::mem;
use std::task::{Context, Poll, Waker};

pub(crate) use self::awaiter::Awaiter;
pub(crate) use self::hook::{Hook, HookSlot, drop_hook};
use self::orphan::Orphan;
pub(crate) use self::work::Work;
use crate::error::Outcome;
use crate::spawn::location::{self, CallLocation};
use crate::util::contain::contain;
use crate::util::flag::SetOnDrop;
use crate::util::sync::{Arc, Mutex, lock};
use std::future::Future;

/// What the work and its caller share.
pub(crate) struct Relay<T> {
    location: CallLocation,
    state: Mutex<State<T>>,
}

/// Who is still there, and whose the outcome is.
///
/// ```text
///              the work ends            the caller polls, or leaves
/// Awaited ──────────────────> Ended ───────────────────────────────> Settled
///    │ the caller leaves                                                ^
///    └──────────────────────> Orphaned ─────────────────────────────────┘
///                                               the work ends
/// ```
enum State<T> {
    /// The work runs and its caller is there, with a waker once it has polled. Left by whichever of the two ends first.
    Awaited(Option<Waker>),
    /// The work runs and its caller has gone. Left by the work, when it ends.
    Orphaned(Orphan<T>),
    /// The work has ended and its caller has not been told. Left by the caller, who takes the outcome or leaves.
    Ended(Outcome<T>),
    /// The outcome has gone to the caller or to the hook. Nobody leaves it.
    Settled,
}

impl<T> Relay<T> {
    /// For work whose caller waits.
    pub(crate) fn new(location: CallLocation) -> Self {
        Self::with(location, State::Awaited(None))
    }

    /// For work that has lost its caller before it became a task.
    pub(crate) fn orphaned(location: CallLocation, hook: Option<Hook<T>>) -> Self {
        Self::with(location, State::Orphaned(Orphan::new(location, hook, || true)))
    }

    fn with(location: CallLocation, state: State<T>) -> Self {
        Self {
            location,
            state: Mutex::new(state),
        }
    }

    pub(crate) fn location(&self) -> CallLocation {
        self.location
    }

    /// The caller asks for the outcome, and leaves its waker while there is none. `registered` is the caller's own note
    /// that it has left one: the first poll has none to compare with, and goes straight to leaving one.
    #[inline]
    pub(crate) fn poll(&self, registered: &mut bool, cx: &mut Context<'_>) -> Poll<Outcome<T>> {
        if *registered {
            let mut state = lock(&self.state);
            match &*state {
                State::Awaited(Some(waker)) if waker.will_wake(cx.waker()) => return Poll::Pending,
                State::Awaited(_) => {}
                _ => return state.take_outcome(),
            }
        }
        *registered = true;
        self.register(cx.waker().clone())
    }

    fn register(&self, waker: Waker) -> Poll<Outcome<T>> {
        let mut state = lock(&self.state);
        if let State::Awaited(registered) = &mut *state {
            let replaced = registered.replace(waker);
            drop(state);
            if replaced.is_some() {
                contain(move || drop(replaced));
            }
            return Poll::Pending;
        }
        let outcome = state.take_outcome();
        drop(state);
        // A panic of the waker's drop would take the outcome with it.
        contain(move || drop(waker));
        outcome
    }

    /// The caller goes, and leaves its hook behind for the outcome.
    pub(crate) fn leave(&self, hook: Option<Hook<T>>) {
        let orphan = Orphan::new(self.location, hook, || !self.is_finished());
        let mut state = lock(&self.state);
        match mem::replace(&mut *state, State::Settled) {
            State::Awaited(waker) => {
                *state = State::Orphaned(orphan);
                drop(state);
                if waker.is_some() {
                    contain(move || drop(waker));
                }
            }
            State::Ended(outcome) => {
                drop(state);
                orphan.conclude(self.location, outcome);
            }
            // A caller leaves once, and not after it was told: here only to leave no state without an answer.
            gone @ (State::Orphaned(_) | State::Settled) => *state = gone,
        }
    }

    /// The work has ended, and has been dropped: gives its outcome to whoever is there to take it.
    pub(crate) fn settle(&self, outcome: Outcome<T>) {
        let mut state = lock(&self.state);
        if let State::Awaited(_) = &*state {
            let awaited = mem::replace(&mut *state, State::Ended(outcome));
            drop(state);
            if let State::Awaited(Some(waker)) = awaited {
                contain(move || waker.wake());
            }
            return;
        }
        let orphaned = mem::replace(&mut *state, State::Settled);
        drop(state);
        if let State::Orphaned(orphan) = orphaned {
            orphan.conclude(self.location, outcome);
        }
    }

    /// Whether the work has ended.
    pub(crate) fn is_finished(&self) -> bool {
        matches!(*lock(&self.state), State::Ended(_) | State::Settled)
    }

    /// For `Debug`, which must not wait for a lock.
    pub(crate) fn describe(&self) -> &'static str {
        match self.state.try_lock() {
            Ok(state) => match *state {
                State::Awaited(_) | State::Orphaned(_) => "running",
                State::Ended(_) | State::Settled => "finished",
            },
            Err(_) => "changing",
        }
    }
}

impl<T> State<T> {
    /// The outcome, where it is there for the caller to take.
    #[inline]
    fn take_outcome(&mut self) -> Poll<Outcome<T>> {
        match mem::replace(self, Self::Settled) {
            Self::Ended(outcome) => Poll::Ready(outcome),
            other => {
                *self = other;
                Poll::Pending
            }
        }
    }
}

/// Makes the two sides of a shield and hands the work over. Returns the caller's side.
#[inline]
pub(crate) fn launch<F: Future>(
    location: CallLocation,
    future: F,
    on_gone: Option<SetOnDrop>,
    spawn: impl FnOnce(Work<F>),
) -> Awaiter<F::Output> {
    let relay = Arc::new(Relay::new(location));
    // Made before the work is handed over: if the spawner panics, the work that it may have taken has lost its caller.
    let awaiter = Awaiter::new(Arc::clone(&relay), on_gone);
    let _published = location::publish(location);
    spawn(Work::new(future, relay));
    awaiter
}
