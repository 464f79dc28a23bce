//! The locks, counters and shared pointers this crate synchronises with: the standard library's, or loom's under
//! `--cfg shield_loom`. A cfg name of our own, because tokio and others read `cfg(loom)` too.

#[cfg(shield_loom)]
pub(crate) use loom::hint::spin_loop;
#[cfg(shield_loom)]
pub(crate) use loom::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};
#[cfg(not(shield_loom))]
pub(crate) use std::hint::spin_loop;
use std::sync::PoisonError;
#[cfg(not(shield_loom))]
pub(crate) use std::sync::{
    Arc, Mutex, MutexGuard,
    atomic::{AtomicBool, AtomicUsize, Ordering},
};

/// Locks, whatever happened to the thread that held the lock before: no foreign code runs under any of our locks, so
/// what they guard is whole even where a panic passed by.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
