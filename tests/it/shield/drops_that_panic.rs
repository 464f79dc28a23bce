//! Two drops that panic, or one drop that is not the work's. Each of these once lost an outcome, a
//! value or the process: a second panic while unwinding aborts, so a regression ends the test
//! binary.

use std::future::{Future, pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_executor::block_on;
use futures_shield::{BoxTask, ShieldExt, Spawn, cleanup, shield_with, spawn_fn};

/// Panics when it is dropped.
struct Bomb;

impl Drop for Bomb {
    fn drop(&mut self) {
        panic!("a bomb");
    }
}

/// Drops its tasks, and panics when it is dropped itself, as the last owner of an executor may.
struct LastOwner;

impl Spawn for LastOwner {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        drop(future);
    }
}

impl Drop for LastOwner {
    fn drop(&mut self) {
        panic!("an executor");
    }
}

/// A future whose drop panics, and whose output's drop panics.
struct Bombs;

impl Future for Bombs {
    type Output = Bomb;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Bomb> {
        Poll::Ready(Bomb)
    }
}

impl Drop for Bombs {
    fn drop(&mut self) {
        panic!("a future");
    }
}

/// Returns a spawner that runs each task inside the call.
fn here() -> impl Spawn {
    spawn_fn(|task: BoxTask| block_on(task))
}

fn quietly<T>(f: impl FnOnce() -> T) -> Result<T, ()> {
    catch_unwind(AssertUnwindSafe(f)).map_err(drop)
}

/// The spawner was dropped by plain drop glue, and its panic left the drop of the shield.
#[test]
fn spawner_of_inline_shield() {
    assert_eq!(quietly(|| drop(pending::<()>().shield_on_drop(LastOwner))), Ok(()));
    assert_eq!(quietly(|| drop(cleanup(LastOwner, 1, |_| ready(())))), Ok(()));
}

/// If the caller was unwinding already, the same aborted.
#[test]
fn spawner_while_unwinding() {
    let unwound = quietly(|| {
        let _guard = cleanup(LastOwner, 1, |_| ready(()));
        panic!("the caller");
    });
    assert_eq!(unwound, Err(()));
}

/// An executor that drops the cleanup unpolled drops the closure and the value in one glue.
#[test]
fn cleanup_closure_and_value() {
    let captured = Bomb;
    let guard = cleanup(spawn_fn(|task: BoxTask| drop(task)), Bomb, move |value| {
        let _captured = &captured;
        std::mem::forget(value);
        ready(())
    });
    assert_eq!(quietly(|| drop(guard)), Ok(()));
}

/// The value was dropped in the unwinding of what the closure had captured.
#[test]
fn closure_dropped_by_disarm() {
    let captured = Bomb;
    let guard = cleanup(here(), Arc::new(7), move |_| {
        let _captured = &captured;
        ready(())
    });
    assert_eq!(quietly(|| *guard.disarm()), Ok(7));
}

/// The output was alive, and bare, while the future was dropped.
#[test]
fn window_future_and_output() {
    let shield = shield_with(here(), |caller| async move {
        std::mem::forget(caller.run_until_gone(Bombs).await);
    });
    assert!(block_on(shield.fallible()).is_err_and(|error| error.is_panic()));

    let shield = shield_with(here(), |caller| async move {
        std::mem::forget(caller.run_with_grace(Bombs, pending::<()>).await);
    });
    assert!(block_on(shield.fallible()).is_err_and(|error| error.is_panic()));
}

/// The same, inside the caller and as a task.
#[test]
fn shield_future_and_output() {
    assert_eq!(
        quietly(|| std::mem::forget(block_on(Bombs.shield_on_drop(here())))),
        Err(())
    );
    let outcome = block_on(Bombs.shield(here()).fallible());
    assert!(outcome.map(std::mem::forget).is_err_and(|error| error.is_panic()));
}
