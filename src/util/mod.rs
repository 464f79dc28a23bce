//! What the rest of the crate is built from. Nothing here knows what a shield is.

pub(crate) mod call;
pub(crate) mod contain;
pub(crate) mod exclusive;
pub(crate) mod flag;
pub(crate) mod held;
pub(crate) mod slot;
pub(crate) mod sync;
pub(crate) mod wait;
pub(crate) mod waiters;

use std::mem;
use std::panic::Location;

/// A place in the user's source.
pub(crate) type CallLocation = &'static Location<'static>;

/// Whether a future of type `F` is boxed before it is moved any further. Between the user's call
/// and the executor a future is moved several times; above this size one allocation costs less than
/// the copies, and in a debug build it keeps them off the stack (benches/RESULTS.md, "large
/// futures"). It is checked in an `if const { .. }`, so that only the branch that is taken is
/// compiled.
pub(crate) const fn is_large<F>() -> bool {
    size_of::<F>() > 2048
}

/// Stores `value` over one that needs no drop. An assignment would look for something to drop: 44
/// instructions if the caller of an eager shield is dropped, 4 if it awaits, 2 on drop.
pub(crate) fn overwrite<T>(place: &mut T, value: T) {
    mem::forget(mem::replace(place, value));
}

/// Panics because a future called `name` was polled after completion.
pub(crate) fn polled_after_completion(name: &str, location: Option<CallLocation>) -> ! {
    match location {
        Some(location) => panic!("`{name}` polled after completion: it was made at {location}"),
        None => panic!("`{name}` polled after completion"),
    }
}
