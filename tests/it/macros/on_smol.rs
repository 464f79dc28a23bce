//! The suite on smol's global executor, outside of Tokio: there `#[shield]` without a spawner selects it.

use std::future::Future;

use futures_shield::Smol;

#[path = "suite.rs"]
mod suite;

type Spawner = Smol;

fn current() -> Spawner {
    Smol
}

fn run<F: Future>(future: F) -> F::Output {
    smol::block_on(future)
}

/// Which thread polls the caller of `id`: smol's tasks run on threads of their own.
mod task {
    use std::thread::{self, ThreadId};

    pub(super) type Id = ThreadId;

    pub(super) fn id() -> Id {
        thread::current().id()
    }
}
