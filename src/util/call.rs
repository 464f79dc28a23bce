//! The call to a spawner that this thread is in, if it is in one.
//!
//! `#[track_caller]` ends at a closure, at a `dyn` call and at `Drop`. So the location of the
//! user's `.shield*()` call is published in a thread-local for the length of the call to the
//! spawner. It is meant for that call only: foreign code that happens to run inside it (the work, a
//! hook, a waker, a drop) does not see it, because [`catch`](super::contain::catch) hides it.

use std::cell::Cell;

use super::CallLocation;
use super::sync::thread_cells;

/// What is being spawned, as trackers and [`spawn_location`](crate::spawn_location) see it.
#[derive(Clone, Copy)]
pub(crate) enum Call {
    /// This thread is in no call to a spawner.
    Outside,
    /// Foreign code runs inside a call to a spawner.
    Hidden,
    /// An eager shield spawns its work.
    Eager(CallLocation),
    /// Work that ran inline has lost its caller and is spawned.
    Inline(CallLocation),
    /// A future was spawned on a tracker or a [`DynSpawner`](crate::DynSpawner) directly, without a
    /// shield.
    Direct(CallLocation),
    /// A tracker or a `DynSpawner` has taken this call's work over. Another spawn in the same call
    /// is other work.
    Claimed(CallLocation),
}

thread_cells! {
    static CALL: Call = Call::Outside;
}

#[inline]
fn set(call: Call) {
    CALL.with(|current| current.set(call));
}

/// Sets the current call when it is dropped: to the one before, or to [`Call::Claimed`].
#[must_use]
pub(crate) struct Restore {
    then: Call,
}

impl Restore {
    /// Returns `true` if this call is inside another one.
    #[inline]
    pub(crate) fn is_nested(&self) -> bool {
        !matches!(self.then, Call::Outside)
    }
}

impl Drop for Restore {
    #[inline]
    fn drop(&mut self) {
        set(self.then);
    }
}

/// Makes `call` the current one until the guard is dropped. A guard, because a spawner may panic;
/// and not a closure, because `#[track_caller]` ends there.
#[inline]
pub(crate) fn enter(call: Call) -> Restore {
    Restore {
        then: CALL.with(|current| current.replace(call)),
    }
}

/// Hides the current call from foreign code until the guard is dropped. Usually there is none to
/// hide, and nothing to restore.
#[inline]
pub(crate) fn hide() -> Option<Restore> {
    match Call::current() {
        Call::Outside => None,
        before => {
            set(Call::Hidden);
            Some(Restore { then: before })
        }
    }
}

/// Returns `true` if foreign code would see a call to a spawner.
#[inline]
pub(crate) fn is_visible() -> bool {
    !matches!(Call::current(), Call::Outside | Call::Hidden)
}

/// Takes over the work that is being spawned. If there is none to take, the future was spawned
/// directly by `caller`. Returns the call to the spawner inside, which is the current one until the
/// guard is dropped.
#[inline]
pub(crate) fn claim(caller: CallLocation) -> (Call, Restore) {
    let call = Call::current();
    match call {
        Call::Eager(location) | Call::Inline(location) | Call::Direct(location) => {
            let then = Call::Claimed(location);
            (call, Restore { then })
        }
        Call::Outside | Call::Hidden | Call::Claimed(_) => {
            let direct = Call::Direct(caller);
            (direct, enter(direct))
        }
    }
}

/// Returns `true` if the current call's work was taken over by [`claim`].
#[inline]
pub(crate) fn is_claimed() -> bool {
    matches!(Call::current(), Call::Claimed(_))
}

impl Call {
    /// Returns the location of the user's call.
    pub(crate) fn location(self) -> Option<CallLocation> {
        match self {
            Self::Outside | Self::Hidden => None,
            Self::Eager(location) | Self::Inline(location) | Self::Direct(location) | Self::Claimed(location) => {
                Some(location)
            }
        }
    }

    /// Returns the current call.
    #[inline]
    pub(crate) fn current() -> Self {
        CALL.with(Cell::get)
    }
}
