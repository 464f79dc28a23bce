//! Spawners without a type parameter.

use std::any::type_name;
use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::sync::Arc;

use super::isolated::Isolated;
use super::{BoxTask, InlineEntry, Spawn};
use crate::util::call;
use crate::util::contain::Contained;

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
    spawner: Arc<dyn Erased>,
    name: &'static str,
}

/// [`Spawn`] with a boxed future, so that it can be a trait object.
trait Erased: Send + Sync {
    #[track_caller]
    fn spawn_boxed(&self, task: BoxTask);
    fn track_inline(&self, location: &'static Location<'static>) -> InlineEntry;
}

impl<S: Spawn + Send + Sync> Erased for Contained<S> {
    fn spawn_boxed(&self, task: BoxTask) {
        (**self).spawn_work(task);
    }

    fn track_inline(&self, location: &'static Location<'static>) -> InlineEntry {
        (**self).track_inline(location)
    }
}

impl DynSpawner {
    /// Erases the type of `spawner`.
    pub fn new<S: Spawn + Send + Sync + 'static>(spawner: S) -> Self {
        Self {
            spawner: Arc::new(Contained::new(spawner)),
            name: type_name::<S>(),
        }
    }
}

impl Spawn for DynSpawner {
    #[track_caller]
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        self.spawn_work(Isolated::new(future));
    }

    #[track_caller]
    fn spawn_work<F: Future<Output = ()> + Send + 'static>(&self, work: F) {
        // Behind the `dyn`, the caller of a direct spawn is unknown.
        let (_, _restore) = call::claim(Location::caller());
        self.spawner.spawn_boxed(Box::pin(work));
    }

    fn track_inline(&self, location: &'static Location<'static>) -> InlineEntry {
        self.spawner.track_inline(location)
    }
}

impl fmt::Debug for DynSpawner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "DynSpawner({})", self.name)
    }
}
