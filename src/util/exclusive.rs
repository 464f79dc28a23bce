//! `Sync` for a value that is reached only by its owner.

use std::sync::{Mutex, PoisonError};

/// A value that is `Sync` even if its type is not, because `&Exclusive` gives no access to it. The
/// standard library has this as the unstable `std::sync::SyncView`, formerly `Exclusive`; a `Mutex`
/// that is never locked has the same effect without `unsafe`.
pub(crate) struct Exclusive<T>(Mutex<T>);

impl<T> Exclusive<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub(crate) fn get_mut(&mut self) -> &mut T {
        self.0.get_mut().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
