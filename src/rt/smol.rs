//! smol: its global executor.

use std::future::Future;

use crate::spawn::Spawn;

/// smol's global executor.
///
/// It runs on its own threads (one, or the number in `SMOL_THREADS`) and is never shut down. A
/// [`smol::Executor`] and a [`smol::LocalExecutor`] are spawners, too.
///
/// # Examples
///
/// ```
/// use futures_shield::{ShieldExt, Smol};
///
/// assert_eq!(smol::block_on(async { 7 }.shield(Smol)), 7);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct Smol;

impl Spawn for Smol {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        smol::spawn(future).detach();
    }
}
