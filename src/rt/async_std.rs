//! async-std, for those who still need it.

use std::future::Future;

use crate::spawn::Spawn;

/// async-std's global executor.
///
/// async-std is discontinued
/// ([RUSTSEC-2025-0052](https://rustsec.org/advisories/RUSTSEC-2025-0052.html)): new code should
/// use smol, from whose crates async-std was built. The executor is never shut down.
///
/// # Examples
///
/// ```
/// use futures_shield::{AsyncStd, ShieldExt};
///
/// assert_eq!(async_std::task::block_on(async { 7 }.shield(AsyncStd)), 7);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct AsyncStd;

impl Spawn for AsyncStd {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        drop(async_std::task::spawn(future));
    }
}
