//! `ShieldLayer` on a service by hand, and on a real server whose clients hang up.

mod layers;
mod on_orphan;
mod order;
mod panics;
mod service;
mod spawning;
mod with_caller;

#[cfg(feature = "tokio")]
mod half_sent_body;
#[cfg(feature = "tokio")]
mod server;

use futures_shield::ShieldLayer;

/// How a layer shields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Mode {
    Eager,
    OnDrop,
}

impl Mode {
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
