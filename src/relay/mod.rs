//! The hand-over of one outcome from the work to its caller.
//!
//! Everything that the work and its caller decide between them is decided in [`Relay`], under one lock that is never
//! held while foreign code runs: wakers, hooks and outcomes are moved out of the state first, and used after.

mod awaiter;
mod hook;
mod launch;
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
pub(crate) use self::launch::launch;
pub(crate) use self::orphan::Orphan;
pub(crate) use self::trace::CallSpan;
pub(crate) use self::work::{Orphaned, Work};
use crate::error::Outcome;
use crate::util::CallLocation;
use crate::util::contain::contain;
use crate::util::flag::SetOnDrop;
use crate::util::sync::{Mutex, lock};

/// What the work and its caller share.
pub(crate) struct Relay<T> {
    location: CallLocation,
    state: Mutex<State<T>>,
}

/// Who is still there, and whose the outcome is.
///
/// ```text
///              the work ends            the caller polls, or is gone
/// Awaited ──────────────────> Ended ───────────────────────────────> Settled
///    │ the caller is gone                                               ^
///    └──────────────────────> Orphaned ─────────────────────────────────┘
///                                               the work ends
/// ```
enum State<T> {
    /// The work runs and its caller is there, with a waker once it has polled. Left by whichever of the two ends first.
    Awaited(Option<Waker>),
    /// The work runs and its caller is gone. Left by the work, when it ends.
    Orphaned(Orphan<T>),
    /// The work has ended and its outcome is not delivered. Left by the caller, who takes the outcome or is gone.
    Ended(Outcome<T>),
    /// The outcome has gone to the caller or to the hook. Nobody leaves it.
    Settled,
}

impl<T> Relay<T> {
    pub(crate) fn new(location: CallLocation) -> Self {
        Self {
            location,
            state: Mutex::new(State::Awaited(None)),
        }
    }

    pub(crate) fn location(&self) -> CallLocation {
        self.location
    }

    /// Takes the outcome for the caller, or stores the caller's waker until there is one.
    ///
    /// `registered` is `true` once the caller has stored a waker. On the first poll there is none to compare with, so
    /// one lock is saved.
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

    /// Stores `waker` in place of the caller's, and leaves the outcome where it is.
    pub(crate) fn replace_waker(&self, waker: Waker) {
        let mut state = lock(&self.state);
        let unused = match &mut *state {
            State::Awaited(registered) => registered.replace(waker),
            _ => Some(waker),
        };
        drop(state);
        contain(move || drop(unused));
    }

    /// Takes the outcome if the work has ended.
    pub(crate) fn take_ended(&self) -> Poll<Outcome<T>> {
        lock(&self.state).take_outcome()
    }

    /// The caller is gone: leaves `orphan` behind if the work still runs, or gives it the outcome if that was not
    /// delivered. `gone` has set its flag, and wakes whoever waits for it once the new state can be seen.
    pub(crate) fn abandon(&self, orphan: Orphan<T>, gone: Option<SetOnDrop>) {
        let mut state = lock(&self.state);
        match mem::replace(&mut *state, State::Settled) {
            State::Awaited(waker) => {
                orphan.count();
                let announcement = orphan.announcement();
                *state = State::Orphaned(orphan);
                drop(state);
                drop(gone);
                if waker.is_some() {
                    contain(move || drop(waker));
                }
                announcement.emit(self.location);
            }
            State::Ended(outcome) => {
                drop(state);
                orphan.take_late(self.location, outcome, gone);
            }
            // Unreachable: a caller is gone once, and not after delivery. The state is put back so that no arm panics.
            other @ (State::Orphaned(_) | State::Settled) => *state = other,
        }
    }

    /// Gives the outcome of the work, which has ended and was dropped, to whoever is there to take it.
    #[inline]
    pub(crate) fn settle(&self, outcome: Outcome<T>) {
        let mut state = lock(&self.state);
        if let State::Awaited(waker) = &mut *state {
            let waker = waker.take();
            *state = State::Ended(outcome);
            drop(state);
            if let Some(waker) = waker {
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

    /// Returns `true` if the work has ended.
    pub(crate) fn is_finished(&self) -> bool {
        matches!(*lock(&self.state), State::Ended(_) | State::Settled)
    }

    /// Returns a word for `Debug`, which must not wait for a lock.
    pub(crate) fn state_name(&self) -> &'static str {
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
    /// Takes the outcome if it is there.
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
