//! A rig of either kind, for tests that are the same for `Send` and for local futures.

use std::future::Future;

use futures_shield::{Caller, Shield, ShieldExt, ShieldOnDrop, shield_with, shield_with_local};

use super::{LocalRig, LocalRigSpawner, Rig, RigSpawner, Shutdown};

/// A [`Rig`], which shields with `.shield()` and the like, or a [`LocalRig`], which shields with
/// `.shield_local()` and the like.
pub(crate) trait AnyRig {
    type Spawner;

    /// Returns what the executor does with the futures that it holds when it is shut down.
    fn shutdown(&self) -> Shutdown;

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

impl AnyRig for Rig {
    type Spawner = RigSpawner;

    fn shutdown(&self) -> Shutdown {
        self.shutdown
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
        Self::run(self, caller)
    }

    fn shut_down(self) {
        Self::shut_down(self);
    }
}

impl AnyRig for LocalRig {
    type Spawner = LocalRigSpawner;

    fn shutdown(&self) -> Shutdown {
        Shutdown::Drops
    }

    #[track_caller]
    fn shield<F>(&self, work: F) -> Shield<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        let _context = self.enter();
        work.shield_local(self.spawner())
    }

    fn shield_with<W, F>(&self, work: W) -> Shield<F::Output>
    where
        W: FnOnce(Caller) -> F,
        F: Future<Output: Send> + Send + 'static,
    {
        let _context = self.enter();
        shield_with_local(self.spawner(), work)
    }

    fn shield_on_drop<F>(&self, work: F) -> ShieldOnDrop<F, Self::Spawner>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        work.shield_on_drop_local(self.spawner())
    }

    fn run<F: Future>(&self, caller: F) -> F::Output {
        Self::run(self, caller)
    }

    fn shut_down(self) {}
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
        on_every_local_spawner! { $($every,)* $($($shuts_down,)+)? $($($drops,)+)? }
    };
}
