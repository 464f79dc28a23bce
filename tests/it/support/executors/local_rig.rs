//! A local rig with its types erased, for the same reason as a [`Rig`](super::Rig).

use std::any::Any;
use std::future::Future;
use std::pin::{Pin, pin};
use std::rc::Rc;

use futures_shield::{LocalBoxTask, SpawnLocal};

use super::TypedLocalRig;

/// A local executor, and its spawner.
pub(crate) struct LocalRig {
    /// Creates another rig of this kind.
    pub(crate) new: fn() -> Self,
    rig: Box<dyn Erased>,
}

/// The spawner of a [`LocalRig`]. It boxes each task, and calls the executor's own spawner with it.
#[derive(Clone)]
pub(crate) struct LocalRigSpawner(Rc<dyn Fn(LocalBoxTask)>);

impl LocalRigSpawner {
    fn new(spawner: impl SpawnLocal + 'static) -> Self {
        Self(Rc::new(move |task| spawner.spawn_local_detached(task)))
    }
}

impl SpawnLocal for LocalRigSpawner {
    fn spawn_local_detached<F: Future<Output = ()> + 'static>(&self, future: F) {
        (self.0)(Box::pin(future));
    }
}

/// What [`LocalRig`] needs of a [`TypedLocalRig`].
trait Erased {
    fn spawner(&self) -> LocalRigSpawner;

    fn enter(&self) -> Box<dyn Any>;

    fn spawner_without_executor(&self) -> LocalRigSpawner;

    fn run(&self, caller: Pin<&mut dyn Future<Output = ()>>);
}

impl<R: TypedLocalRig> Erased for R {
    fn spawner(&self) -> LocalRigSpawner {
        LocalRigSpawner::new(TypedLocalRig::spawner(self))
    }

    fn enter(&self) -> Box<dyn Any> {
        TypedLocalRig::enter(self)
    }

    fn spawner_without_executor(&self) -> LocalRigSpawner {
        LocalRigSpawner::new(TypedLocalRig::spawner_without_executor(self))
    }

    fn run(&self, caller: Pin<&mut dyn Future<Output = ()>>) {
        TypedLocalRig::run(self, caller);
    }
}

/// Creates a local rig with its own types.
pub(crate) fn typed_local<R: TypedLocalRig>() -> R {
    R::new()
}

/// Creates a local rig.
pub(crate) fn erased_local<R: TypedLocalRig>() -> LocalRig {
    LocalRig {
        new: erased_local::<R>,
        rig: Box::new(R::new()),
    }
}

impl LocalRig {
    /// Returns its spawner, to be used within [`run`](Self::run) or [`enter`](Self::enter), because
    /// `TokioLocal` must be.
    pub(crate) fn spawner(&self) -> LocalRigSpawner {
        self.rig.spawner()
    }

    /// Enters the context in which its spawner can be used.
    pub(crate) fn enter(&self) -> Box<dyn Any> {
        self.rig.enter()
    }

    /// Returns a spawner that does not keep its executor, for work that is a task of that executor.
    pub(crate) fn spawner_without_executor(&self) -> LocalRigSpawner {
        self.rig.spawner_without_executor()
    }

    /// Runs a caller to its end, with a deadline. The executor runs only in here.
    pub(crate) fn run<F: Future>(&self, caller: F) -> F::Output {
        let mut output = None;
        self.rig.run(pin!(async { output = Some(caller.await) }));
        output.unwrap()
    }
}
