//! Spawners without a type parameter.

use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use super::{BoxTask, Spawn, location};

/// Any spawner, its type erased, to keep in a field without a type parameter.
///
/// Each task is boxed once more than by the spawner itself.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use futures_shield::{DynSpawner, ShieldExt, Tokio};
///
/// struct Repository {
///     spawner: DynSpawner,
/// }
///
/// impl Repository {
///     async fn save(&self) -> u64 {
///         async { 1 }.shield(&self.spawner).await
///     }
/// }
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let repository = Repository { spawner: DynSpawner::new(Tokio::current()) };
/// assert_eq!(repository.save().await, 1);
/// # });
/// # }
/// ```
#[derive(Clone)]
pub struct DynSpawner {
    spawn: Arc<dyn Fn(BoxTask) + Send + Sync>,
    spawner: &'static str,
}

impl DynSpawner {
    /// Erases the type of `spawner`.
    ///
    /// # Examples
    ///
    /// See [`DynSpawner`].
    pub fn new<S: Spawn + Send + Sync + 'static>(spawner: S) -> Self {
        Self {
            spawn: Arc::new(move |task| spawner.spawn_detached(task)),
            spawner: type_name::<S>(),
        }
    }
}

impl Spawn for DynSpawner {
    #[track_caller]
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        // Spawned directly, and not by a shield, work has no location yet, and behind the `dyn` its caller is unknown.
        let location = location::published().unwrap_or(Location::caller());
        let _published = location::publish(location);
        (self.spawn)(Box::pin(future));
    }
}

impl fmt::Debug for DynSpawner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DynSpawner({})", self.spawner)
    }
}
