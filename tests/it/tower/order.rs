//! A request that can carry its caller, and the ways in which a layer runs its handler.

use futures_shield::layer::Predicate;
use futures_shield::{Caller, ShieldLayer, Spawn};

/// A request.
pub(super) struct Order {
    pub(super) id: u32,
    pub(super) caller: Option<Caller>,
}

impl Order {
    pub(super) fn new(id: u32) -> Self {
        Self { id, caller: None }
    }
}

/// Gives `order` its caller, as `request.extensions_mut().insert(caller)` does in axum.
pub(super) fn insert(order: &mut Order, caller: Caller) -> Option<Caller> {
    order.caller.replace(caller)
}

/// How a layer runs a handler.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Run {
    Eager,
    OnDrop,
    /// The predicate does not choose its request.
    Unshielded,
}

impl Run {
    pub(super) const ALL: [Self; 3] = [Self::Eager, Self::OnDrop, Self::Unshielded];
    pub(super) const SHIELDED: [Self; 2] = [Self::Eager, Self::OnDrop];

    pub(super) fn layer<S: Spawn>(self, spawner: S) -> ShieldLayer<S, impl Predicate<Order> + Clone> {
        let layer = ShieldLayer::new(spawner).only_if(move |_: &Order| self != Self::Unshielded);
        if self == Self::OnDrop { layer.on_drop() } else { layer }
    }
}
