//! One way to shield with both kinds of spawner, so that a scenario is written once.

use std::future::Future;

use futures_shield::{Shield, ShieldExt, ShieldOnDrop, Spawn, SpawnLocal};

/// A spawner, with the methods that go with its kind.
pub trait Shields {
    /// The spawner.
    type Spawner;

    /// Shields `future` as a task of its own.
    #[track_caller]
    fn shield<F>(&self, future: F) -> Shield<F::Output>
    where
        F: Future<Output: Send> + Send + 'static;

    /// Shields `future` if it is dropped partway.
    fn shield_on_drop<F>(&self, future: F) -> ShieldOnDrop<F, Self::Spawner>
    where
        F: Future<Output: Send> + Send + 'static;
}

/// A spawner of `Send` futures.
#[derive(Clone, Debug)]
pub struct Sent<S>(pub S);

impl<S: Spawn + Clone> Shields for Sent<S> {
    type Spawner = S;

    #[track_caller]
    fn shield<F>(&self, future: F) -> Shield<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        future.shield(&self.0)
    }

    fn shield_on_drop<F>(&self, future: F) -> ShieldOnDrop<F, S>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        future.shield_on_drop(self.0.clone())
    }
}

/// A spawner of local futures.
#[derive(Clone, Debug)]
pub struct Local<S>(pub S);

impl<S: SpawnLocal + Clone> Shields for Local<S> {
    type Spawner = S;

    #[track_caller]
    fn shield<F>(&self, future: F) -> Shield<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        future.shield_local(&self.0)
    }

    fn shield_on_drop<F>(&self, future: F) -> ShieldOnDrop<F, S>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        future.shield_on_drop_local(self.0.clone())
    }
}
