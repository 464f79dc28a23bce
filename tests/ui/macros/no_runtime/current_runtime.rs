//! Without a runtime's feature, `#[shield]` needs a spawner, and says which features there are.

#![deny(warnings)]

use std::future::Future;

use futures_shield::{Spawn, shield};

struct Spawner;

impl Spawn for Spawner {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, _: F) {}
}

#[shield]
async fn eager() -> u8 {
    7
}

#[shield(on_drop)]
async fn on_drop() {}

#[shield(Spawner)]
async fn with_a_spawner() {}

fn main() {
    let _ = (eager(), on_drop(), with_a_spawner());
}
