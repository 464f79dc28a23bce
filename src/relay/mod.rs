//! The hand-over of one outcome from the work to its caller.
//!
//! Everything that the work and its caller decide between them is decided in [`Relay`], under one
//! lock that is never held while foreign code runs: wakers, hooks and outcomes are moved out of the
//! state first, and used after.

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
pub(crate) use self::trace::{CallSpan, EMITS};
pub(crate) use self::work::{Orphaned, Work};
use crate::error::Outcome;
use crate::ledger::{Count, Lines};
use crate::spawn::handover::{EagerCall, eager_call};
use crate::util::contain::contain;
use crate::util::flag::SetOnDrop;
use crate::util::sync::{Mutex, MutexGuard, get_mut, lock};
use crate::util::{CallLocation, overwrite};

/// What the work and its caller share.
pub(crate) struct Relay<T> {
    location: CallLocation,
    shared: Mutex<Shared<T>>,
}

struct Shared<T> {
    state: State<T>,
    /// The lines at which trackers count the work: until it has ended, and again while its hook
    /// runs after that.
    lines: Lines,
}

/// The state of the hand-over. It says which of the two sides is still there, and whether the
/// outcome is stored or taken.
///
/// ```text
///              the work ends              the caller polls, or is gone
/// Awaited ──────────────────────> Ended ───────────────────────────────> Settled
///    │ the caller is gone                                                   ^
///    └──────────────────────> Orphaned ─────────────────────────────────────┘
///                                              the work ends
/// ```
enum State<T> {
    /// The work runs and its caller is there, with a waker once it has polled. Left by whichever of
    /// the two ends first.
    Awaited(Option<Waker>),
    /// The work runs and its caller is gone. Left by the work, when it ends.
    Orphaned(Orphan<T>),
    /// The work has ended and its outcome is not delivered. Left by the caller, who takes the
    /// outcome or is gone.
    Ended(Outcome<T>),
    /// The outcome has gone to the caller or to the hook. The final state, unless a shared shield
    /// has the outcome and gives it back.
    Settled,
}

impl<T> Relay<T> {
    #[inline]
    pub(crate) fn new(location: CallLocation) -> Self {
        Self {
            location,
            shared: Mutex::new(Shared {
                state: State::Awaited(None),
                lines: Lines::none(),
            }),
        }
    }

    pub(crate) fn location(&self) -> CallLocation {
        self.location
    }

    /// Takes over the count that trackers began at `lines` during the call to the spawner. The work
    /// may have ended by now.
    #[inline]
    fn adopt(&self, lines: Lines) {
        let mut shared = lock(&self.shared);
        overwrite(&mut shared.lines, lines);
        // The caller is still in the call, so it has not taken the outcome and is not gone.
        if let State::Ended(_) = shared.state {
            let drained = shared.lines.leave();
            drop(shared);
            drained.wake();
        }
    }

    /// Takes the outcome for the caller, or stores the caller's waker until there is one.
    ///
    /// `registered` is `true` once the caller has stored a waker. On the first poll there is none
    /// to compare with, so one lock is saved.
    #[inline]
    pub(crate) fn poll(&self, registered: &mut bool, cx: &mut Context<'_>) -> Poll<Outcome<T>> {
        if *registered {
            let mut shared = lock(&self.shared);
            match &shared.state {
                State::Awaited(Some(waker)) if waker.will_wake(cx.waker()) => return Poll::Pending,
                State::Awaited(_) => {}
                _ => return shared.state.take_outcome(),
            }
        }
        *registered = true;
        if self.register(cx.waker().clone()) {
            return Poll::Pending;
        }
        self.take_ended()
    }

    /// Stores `waker` in place of the caller's. Returns `false`, and drops it, if the work has
    /// ended.
    pub(crate) fn register(&self, waker: Waker) -> bool {
        let mut shared = lock(&self.shared);
        if let State::Awaited(registered) = &mut shared.state {
            let replaced = registered.replace(waker);
            drop(shared);
            if let Some(replaced) = replaced {
                contain(move || drop(replaced));
            }
            return true;
        }
        drop(shared);
        // Before the outcome is taken: foreign code runs in no state between ended and delivered.
        contain(move || drop(waker));
        false
    }

    /// Takes the outcome without a lock: the work has ended, and its task is gone.
    fn take_alone(&mut self) -> Poll<Outcome<T>> {
        get_mut(&mut self.shared).state.take_outcome()
    }

    /// Takes the outcome if the work has ended.
    pub(crate) fn take_ended(&self) -> Poll<Outcome<T>> {
        lock(&self.shared).state.take_outcome()
    }

    /// Takes back an outcome that was taken and not delivered.
    pub(crate) fn give_back(&self, outcome: Outcome<T>) {
        lock(&self.shared).state = State::Ended(outcome);
    }

    /// The caller is gone: leaves `orphan` behind if the work still runs, or gives it the outcome
    /// if that was not delivered. `gone` has set its flag, and wakes its waiters once the new state
    /// can be seen.
    #[inline]
    pub(crate) fn abandon(&self, orphan: Orphan<T>, gone: Option<SetOnDrop>) {
        let mut shared = lock(&self.shared);
        let State::Awaited(waker) = &mut shared.state else {
            return self.abandon_ended(shared, orphan, gone);
        };
        let waker = waker.take();
        let announcement = orphan.announcement();
        overwrite(&mut shared.state, State::Orphaned(orphan));
        shared.lines.orphaned();
        drop(shared);
        drop(gone);
        if waker.is_some() {
            contain(move || drop(waker));
        }
        announcement.emit(self.location);
    }

    /// The same after the work has ended.
    fn abandon_ended(&self, mut shared: MutexGuard<'_, Shared<T>>, orphan: Orphan<T>, gone: Option<SetOnDrop>) {
        // Otherwise it was delivered, and an awaiter that has delivered does not abandon.
        if let Poll::Ready(outcome) = shared.state.take_outcome() {
            let count = Count::begin(shared.lines.take());
            drop(shared);
            orphan.take_late(self.location, outcome, count, gone);
        }
    }

    /// Gives the outcome of the work, which has ended and was dropped, to the caller, or to the
    /// hook of an orphan.
    #[inline]
    pub(crate) fn settle(&self, outcome: Outcome<T>) {
        let mut shared = lock(&self.shared);
        if let State::Orphaned(orphan) = &mut shared.state {
            let orphan = orphan.take();
            overwrite(&mut shared.state, State::Settled);
            let count = Count::taken_over(shared.lines.take());
            drop(shared);
            orphan.conclude(self.location, outcome, count);
            return;
        }
        let State::Awaited(waker) = mem::replace(&mut shared.state, State::Ended(outcome)) else {
            // Work ends once. No `unreachable!`, because this runs in drops.
            return;
        };
        if shared.lines.is_none() {
            drop(shared);
        } else {
            // Under the lock: otherwise a caller that is gone at this moment would count its hook
            // while the work still counts.
            let drained = shared.lines.leave();
            drop(shared);
            // Before the caller is woken, which may spawn more work: now nothing runs.
            drained.wake();
        }
        if let Some(waker) = waker {
            contain(move || waker.wake());
        }
    }

    /// Returns `true` if the work has ended.
    pub(crate) fn is_finished(&self) -> bool {
        !matches!(lock(&self.shared).state, State::Awaited(_) | State::Orphaned(_))
    }

    /// Returns a word for `Debug`, which must not wait for a lock.
    pub(crate) fn state_name(&self) -> &'static str {
        match self.shared.try_lock() {
            Ok(shared) => match shared.state {
                State::Awaited(_) | State::Orphaned(_) => "running",
                State::Ended(_) | State::Settled => "finished",
            },
            Err(_) => "changing",
        }
    }
}

/// The call to the spawner of an eager shield. When it ends, even by unwinding, it stores in the
/// relay the lines at which trackers count the work.
pub(crate) struct SpawnCall<'a, T> {
    relay: &'a Relay<T>,
    call: EagerCall,
}

impl<'a, T> SpawnCall<'a, T> {
    #[inline]
    fn begin(relay: &'a Relay<T>) -> Self {
        Self {
            relay,
            call: eager_call(relay.location),
        }
    }

    fn adopt(&mut self) {
        let lines = self.call.take_lines();
        if !lines.is_none() {
            self.relay.adopt(lines);
        }
    }
}

impl<T> Drop for SpawnCall<'_, T> {
    #[inline]
    fn drop(&mut self) {
        if self.call.has_lines() {
            self.adopt();
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
