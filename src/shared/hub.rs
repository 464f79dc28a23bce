//! What the clones of a shared shield share.

use std::mem;
use std::sync::Arc as StdArc;
use std::task::{Poll, Wake, Waker};

use crate::error::{Outcome, ShieldError};
use crate::relay::Awaiter;
use crate::util::contain::Contained;
use crate::util::sync::{Arc, Mutex, lock};
use crate::util::wait::Condition;
use crate::util::waiters::Waiters;
use crate::util::{CallLocation, polled_after_completion};

/// The outcome as each clone gets it. The output is still to be cloned, which is foreign code.
type SharedOutcome<T> = Result<Arc<Contained<T>>, StdArc<ShieldError>>;

/// The caller's side of the work, for any number of waiters.
pub(super) struct Hub<T> {
    location: CallLocation,
    bell: StdArc<Bell>,
    state: Mutex<State<T>>,
}

enum State<T> {
    /// No clone has delivered. Left by the first that does. If the last clone is dropped instead,
    /// the awaiter is dropped with this, and the work has lost its caller.
    Undelivered {
        awaiter: Awaiter<T>,
        /// Taken from the awaiter for a clone that was polled. If cloning the output panicked, that
        /// clone has not delivered.
        seen: Option<SharedOutcome<T>>,
    },
    /// A clone has delivered. The final state.
    Delivered(SharedOutcome<T>),
}

/// The only waker that the work ever sees. It wakes every waiter, so none depends on another one
/// being polled.
struct Bell {
    waiters: Waiters,
}

impl Wake for Bell {
    fn wake(self: StdArc<Self>) {
        self.waiters.wake_all();
    }
}

impl<T> Hub<T> {
    pub(super) fn new(awaiter: Awaiter<T>) -> Self {
        let bell = StdArc::new(Bell {
            waiters: Waiters::new(),
        });
        awaiter.register(Waker::from(StdArc::clone(&bell)));
        Self {
            location: awaiter.location(),
            bell,
            state: Mutex::new(State::Undelivered { awaiter, seen: None }),
        }
    }

    pub(super) fn location(&self) -> CallLocation {
        self.location
    }

    /// Returns a word for `Debug`, which must not wait for a lock.
    pub(super) fn state_name(&self) -> &'static str {
        match self.state.try_lock() {
            Ok(state) => match &*state {
                State::Undelivered { awaiter, .. } => awaiter.state_name(),
                State::Delivered(_) => "finished",
            },
            Err(_) => "changing",
        }
    }

    /// Returns `true` if the shield had delivered before it was shared.
    pub(super) fn is_empty(&self) -> bool {
        matches!(&*lock(&self.state), State::Undelivered { awaiter, .. } if awaiter.is_delivered())
    }

    /// Delivers the outcome of work that has ended, to the future called `name`.
    pub(super) fn deliver(&self, name: &str) -> Result<T, StdArc<ShieldError>>
    where
        T: Clone,
    {
        let outcome = self.outcome(name);
        let copy = match &outcome {
            Ok(output) => Ok(T::clone(output)),
            Err(error) => Err(StdArc::clone(error)),
        };
        self.delivered(outcome);
        copy
    }

    fn outcome(&self, name: &str) -> SharedOutcome<T> {
        let mut state = lock(&self.state);
        match &mut *state {
            State::Undelivered {
                awaiter,
                seen: seen @ None,
            } => {
                if let Poll::Ready(outcome) = awaiter.take_ended() {
                    return seen.insert(share(outcome)).clone();
                }
            }
            State::Undelivered {
                seen: Some(outcome), ..
            }
            | State::Delivered(outcome) => return outcome.clone(),
        }
        // The shield had delivered it before it was shared.
        drop(state);
        polled_after_completion(name, Some(self.location))
    }

    fn delivered(&self, outcome: SharedOutcome<T>) {
        let mut state = lock(&self.state);
        if let State::Undelivered { awaiter, .. } = &*state {
            awaiter.set_gone();
        }
        let before = mem::replace(&mut *state, State::Delivered(outcome));
        drop(state);
        if let State::Undelivered { mut awaiter, .. } = before {
            awaiter.stop_waiting();
        }
    }
}

/// The last clone is dropped. If none has delivered, the awaiter gives the outcome to the hook.
impl<T> Drop for Hub<T> {
    fn drop(&mut self) {
        if let State::Undelivered { awaiter, seen } = &mut *lock(&self.state) {
            if let Some(outcome) = seen.take().and_then(unshare) {
                awaiter.give_back(outcome);
            }
        }
    }
}

fn share<T>(outcome: Outcome<T>) -> SharedOutcome<T> {
    match outcome {
        Ok(output) => Ok(Arc::new(Contained::new(output))),
        Err(error) => Err(StdArc::new(error)),
    }
}

/// Returns the outcome if no clone still holds it.
fn unshare<T>(outcome: SharedOutcome<T>) -> Option<Outcome<T>> {
    match outcome {
        Ok(output) => Some(Ok(Arc::try_unwrap(output).ok()?.into_inner())),
        Err(error) => Some(Err(StdArc::into_inner(error)?)),
    }
}

/// Holds once the work has ended.
impl<T> Condition for Hub<T> {
    fn waiters(&self) -> &Waiters {
        &self.bell.waiters
    }

    fn holds(&self) -> bool {
        match &*lock(&self.state) {
            State::Undelivered { awaiter, .. } => awaiter.is_finished(),
            State::Delivered(_) => true,
        }
    }
}
