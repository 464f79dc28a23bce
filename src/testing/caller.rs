//! A `Caller` without a shield, for unit tests of work that takes one.

use std::fmt;

use crate::caller::Caller;
use crate::util::flag::SetOnDrop;

/// Returns a [`Caller`] for a unit test, and the guard that stands for the caller's side.
///
/// The caller is gone once the guard is dropped. In the tuple's pattern, give the guard a name: `_`
/// drops it immediately.
///
/// # Examples
///
/// ```
/// use futures_shield::{Caller, testing};
///
/// /// Waits for the confirmation as long as the customer does.
/// async fn book(caller: Caller, confirmed: impl Future<Output = ()>) -> &'static str {
///     match caller.run_until_gone(confirmed).await {
///         Some(()) => "booked",
///         None => "released",
///     }
/// }
///
/// # futures_executor::block_on(async {
/// let (caller, _guard) = testing::caller();
/// assert_eq!(book(caller, async {}).await, "booked");
///
/// let (caller, guard) = testing::caller();
/// drop(guard); // the customer hangs up
/// assert_eq!(book(caller, async {}).await, "released");
/// # });
/// ```
#[must_use = "the caller is gone once the guard is dropped"]
pub fn caller() -> (Caller, CallerGuard) {
    let (caller, on_gone) = Caller::new();
    (caller, CallerGuard { _on_gone: on_gone })
}

/// Guard returned by [`caller`]: the caller is gone once this is dropped.
#[must_use = "the caller is gone once this is dropped"]
pub struct CallerGuard {
    _on_gone: SetOnDrop,
}

impl fmt::Debug for CallerGuard {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CallerGuard").finish_non_exhaustive()
    }
}
