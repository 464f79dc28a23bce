//! Wakers that record what is done to them, and wakers that run closures.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use cooked_waker::{IntoWaker, WakeRef};

/// Counts its wakes.
#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    /// Returns a counter and its waker.
    pub(crate) fn new() -> (Arc<Self>, Waker) {
        let wakes = Arc::new(Self::default());
        let waker = Waker::from(Arc::clone(&wakes));
        (wakes, waker)
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

impl Wake for Wakes {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }
}

/// Returns a waker that runs `wake` whenever it is woken, and `dropped` when its last clone is
/// dropped.
pub(crate) fn callback_waker(
    wake: impl Fn() + Send + Sync + 'static,
    dropped: impl Fn() + Send + Sync + 'static,
) -> Waker {
    Waker::from(Arc::new(Callbacks {
        wake: Box::new(wake),
        dropped: Box::new(dropped),
    }))
}

struct Callbacks {
    wake: Box<dyn Fn() + Send + Sync>,
    dropped: Box<dyn Fn() + Send + Sync>,
}

impl Wake for Callbacks {
    fn wake(self: Arc<Self>) {
        (self.wake)();
    }
}

impl Drop for Callbacks {
    fn drop(&mut self) {
        (self.dropped)();
    }
}

thread_local! {
    static CLONES: Cell<usize> = const { Cell::new(0) };
    static ALIVE: Cell<usize> = const { Cell::new(0) };
    static ON_CLONE: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
    static ON_DROP: RefCell<Option<Box<dyn FnOnce()>>> = const { RefCell::new(None) };
}

/// A waker whose clones and drops are counted one by one on this thread, and may run a closure.
///
/// It has no size, so that a clone of its box has the same address, which is what
/// `Waker::will_wake` compares.
pub(crate) struct CloneCounter;

impl CloneCounter {
    pub(crate) fn waker() -> Waker {
        ALIVE.set(ALIVE.get() + 1);
        // A clone, because only clones are sure to have one vtable between them.
        let waker = Box::new(Self).into_waker().clone();
        assert!(waker.will_wake(&waker.clone()), "its clones are one task");
        CLONES.set(0);
        waker
    }

    /// Returns how often it was cloned.
    pub(crate) fn clones() -> usize {
        CLONES.get()
    }

    /// Returns how many clones are alive.
    pub(crate) fn alive() -> usize {
        ALIVE.get()
    }

    /// Runs `f` at the beginning of its next clone.
    pub(crate) fn on_clone(f: impl FnOnce() + 'static) {
        ON_CLONE.set(Some(Box::new(f)));
    }

    /// Runs `f` at its next drop.
    pub(crate) fn on_drop(f: impl FnOnce() + 'static) {
        ON_DROP.set(Some(Box::new(f)));
    }
}

impl Clone for CloneCounter {
    fn clone(&self) -> Self {
        if let Some(f) = ON_CLONE.take() {
            f();
        }
        CLONES.set(CLONES.get() + 1);
        ALIVE.set(ALIVE.get() + 1);
        Self
    }
}

impl Drop for CloneCounter {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1);
        if let Some(f) = ON_DROP.take() {
            f();
        }
    }
}

impl WakeRef for CloneCounter {
    fn wake_by_ref(&self) {}
}

impl cooked_waker::Wake for CloneCounter {}
