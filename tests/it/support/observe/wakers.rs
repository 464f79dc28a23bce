//! Wakers that tell what is done to them, and that do something in answer.

use std::cell::{Cell, RefCell};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Wake, Waker};

use cooked_waker::{IntoWaker, WakeRef};

/// Counts its wakes.
#[derive(Default)]
pub(crate) struct Wakes(AtomicUsize);

impl Wakes {
    /// A counter and its waker.
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

/// A waker that runs closures: one whenever it is woken, one when its last clone is dropped.
pub(crate) struct Act {
    wake: Box<dyn Fn() + Send + Sync>,
    dropped: Box<dyn Fn() + Send + Sync>,
}

/// Makes the waker of an [`Act`].
pub(crate) fn act(wake: impl Fn() + Send + Sync + 'static, dropped: impl Fn() + Send + Sync + 'static) -> Waker {
    Waker::from(Arc::new(Act {
        wake: Box::new(wake),
        dropped: Box::new(dropped),
    }))
}

impl Wake for Act {
    fn wake(self: Arc<Self>) {
        (self.wake)();
    }
}

impl Drop for Act {
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

/// A waker whose clones and drops are counted one by one, and may do something, on this thread. All of them wake the same.
///
/// It has no size, so that a clone of its box has the same address, which is what `Waker::will_wake` compares.
pub(crate) struct Spy;

impl Spy {
    pub(crate) fn waker() -> Waker {
        ALIVE.set(ALIVE.get() + 1);
        // A clone, because only clones are sure to have one vtable between them.
        let waker = Box::new(Self).into_waker().clone();
        assert!(waker.will_wake(&waker.clone()), "a spy is one task");
        CLONES.set(0);
        waker
    }

    /// How often it was cloned.
    pub(crate) fn clones() -> usize {
        CLONES.get()
    }

    /// How many of it there are.
    pub(crate) fn alive() -> usize {
        ALIVE.get()
    }

    /// Its next clone runs `f` first.
    pub(crate) fn on_clone(f: impl FnOnce() + 'static) {
        ON_CLONE.set(Some(Box::new(f)));
    }

    /// Its next drop runs `f`.
    pub(crate) fn on_drop(f: impl FnOnce() + 'static) {
        ON_DROP.set(Some(Box::new(f)));
    }
}

impl Clone for Spy {
    fn clone(&self) -> Self {
        if let Some(f) = ON_CLONE.take() {
            f();
        }
        CLONES.set(CLONES.get() + 1);
        ALIVE.set(ALIVE.get() + 1);
        Self
    }
}

impl Drop for Spy {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1);
        if let Some(f) = ON_DROP.take() {
            f();
        }
    }
}

impl WakeRef for Spy {
    fn wake_by_ref(&self) {}
}

impl cooked_waker::Wake for Spy {}
