//! Spawner expressions that do not work: told at the expression, by rustc.

use std::future::Future;

use futures_shield::{Spawn, shield};

struct NotClone;

impl Spawn for NotClone {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, _: F) {}
}

struct Service<S> {
    spawner: S,
}

impl<S: Spawn + Send + Sync + 'static> Service<S> {
    #[shield(self.spawner)]
    async fn generic(self) {}
}

impl Service<NotClone> {
    #[shield(&self.spawner)]
    async fn not_clone(self) {}
}

#[shield(spawner_of_nobody)]
async fn no_such_name() {}

#[shield(crate = nowhere)]
async fn no_such_crate() {}

fn main() {}
