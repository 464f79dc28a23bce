//! Foreign code whose panic must go no further: hooks, wakers, and the drops of futures, outputs,
//! payloads, spawners.
//!
//! This is the one mechanism that keeps two panics apart. Every user value that this crate owns is
//! in a [`Contained`], a [`Slot`](super::slot::Slot) or is dropped through [`contain`], so no two
//! of them are ever dropped by the same drop glue, and none panics out of a `Drop` of ours.

use std::any::Any;
use std::fmt;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::call;
use super::held::Held;

/// What a panic carries.
pub(crate) type Payload = Box<dyn Any + Send + 'static>;

/// Runs `foreign` and returns its value, or what it panicked with. Inside it, the current call to a
/// spawner is hidden.
#[inline]
pub(crate) fn catch<R>(foreign: impl FnOnce() -> R) -> Result<R, Payload> {
    if call::is_visible() {
        catch_hidden(foreign)
    } else {
        catch_visible(foreign)
    }
}

fn catch_hidden<R>(foreign: impl FnOnce() -> R) -> Result<R, Payload> {
    let _hidden = call::hide();
    catch_visible(foreign)
}

/// Like [`catch`], but hides no call: there is none, or the caller wants it to be seen.
///
/// Unwind safety is asserted here, once: after a panic, the values that `foreign` could reach are
/// only dropped, and our own state is whole, because no foreign code runs while it changes.
pub(crate) fn catch_visible<R>(foreign: impl FnOnce() -> R) -> Result<R, Payload> {
    catch_unwind(AssertUnwindSafe(foreign))
}

/// Runs `foreign` and stops its panic. The panic hook has reported it already.
#[inline]
pub(crate) fn contain(foreign: impl FnOnce()) {
    if let Err(payload) = catch(foreign) {
        discard(payload);
    }
}

/// Drops a payload whose own drop may panic. The payload of that second panic is leaked: dropping
/// it might panic again.
pub(crate) fn discard(payload: Payload) {
    if let Err(second) = catch(|| drop(payload)) {
        mem::forget(second);
    }
}

/// A value whose `Drop` may panic. If it is dropped before it is taken out, the panic is caught.
pub(crate) struct Contained<T>(Held<T>);

impl<T> Contained<T> {
    pub(crate) const fn new(value: T) -> Self {
        Self(Held::new(value))
    }

    pub(crate) fn into_inner(mut self) -> T {
        self.take()
    }

    /// Takes the value out, for its owner's last use of it.
    pub(crate) fn take(&mut self) -> T {
        match self.0.take() {
            Some(value) => value,
            None => unreachable!("it is taken once"),
        }
    }
}

impl<T> Deref for Contained<T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T> DerefMut for Contained<T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl<T: Clone> Clone for Contained<T> {
    fn clone(&self) -> Self {
        Self::new((**self).clone())
    }
}

impl<T: fmt::Debug> fmt::Debug for Contained<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}

impl<T> Drop for Contained<T> {
    fn drop(&mut self) {
        if mem::needs_drop::<T>() && self.0.is_held() {
            drop_contained(self.0.take());
        }
    }
}

/// Drops what was not taken. A function of its own, so that in a debug build the frame of each
/// `Drop` holds one copy of the value, and not three; and not inlined, so that a value which is
/// dropped only while unwinding need not be in memory: 7 instructions on drop.
#[inline(never)]
fn drop_contained<T>(value: Option<T>) {
    contain(move || drop(value));
}
