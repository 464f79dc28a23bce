//! The locks, counters and shared pointers that this crate synchronises with: the standard library's, or loom's under
//! `--cfg shield_loom`. The cfg's name is our own because tokio and others read `cfg(loom)`, too.

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

/// Locks `mutex` even if a thread panicked while it held the lock. No foreign code runs under our locks, so what they
/// guard is whole.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
