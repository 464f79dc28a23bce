//! Work and callers that a test steers by hand.

use std::cell::RefCell;
use std::future::{Future, ready};

use futures_shield::{BoxTask, Caller, Shield, shield_with, spawn_fn};
use tokio::sync::oneshot;

/// Returns work that is pending until its gate is opened, with a number, and the gate.
pub(crate) fn gated() -> (impl Future<Output = u32> + Send + 'static, oneshot::Sender<u32>) {
    let (open, gate) = oneshot::channel();
    (async move { gate.await.unwrap() }, open)
}

/// Returns a caller outside of its work, and its shield, whose work is never run.
pub(crate) fn caller_by_hand() -> (Shield<()>, Caller) {
    let caller = RefCell::new(None);
    let never = spawn_fn(std::mem::forget::<BoxTask>);
    let shield = shield_with(never, |given| {
        caller.replace(Some(given));
        ready(())
    });
    (shield, caller.take().unwrap())
}
