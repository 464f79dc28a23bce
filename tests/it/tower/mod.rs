//! `ShieldLayer` on services that are called and polled by hand. `tests/servers` has real servers.

mod layers;
mod on_orphan;
mod order;
mod panics;
mod service;
mod spawning;
mod with_caller;

use std::future::Future;
use std::pin::Pin;
use std::task::Poll;

use futures_shield::ShieldLayer;

use crate::support::{Crank, poll};

/// How a layer shields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Eager,
    OnDrop,
}

impl Mode {
    const BOTH: [Self; 2] = [Self::Eager, Self::OnDrop];

    /// Returns a layer of this mode, made at the caller's location.
    #[track_caller]
    fn layer<S>(self, spawner: S) -> ShieldLayer<S> {
        let layer = ShieldLayer::new(spawner);
        match self {
            Self::Eager => layer,
            Self::OnDrop => layer.on_drop(),
        }
    }
}

/// Polls the caller, and again if the executor had something to run.
fn turn<F: Future>(crank: &Crank, response: &mut Pin<Box<F>>) -> Poll<F::Output> {
    let first = poll(response);
    if first.is_pending() && crank.run() > 0 {
        return poll(response);
    }
    first
}
