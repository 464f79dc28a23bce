//! The locks, counters and shared pointers that this crate synchronises with: the standard
//! library's, or loom's under `--cfg shield_loom`. The cfg's name is our own because tokio and
//! others read `cfg(loom)`, too.

use std::sync::PoisonError;

#[cfg(shield_loom)]
pub(crate) use loom::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
#[cfg(not(shield_loom))]
pub(crate) use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// Declares thread-locals of `Cell`s without destructors, so that they can be used from the
/// destructors of others.
macro_rules! thread_cells {
    ($($(#[$attr:meta])* static $name:ident: $value:ty = $init:expr;)*) => {
        #[cfg(not(shield_loom))]
        std::thread_local! {
            $($(#[$attr])* static $name: std::cell::Cell<$value> = const { std::cell::Cell::new($init) };)*
        }
        #[cfg(shield_loom)]
        loom::thread_local! {
            $($(#[$attr])* static $name: std::cell::Cell<$value> = std::cell::Cell::new($init);)*
        }
    };
}
pub(crate) use thread_cells;

/// Reaches what `mutex` guards without locking it, even if a thread panicked while it held the lock.
pub(crate) fn get_mut<T>(mutex: &mut Mutex<T>) -> &mut T {
    mutex.get_mut().unwrap_or_else(PoisonError::into_inner)
}

/// Locks `mutex` even if a thread panicked while it held the lock. No foreign code runs under our
/// locks, so what they guard is whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
