//! Every spawner of local futures, each with the executor behind it.
//!
//! A test that runs on all of them is a `fn name(rig: LocalRig)`, listed in one
//! `on_every_local_spawner! { name, .. }`. A test that must hand its work over unboxed is a `fn name<R:
//! TypedLocalRig>(rig: R)`, in `on_every_local_spawner! { typed: name, .. }`.

use std::any::Any;
use std::cell::RefCell;
use std::future::Future;
use std::rc::Rc;

use futures_executor::{LocalPool, LocalSpawner};
use futures_shield::{LocalBoxTask, SpawnLocal, spawn_local_fn};
use futures_util::task::LocalSpawnExt;

use crate::support::timely;

/// A local executor, and its spawner. All of them drop the futures they hold when they are dropped.
/// Tests take it as a [`LocalRig`](super::LocalRig).
pub(crate) trait TypedLocalRig: Sized + 'static {
    type Spawner: SpawnLocal + Clone + 'static;

    fn new() -> Self;

    /// Returns its spawner, to be used within [`run`](Self::run) or [`enter`](Self::enter), because
    /// `TokioLocal` must be.
    fn spawner(&self) -> Self::Spawner;

    /// Enters the context in which its spawner can be used.
    fn enter(&self) -> Box<dyn Any> {
        Box::new(())
    }

    /// Returns a spawner that does not keep its executor, for work that is a task of that executor.
    fn spawner_without_executor(&self) -> impl SpawnLocal + Clone + 'static {
        self.spawner()
    }

    /// Runs a caller to its end, with a deadline. The executor runs only in here.
    fn run<F: Future>(&self, caller: F) -> F::Output;
}

macro_rules! stamp_local_spawner {
    ($(#[$gate:meta])* $name:ident: $rig:ident, $make:ident [$($test:ident)+]) => {
        $(#[$gate])*
        mod $name {
            $(
                #[test]
                fn $test() {
                    super::$test(crate::support::$make::<crate::support::$rig>());
                }
            )+
        }
    };
}

/// Stamps a module for each spawner of local futures, with each of the tests in it.
macro_rules! on_every_local_spawner {
    ($($test:ident),+ $(,)?) => {
        on_every_local_spawner! { @ erased_local [$($test)+] }
    };
    (typed: $($test:ident),+ $(,)?) => {
        on_every_local_spawner! { @ typed_local [$($test)+] }
    };
    (@ $make:ident $tests:tt) => {
        stamp_local_spawner! { spawn_local_fn_over_local_pool: SpawnLocalFnOverPool, $make $tests }
        stamp_local_spawner! { #[cfg(feature = "tokio")] local_set: TokioLocalSet, $make $tests }
        stamp_local_spawner! { #[cfg(feature = "tokio")] tokio_local: TokioLocalAmbient, $make $tests }
        stamp_local_spawner! { #[cfg(feature = "smol")] smol_local_executor: SmolLocalExecutor, $make $tests }
        stamp_local_spawner! { #[cfg(feature = "futures")] futures_local_spawner: FuturesLocalPool, $make $tests }
    };
}

/// A futures pool and its spawner.
struct Pool {
    pool: RefCell<LocalPool>,
    here: LocalSpawner,
}

impl Pool {
    fn new() -> Self {
        let pool = LocalPool::new();
        Self {
            here: pool.spawner(),
            pool: RefCell::new(pool),
        }
    }

    fn run<F: Future>(&self, caller: F) -> F::Output {
        self.pool.borrow_mut().run_until(timely(caller))
    }
}

/// `spawn_local_fn`.
pub(crate) struct SpawnLocalFnOverPool(Pool);

/// A `spawn_local_fn` of any closure, in one nameable type.
#[derive(Clone)]
pub(crate) struct LocalClosure(Rc<dyn Fn(LocalBoxTask)>);

impl SpawnLocal for LocalClosure {
    fn spawn_local_detached<F: Future<Output = ()> + 'static>(&self, future: F) {
        spawn_local_fn(|task| (self.0)(task)).spawn_local_detached(future);
    }
}

impl TypedLocalRig for SpawnLocalFnOverPool {
    type Spawner = LocalClosure;

    fn new() -> Self {
        Self(Pool::new())
    }

    fn spawner(&self) -> LocalClosure {
        let here = self.0.here.clone();
        LocalClosure(Rc::new(move |task| here.spawn_local(task).unwrap_or_default()))
    }

    fn run<F: Future>(&self, caller: F) -> F::Output {
        self.0.run(caller)
    }
}

#[cfg(feature = "tokio")]
mod on_tokio {
    use futures_shield::TokioLocal;
    use tokio::runtime::{Builder, Runtime};
    use tokio::task::LocalSet;

    use super::*;

    fn current_thread() -> Runtime {
        Builder::new_current_thread().enable_all().build().unwrap()
    }

    /// An `Rc<LocalSet>`.
    pub(crate) struct TokioLocalSet {
        local: Rc<LocalSet>,
        runtime: Runtime,
    }

    impl TypedLocalRig for TokioLocalSet {
        type Spawner = Rc<LocalSet>;

        fn new() -> Self {
            Self {
                local: Rc::default(),
                runtime: current_thread(),
            }
        }

        fn spawner(&self) -> Self::Spawner {
            Rc::clone(&self.local)
        }

        fn spawner_without_executor(&self) -> impl SpawnLocal + Clone + 'static {
            let local = Rc::downgrade(&self.local);
            spawn_local_fn(move |task| drop(local.upgrade().map(|local| local.spawn_local(task))))
        }

        fn run<F: Future>(&self, caller: F) -> F::Output {
            self.local.block_on(&self.runtime, timely(caller))
        }
    }

    /// `TokioLocal`, in a `LocalSet` that is not at hand.
    pub(crate) struct TokioLocalAmbient(TokioLocalSet);

    impl TypedLocalRig for TokioLocalAmbient {
        type Spawner = TokioLocal;

        fn new() -> Self {
            Self(TypedLocalRig::new())
        }

        fn spawner(&self) -> TokioLocal {
            TokioLocal
        }

        fn enter(&self) -> Box<dyn Any> {
            Box::new(self.0.local.enter())
        }

        fn run<F: Future>(&self, caller: F) -> F::Output {
            self.0.run(caller)
        }
    }
}
#[cfg(feature = "tokio")]
pub(crate) use self::on_tokio::*;

#[cfg(feature = "smol")]
mod on_smol {
    use smol::LocalExecutor;

    use super::*;
    use crate::support::block_on;

    /// An `Rc<LocalExecutor>`.
    pub(crate) struct SmolLocalExecutor(Rc<LocalExecutor<'static>>);

    impl TypedLocalRig for SmolLocalExecutor {
        type Spawner = Rc<LocalExecutor<'static>>;

        fn new() -> Self {
            Self(Rc::new(LocalExecutor::new()))
        }

        fn spawner(&self) -> Self::Spawner {
            Rc::clone(&self.0)
        }

        fn spawner_without_executor(&self) -> impl SpawnLocal + Clone + 'static {
            let executor = Rc::downgrade(&self.0);
            spawn_local_fn(move |task| {
                if let Some(executor) = executor.upgrade() {
                    executor.spawn(task).detach();
                }
            })
        }

        fn run<F: Future>(&self, caller: F) -> F::Output {
            block_on(self.0.run(caller))
        }
    }
}
#[cfg(feature = "smol")]
pub(crate) use self::on_smol::*;

#[cfg(feature = "futures")]
mod on_futures {
    use futures_shield::FuturesSpawner;

    use super::*;

    /// `FuturesSpawner`, over a `LocalSpawner`.
    pub(crate) struct FuturesLocalPool(Pool);

    impl TypedLocalRig for FuturesLocalPool {
        type Spawner = FuturesSpawner<LocalSpawner>;

        fn new() -> Self {
            Self(Pool::new())
        }

        fn spawner(&self) -> Self::Spawner {
            FuturesSpawner::new(self.0.here.clone())
        }

        fn run<F: Future>(&self, caller: F) -> F::Output {
            self.0.run(caller)
        }
    }
}
#[cfg(feature = "futures")]
pub(crate) use self::on_futures::*;
