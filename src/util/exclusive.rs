//! `Sync` for what is only ever reached by its owner.

use std::sync::{Mutex, PoisonError};

/// A value that is `Sync` although its type is not, because `&Exclusive` gives no way to it. The lock is never taken:
/// it is what the standard library has, without `unsafe`, to say so.
pub(crate) struct Exclusive<T>(Mutex<T>);

impl<T> Exclusive<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Mutex::new(value))
    }

    pub(crate) fn into_inner(self) -> T {
        self.0.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}
