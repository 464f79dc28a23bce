//! A value that is there until it is taken.

use std::ops::{Deref, DerefMut};

/// A value that its owner takes out once, in a method that consumes the owner or in the owner's
/// `Drop`.
pub(crate) struct Held<T>(Option<T>);

impl<T> Held<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Some(value))
    }

    pub(crate) const fn is_held(&self) -> bool {
        self.0.is_some()
    }

    /// Takes the value out, for the owner's last use of it. Returns `None` if it was taken before.
    pub(crate) fn take(&mut self) -> Option<T> {
        self.0.take()
    }
}

const TAKEN: &str = "a held value is not used after it was taken";

impl<T> Deref for Held<T> {
    type Target = T;

    fn deref(&self) -> &T {
        match &self.0 {
            Some(value) => value,
            None => unreachable!("{TAKEN}"),
        }
    }
}

impl<T> DerefMut for Held<T> {
    fn deref_mut(&mut self) -> &mut T {
        match &mut self.0 {
            Some(value) => value,
            None => unreachable!("{TAKEN}"),
        }
    }
}
