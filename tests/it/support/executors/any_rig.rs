//! A rig of either kind, for tests that are the same for `Send` and for local futures.

use std::future::Future;

use futures_shield::{Caller, Shield, ShieldExt, ShieldOnDrop, shield_with, shield_with_local};

use super::{LocalRig, Rig, Shutdown};

/// A [`Rig`], which shields with `.shield()` and the like, or a [`LocalRig`], which shields with
/// `.shield_local()` and the like.
pub(crate) trait AnyRig: Sized + 'static {
    type Spawner;

    const SHUTDOWN: Shutdown;

    fn new() -> Self;

    /// Shields `work`. Not to be called inside [`run`](Self::run).
    fn shield<F>(&self, work: F) -> Shield<F::Output>
    where
        F: Future<Output: Send> + Send + 'static;

    /// The same for work that sees its caller.
    fn shield_with<W, F>(&self, work: W) -> Shield<F::Output>
    where
        W: FnOnce(Caller) -> F,
        F: Future<Output: Send> + Send + 'static;

    /// Shields `work` inside its caller, which must drop it inside [`run`](Self::run).
    fn shield_on_drop<F>(&self, work: F) -> ShieldOnDrop<F, Self::Spawner>
    where
        F: Future<Output: Send> + Send + 'static;

    /// Runs a caller to its end, with a deadline. An executor that has no threads of its own runs
    /// only in here.
    fn run<F: Future>(&self, caller: F) -> F::Output;

    /// Shuts the executor down, if it can be, before it returns.
    fn shut_down(self);
}

impl<R: Rig> AnyRig for R {
    type Spawner = R::Spawner;

    const SHUTDOWN: Shutdown = <R as Rig>::SHUTDOWN;

    fn new() -> Self {
        Rig::new()
    }

    #[track_caller]
    fn shield<F>(&self, work: F) -> Shield<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        work.shield(self.spawner())
    }

    fn shield_with<W, F>(&self, work: W) -> Shield<F::Output>
    where
        W: FnOnce(Caller) -> F,
        F: Future<Output: Send> + Send + 'static,
    {
        shield_with(self.spawner(), work)
    }

    fn shield_on_drop<F>(&self, work: F) -> ShieldOnDrop<F, Self::Spawner>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        work.shield_on_drop(self.spawner())
    }

    fn run<F: Future>(&self, caller: F) -> F::Output {
        Rig::run(self, caller)
    }

    fn shut_down(self) {
        Rig::shut_down(self);
    }
}

/// A local rig as any rig.
pub(crate) struct AsRig<R>(R);

impl<R: LocalRig> AnyRig for AsRig<R> {
    type Spawner = R::Spawner;

    const SHUTDOWN: Shutdown = Shutdown::Drops;

    fn new() -> Self {
        Self(R::new())
    }

    #[track_caller]
    fn shield<F>(&self, work: F) -> Shield<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let _context = self.0.enter();
        work.shield_local(self.0.spawner())
    }

    fn shield_with<W, F>(&self, work: W) -> Shield<F::Output>
    where
        W: FnOnce(Caller) -> F,
        F: Future<Output: Send> + Send + 'static,
    {
        let _context = self.0.enter();
        shield_with_local(self.0.spawner(), work)
    }

    fn shield_on_drop<F>(&self, work: F) -> ShieldOnDrop<F, Self::Spawner>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        work.shield_on_drop_local(self.0.spawner())
    }

    fn run<F: Future>(&self, caller: F) -> F::Output {
        self.0.run(caller)
    }

    fn shut_down(self) {}
}

macro_rules! stamp_any_rig {
    ($(#[$gate:meta])* $name:ident: $rig:ident, [$($test:ident)*]) => {
        $(#[$gate])*
        mod $name {
            $(
                #[test]
                fn $test() {
                    super::$test(<crate::support::AsRig<crate::support::$rig> as crate::support::AnyRig>::new());
                }
            )*
        }
    };
}

/// Stamps what [`on_every_spawner`] does, and a module for each spawner of local futures.
macro_rules! on_every_rig {
    ($($test:ident),+ $(,)?) => {
        on_every_rig! { every: $($test),+; }
    };
    (
        every: $($every:ident),* $(,)?;
        $(if_it_shuts_down: $($shuts_down:ident),+ $(,)?;)?
        $(if_it_drops: $($drops:ident),+ $(,)?;)?
    ) => {
        on_every_spawner! {
            every: $($every),*;
            $(if_it_shuts_down: $($shuts_down),+;)?
            $(if_it_drops: $($drops),+;)?
        }
        on_every_rig! { @ [$($every)* $($($shuts_down)+)? $($($drops)+)?] }
    };
    (@ $tests:tt) => {
        stamp_any_rig! { spawn_local_fn_over_local_pool: SpawnLocalFnOverPool, $tests }
        stamp_any_rig! { #[cfg(feature = "tokio")] local_set: TokioLocalSet, $tests }
        stamp_any_rig! { #[cfg(feature = "tokio")] tokio_local: TokioLocalAmbient, $tests }
        stamp_any_rig! { #[cfg(feature = "smol")] smol_local_executor: SmolLocalExecutor, $tests }
        stamp_any_rig! { #[cfg(feature = "futures")] futures_local_spawner: FuturesLocalPool, $tests }
    };
}
