//! Foreign code whose panic must go no further: hooks, wakers, and the drops of futures, outputs and payloads.

use std::any::Any;
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// What a panic carries.
pub(crate) type Payload = Box<dyn Any + Send + 'static>;

/// Runs `foreign`, or gives what it panicked with.
///
/// Unwind safety is asserted here, once: nothing that `foreign` can reach is used after its panic but to be dropped.
#[inline]
pub(crate) fn catch<R>(foreign: impl FnOnce() -> R) -> Result<R, Payload> {
    catch_unwind(AssertUnwindSafe(foreign))
}

/// Runs `foreign` and ends its panic here. The panic hook has reported it already.
#[inline]
pub(crate) fn contain(foreign: impl FnOnce()) {
    if let Err(payload) = catch(foreign) {
        discard(payload);
    }
}

/// Drops a payload whose own drop may panic. What that second panic carries is leaked: dropping it might panic again.
#[cold]
pub(crate) fn discard(payload: Payload) {
    if let Err(second) = catch(|| drop(payload)) {
        mem::forget(second);
    }
}

/// A value that is foreign code to drop: where it is dropped here, and not taken out before, its panic is contained. So
/// it is safe to hold while something else may unwind.
pub(crate) struct Contained<T>(Option<T>);

impl<T> Contained<T> {
    #[inline]
    pub(crate) fn new(value: T) -> Self {
        Self(Some(value))
    }

    #[inline]
    pub(crate) fn get(&self) -> &T {
        match &self.0 {
            Some(value) => value,
            None => unreachable!("only `into_inner` takes it"),
        }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self) -> &mut T {
        match &mut self.0 {
            Some(value) => value,
            None => unreachable!("only `into_inner` takes it"),
        }
    }

    #[inline]
    pub(crate) fn into_inner(mut self) -> T {
        match self.0.take() {
            Some(value) => value,
            None => unreachable!("only `into_inner` takes it"),
        }
    }
}

impl<T> Drop for Contained<T> {
    #[inline]
    fn drop(&mut self) {
        if mem::needs_drop::<T>() {
            if let Some(value) = self.0.take() {
                contain(move || drop(value));
            }
        }
    }
}
