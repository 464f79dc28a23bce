//! Futures that are polled once too often.

use crate::spawn::location::CallLocation;

/// Ends a poll that comes after the end, in words. Out of line, so that the polls before it stay short.
#[cold]
#[inline(never)]
pub(crate) fn polled_after_completion(name: &str, location: CallLocation) -> ! {
    panic!("`{name}` polled after completion: it was made at {location}")
}
