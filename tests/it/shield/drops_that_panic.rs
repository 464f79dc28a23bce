//! Two drops that panic, or one drop that is not the work's. Each of these once lost an outcome, a
//! value or the process: a second panic while unwinding aborts, so a regression ends the test
//! binary.

use std::future::{Future, pending, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_shield::{ShieldExt, cleanup, shield_with};

use crate::support::*;

/// A future whose drop panics, and whose output's drop panics.
struct Bombs;

impl Future for Bombs {
    type Output = Bomb;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Bomb> {
        Poll::Ready(Bomb("an output"))
    }
}

impl Drop for Bombs {
    fn drop(&mut self) {
        panic!("a future");
    }
}

/// The spawner was dropped by plain drop glue, and its panic left the drop of the shield.
#[test]
fn spawner_of_inline_shield() {
    does_not_panic(|| drop(pending::<()>().shield_on_drop(BombSpawner::new(closed()))));
    does_not_panic(|| drop(cleanup(BombSpawner::new(closed()), 1, |_| ready(()))));
}

/// If the caller was unwinding already, the same aborted.
#[test]
fn spawner_while_unwinding() {
    drop_while_unwinding(cleanup(BombSpawner::new(closed()), 1, |_| ready(())));
}

/// An executor that drops the cleanup unpolled drops the closure and the value in one glue.
#[test]
fn cleanup_closure_and_value() {
    let captured = Bomb("what the closure captured");
    let guard = cleanup(closed(), Bomb("the value"), move |value| {
        let _captured = &captured;
        std::mem::forget(value);
        ready(())
    });
    does_not_panic(|| drop(guard));
}

/// The value was dropped in the unwinding of what the closure had captured.
#[test]
fn closure_dropped_by_disarm() {
    let captured = Bomb("what the closure captured");
    let guard = cleanup(at_once(), Arc::new(7), move |_| {
        let _captured = &captured;
        ready(())
    });
    assert_eq!(does_not_panic(|| *guard.disarm()), 7);
}

/// The output was alive, and bare, while the future was dropped.
#[test]
fn window_future_and_output() {
    let shield = shield_with(at_once(), |caller| async move {
        std::mem::forget(caller.run_until_gone(Bombs).await);
    });
    assert!(block_on(shield.fallible()).is_err_and(|error| error.is_panic()));

    let shield = shield_with(at_once(), |caller| async move {
        std::mem::forget(caller.run_with_grace(Bombs, pending::<()>).await);
    });
    assert!(block_on(shield.fallible()).is_err_and(|error| error.is_panic()));
}

/// The same, inside the caller and as a task.
#[test]
fn shield_future_and_output() {
    let mut inline = Bombs.shield_on_drop(at_once());
    assert_eq!(panics_with(|| poll(&mut inline)), "a future");
    let outcome = block_on(Bombs.shield(at_once()).fallible());
    assert!(outcome.map(std::mem::forget).is_err_and(|error| error.is_panic()));
}
