//! smol: its global executor, and executors of one's own.

use std::future::Future;

use smol::{Executor, LocalExecutor};

use crate::spawn::{Spawn, SpawnLocal};

/// smol's global executor.
///
/// It runs on threads of its own (one, or as many as `SMOL_THREADS` says) and is never shut down. A
/// [`smol::Executor`] and a [`smol::LocalExecutor`] are spawners of their own.
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
    #[inline]
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        smol::spawn(future).detach();
    }
}

impl Spawn for Executor<'_> {
    #[inline]
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        self.spawn(future).detach();
    }
}

impl SpawnLocal for LocalExecutor<'_> {
    #[inline]
    fn spawn_local_detached<F: Future<Output = ()> + 'static>(&self, future: F) {
        self.spawn(future).detach();
    }
}
