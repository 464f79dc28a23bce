//! A rig with its types erased, so that a test is compiled once for all executors.
//!
//! Each test has futures of its own types. If it were generic over its rig, the compiler would make
//! of each of them a task of each executor: some 700,000 functions, most of the time of a build.

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::Arc;

use futures_shield::{BoxTask, Spawn};

use super::{Shutdown, TypedRig};

/// An executor, and its spawner.
pub(crate) struct Rig {
    /// What the executor does with the futures that it holds when it is shut down.
    pub(crate) shutdown: Shutdown,
    /// Creates another rig of this kind.
    pub(crate) new: fn() -> Self,
    rig: Box<dyn Erased>,
}

/// The spawner of a [`Rig`]. It boxes each task, and calls the executor's own spawner with it.
#[derive(Clone)]
pub(crate) struct RigSpawner(Arc<dyn Fn(BoxTask) + Send + Sync>);

impl RigSpawner {
    pub(crate) fn new(spawner: impl Spawn + Send + Sync + 'static) -> Self {
        Self(Arc::new(move |task| spawner.spawn_detached(task)))
    }
}

impl Spawn for RigSpawner {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        (self.0)(Box::pin(future));
    }
}

/// What [`Rig`] needs of a [`TypedRig`].
trait Erased {
    fn spawner(&self) -> RigSpawner;

    fn spawner_without_executor(&self) -> RigSpawner;

    fn run(&self, caller: Pin<&mut dyn Future<Output = ()>>);

    fn shut_down(self: Box<Self>);
}

impl<R: TypedRig> Erased for R {
    fn spawner(&self) -> RigSpawner {
        RigSpawner::new(TypedRig::spawner(self))
    }

    fn spawner_without_executor(&self) -> RigSpawner {
        RigSpawner::new(TypedRig::spawner_without_executor(self))
    }

    fn run(&self, caller: Pin<&mut dyn Future<Output = ()>>) {
        TypedRig::run(self, caller);
    }

    fn shut_down(self: Box<Self>) {
        TypedRig::shut_down(*self);
    }
}

/// Creates a rig with its own types.
pub(crate) fn typed<R: TypedRig>() -> R {
    R::new()
}

/// Creates a rig.
pub(crate) fn erased<R: TypedRig>() -> Rig {
    Rig {
        shutdown: R::SHUTDOWN,
        new: erased::<R>,
        rig: Box::new(R::new()),
    }
}

impl Rig {
    pub(crate) fn spawner(&self) -> RigSpawner {
        self.rig.spawner()
    }

    /// Returns a spawner that does not keep its executor, for work that is a task of that executor.
    pub(crate) fn spawner_without_executor(&self) -> RigSpawner {
        self.rig.spawner_without_executor()
    }

    /// Runs a caller to its end, with a deadline. An executor that has no threads of its own runs
    /// only in here.
    pub(crate) fn run<F: Future>(&self, caller: F) -> F::Output {
        let mut output = None;
        self.rig.run(pin!(async { output = Some(caller.await) }));
        output.unwrap()
    }

    /// Shuts the executor down, if it can be, before it returns.
    pub(crate) fn shut_down(self) {
        self.rig.shut_down();
    }
}
