//! The runtime that the enabled features select.

use std::future::Future;

use crate::spawn::Spawn;

/// Returns a spawner for the runtime that the enabled features select.
///
/// If this thread is in a Tokio runtime (feature `tokio`), that runtime is selected. Otherwise it
/// is smol's global executor (feature `smol`), or else async-std's (feature `async-std`). Enabling
/// one more feature never breaks a build. The choice is made in this call, and the spawner can be
/// called from anywhere afterwards. This is for applications; a library takes `impl Spawn` instead.
///
/// If any crate in the build enables `smol` or `async-std`, a thread outside of Tokio gets that
/// executor instead of a panic. If that matters, name the runtime.
///
/// # Panics
///
/// Panics outside of a Tokio runtime if `tokio` is the only one of the three features.
///
/// # Examples
///
/// ```
/// use futures_shield::{ShieldExt, current_runtime};
///
/// # #[cfg(feature = "smol")] {
/// // This thread is in no Tokio runtime, so it is smol's executor.
/// let shield = async { 7 }.shield(current_runtime());
/// assert_eq!(smol::block_on(shield), 7);
/// # }
/// ```
#[must_use]
#[track_caller]
pub fn current_runtime() -> CurrentRuntime {
    CurrentRuntime {
        selected: Selected::detect(),
    }
}

/// Spawner returned by [`current_runtime`].
///
/// # Examples
///
/// ```
/// use futures_shield::{CurrentRuntime, Shield, ShieldExt};
///
/// struct App {
///     runtime: CurrentRuntime,
/// }
///
/// impl App {
///     fn record(&self, order: u32) -> Shield<u32> {
///         async move { order }.shield(&self.runtime)
///     }
/// }
/// ```
#[derive(Clone, Debug)]
pub struct CurrentRuntime {
    selected: Selected,
}

#[derive(Clone, Debug)]
enum Selected {
    /// This thread was in a Tokio runtime.
    #[cfg(feature = "tokio")]
    Tokio(super::Tokio),
    /// It was in none, and smol needs none.
    #[cfg(feature = "smol")]
    Smol,
    /// It was in none, and async-std needs none.
    #[cfg(all(feature = "async-std", not(feature = "smol")))]
    AsyncStd,
}

impl Selected {
    #[cfg_attr(feature = "tokio", track_caller)]
    fn detect() -> Self {
        #[cfg(feature = "tokio")]
        if let Ok(tokio) = super::Tokio::try_current() {
            return Self::Tokio(tokio);
        }
        Self::fallback()
    }

    #[cfg(feature = "smol")]
    fn fallback() -> Self {
        Self::Smol
    }

    #[cfg(all(feature = "async-std", not(feature = "smol")))]
    fn fallback() -> Self {
        Self::AsyncStd
    }

    #[cfg(not(any(feature = "smol", feature = "async-std")))]
    #[track_caller]
    fn fallback() -> Self {
        panic!(
            "`current_runtime()` was called outside of a Tokio runtime, and no other runtime is enabled: call it inside one, \
             or enable the feature `smol`"
        )
    }
}

impl Spawn for CurrentRuntime {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        match &self.selected {
            #[cfg(feature = "tokio")]
            Selected::Tokio(tokio) => tokio.spawn_detached(future),
            #[cfg(feature = "smol")]
            Selected::Smol => super::Smol.spawn_detached(future),
            #[cfg(all(feature = "async-std", not(feature = "smol")))]
            Selected::AsyncStd => super::AsyncStd.spawn_detached(future),
        }
    }
}
