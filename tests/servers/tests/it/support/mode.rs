//! The two modes of a `ShieldLayer`.

use futures_shield::ShieldLayer;

pub const BOTH: [Mode; 2] = [Mode::Eager, Mode::OnDrop];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Eager,
    OnDrop,
}

impl Mode {
    /// Creates a layer of this mode, whose location is the caller's.
    #[track_caller]
    pub fn layer<S>(self, spawner: S) -> ShieldLayer<S> {
        let layer = ShieldLayer::new(spawner);
        match self {
            Self::Eager => layer,
            Self::OnDrop => layer.on_drop(),
        }
    }
}
