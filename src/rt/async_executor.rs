//! Executors of async-executor, which are also smol's.

use std::future::Future;

use async_executor::{Executor, LocalExecutor};

use crate::spawn::{Spawn, SpawnLocal};

impl Spawn for Executor<'_> {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        self.spawn(future).detach();
    }
}

impl SpawnLocal for LocalExecutor<'_> {
    fn spawn_local_detached<F: Future<Output = ()> + 'static>(&self, future: F) {
        self.spawn(future).detach();
    }
}
