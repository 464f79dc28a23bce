//! Work and callers that a test steers by hand.

use std::cell::RefCell;
use std::future::{Future, ready};

use futures_shield::{BoxTask, Caller, Shield, Spawn, shield_with, spawn_fn};
use tokio::sync::oneshot;

/// Returns work that is pending until its gate is opened, with a number, and the gate.
pub(crate) fn gated() -> (impl Future<Output = u32> + Send + 'static, oneshot::Sender<u32>) {
    let (open, gate) = oneshot::channel();
    (async move { gate.await.unwrap() }, open)
}

/// Returns a shield of `work`, and its caller outside of that work.
pub(crate) fn shield_and_caller<F>(spawner: impl Spawn, work: F) -> (Shield<F::Output>, Caller)
where
    F: Future<Output: Send> + Send + 'static,
{
    let caller = RefCell::new(None);
    let shield = shield_with(spawner, |given| {
        caller.replace(Some(given));
        work
    });
    (shield, caller.take().unwrap())
}

/// The same for work that is never run.
pub(crate) fn caller_by_hand() -> (Shield<()>, Caller) {
    shield_and_caller(spawn_fn(std::mem::forget::<BoxTask>), ready(()))
}
