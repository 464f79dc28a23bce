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

/// The outcome as each clone gets it.
pub(super) type SharedOutcome<T> = Arc<Contained<Result<T, StdArc<ShieldError>>>>;

/// The caller's side of the work, for any number of waiters.
pub(super) struct Hub<T> {
    location: CallLocation,
    bell: StdArc<Bell>,
    state: Mutex<State<T>>,
}

enum State<T> {
    /// No clone has delivered. Left by the first that does. If the last clone is dropped instead,
    /// the awaiter is dropped with this, and the work has lost its caller.
    Waiting(Awaiter<T>),
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
            state: Mutex::new(State::Waiting(awaiter)),
        }
    }

    pub(super) fn location(&self) -> CallLocation {
        self.location
    }

    /// Returns a word for `Debug`, which must not wait for a lock.
    pub(super) fn state_name(&self) -> &'static str {
        match self.state.try_lock() {
            Ok(state) => match &*state {
                State::Waiting(awaiter) => awaiter.state_name(),
                State::Delivered(_) => "finished",
            },
            Err(_) => "changing",
        }
    }

    /// Returns the outcome of work that has ended, to the future called `name`. The first call
    /// delivers it.
    pub(super) fn outcome(&self, name: &str) -> SharedOutcome<T> {
        let mut state = lock(&self.state);
        let awaiter = match &mut *state {
            State::Delivered(outcome) => return Arc::clone(outcome),
            State::Waiting(awaiter) => awaiter,
        };
        let outcome = match awaiter.take_ended() {
            Poll::Ready(outcome) => share(outcome),
            // The shield had delivered it before it was shared.
            Poll::Pending => {
                drop(state);
                polled_after_completion(name, Some(self.location))
            }
        };
        let delivered = State::Delivered(Arc::clone(&outcome));
        let awaiter = mem::replace(&mut *state, delivered);
        drop(state);
        // The hook, which is not needed, and the wakers of those who wait for the caller to be
        // gone.
        drop(awaiter);
        outcome
    }
}

fn share<T>(outcome: Outcome<T>) -> SharedOutcome<T> {
    Arc::new(Contained::new(outcome.map_err(StdArc::new)))
}

/// Holds once the work has ended.
impl<T> Condition for Hub<T> {
    fn waiters(&self) -> &Waiters {
        &self.bell.waiters
    }

    fn holds(&self) -> bool {
        match &*lock(&self.state) {
            State::Waiting(awaiter) => awaiter.is_finished(),
            State::Delivered(_) => true,
        }
    }
}
