//! The hand-over of one outcome from the work to its caller.
//!
//! Everything that the work and its caller decide between them is decided here, under one lock that is never held
//! while foreign code runs: wakers, hooks and outcomes are moved out of the state first, and touched after.

use std::mem;
use std::task::{Context, Poll, Waker};

use crate::contain::contain;
use crate::error::Outcome;
use crate::hook::Hook;
use crate::orphan::Orphan;
use crate::site::Site;
use crate::sync::{Mutex, lock};

/// What the work and its caller share.
pub(crate) struct Relay<T> {
    site: Site,
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
    pub(crate) fn new(site: Site) -> Self {
        Self::with(site, State::Awaited(None))
    }

    /// For work that has lost its caller before it became a task.
    pub(crate) fn orphaned(site: Site, hook: Option<Hook<T>>) -> Self {
        Self::with(site, State::Orphaned(Orphan::new(site, hook, || true)))
    }

    fn with(site: Site, state: State<T>) -> Self {
        Self {
            site,
            state: Mutex::new(state),
        }
    }

    pub(crate) fn site(&self) -> Site {
        self.site
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
        let orphan = Orphan::new(self.site, hook, || !self.is_finished());
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
                orphan.conclude(self.site, outcome);
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
            orphan.conclude(self.site, outcome);
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
