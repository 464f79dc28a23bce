//! Tokio: a runtime by its handle, and the two ways to its local tasks.

use std::future::Future;

use tokio::runtime::{Handle, TryCurrentError};
use tokio::task::LocalSet;

use crate::spawn::{Spawn, SpawnLocal};

/// A Tokio runtime.
///
/// It holds the runtime's handle, so it can be called from anywhere: the ambient runtime is looked
/// up once, in [`Tokio::current`]. A runtime that has shut down drops the futures that it receives.
/// A [`Handle`] is a spawner, too.
///
/// A current-thread runtime runs tasks only inside its `block_on`: its orphans stop when that
/// returns, and continue in the next `block_on`.
///
/// # Examples
///
/// ```
/// use futures_shield::{ShieldExt, Tokio};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// assert_eq!(async { 7 }.shield(Tokio::current()).await, 7);
/// # });
/// ```
#[derive(Clone, Debug)]
pub struct Tokio {
    handle: Handle,
}

impl Tokio {
    /// Returns a spawner for the runtime that this thread is in.
    ///
    /// # Panics
    ///
    /// Panics outside of a Tokio runtime. [`Tokio::try_current`] returns an error instead.
    #[must_use]
    #[track_caller]
    pub fn current() -> Self {
        match Self::try_current() {
            Ok(current) => current,
            Err(error) => panic!(
                "`Tokio::current()` was called outside of a Tokio runtime: call it inside one, or create one \
                 from a handle: `Tokio::from(handle)` ({error})"
            ),
        }
    }

    /// Returns a spawner for the runtime that this thread is in, if it is in one.
    ///
    /// # Errors
    ///
    /// Returns an error outside of a Tokio runtime.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_shield::Tokio;
    ///
    /// assert!(Tokio::try_current().is_err());
    /// ```
    pub fn try_current() -> Result<Self, TryCurrentError> {
        Handle::try_current().map(Self::from)
    }
}

impl From<Handle> for Tokio {
    fn from(handle: Handle) -> Self {
        Self { handle }
    }
}

impl Spawn for Tokio {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        self.handle.spawn_detached(future);
    }
}

impl Spawn for Handle {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        drop(self.spawn(future));
    }
}

impl SpawnLocal for LocalSet {
    fn spawn_local_detached<F: Future<Output = ()> + 'static>(&self, future: F) {
        drop(self.spawn_local(future));
    }
}

/// The Tokio `LocalSet` or `LocalRuntime` that this thread is running, for code that cannot reach
/// the set itself (as in actix).
///
/// Unlike every other spawner it cannot be called from anywhere: at each spawn it looks for the set
/// that the thread is running, and panics if there is none. Prefer the `LocalSet` itself, which is
/// a spawner, too.
///
/// # Examples
///
/// ```
/// use std::rc::Rc;
/// use futures_shield::{ShieldExt, TokioLocal};
///
/// let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// let local = tokio::task::LocalSet::new();
/// local.block_on(&runtime, async {
///     let shared = async { Rc::new(7) }.shield_local(TokioLocal).await;
///     assert_eq!(*shared, 7);
/// });
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TokioLocal;

impl SpawnLocal for TokioLocal {
    #[track_caller]
    fn spawn_local_detached<F: Future<Output = ()> + 'static>(&self, future: F) {
        drop(tokio::task::spawn_local(future));
    }
}
