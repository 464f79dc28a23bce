//! A flag that is set once and that tasks can wait for.

use super::sync::{Arc, AtomicBool, Ordering};
use super::wait::Condition;
use super::waiters::Waiters;

/// A flag that is set once. Any number of tasks can wait for it, from before or after that.
pub(crate) struct Flag {
    is_set: AtomicBool,
    waiters: Waiters,
}

/// Sets a [`Flag`] when it is dropped, and wakes the tasks that wait for the flag.
pub(crate) struct SetOnDrop(Arc<Flag>);

impl SetOnDrop {
    /// Returns another one for the same flag.
    #[cfg(feature = "tower")]
    pub(crate) fn another(&self) -> Self {
        Self(Arc::clone(&self.0))
    }

    /// Sets the flag now and leaves the waking to the drop. So the flag is seen by all foreign code
    /// that runs between.
    pub(crate) fn set(&self) {
        self.0.is_set.store(true, Ordering::Release);
    }
}

impl Drop for SetOnDrop {
    fn drop(&mut self) {
        self.set();
        self.0.waiters.wake_all();
    }
}

impl Flag {
    pub(crate) fn new() -> (Arc<Self>, SetOnDrop) {
        let flag = Arc::new(Self {
            is_set: AtomicBool::new(false),
            waiters: Waiters::new(),
        });
        (Arc::clone(&flag), SetOnDrop(flag))
    }

    pub(crate) fn is_set(&self) -> bool {
        self.is_set.load(Ordering::Acquire)
    }
}

impl Condition for Flag {
    fn waiters(&self) -> &Waiters {
        &self.waiters
    }

    fn holds(&self) -> bool {
        self.is_set()
    }
}
