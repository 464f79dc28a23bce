//! Two drops that panic, or one drop that is not the work's. Each of these once lost an outcome, a
//! value or the process: a second panic while unwinding aborts, so a regression ends the test
//! binary.

use std::future::{Future, pending, ready};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_shield::{
    BoxTask, DynSpawner, ShieldExt, Spawn, SpawnLocal, Tracker, cleanup, shield, shield_local, shield_with,
    shield_with_local, spawn_fn, spawn_local_fn,
};

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

/// Panics when it is called, and when it is dropped, in the unwinding of the first panic.
struct Broken(Bomb);

impl Broken {
    fn new() -> Self {
        Self(Bomb("an executor"))
    }
}

impl Spawn for Broken {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, _: F) {
        let _ = &self.0;
        panic!("no threads left");
    }
}

impl SpawnLocal for Broken {
    fn spawn_local_detached<F: Future<Output = ()> + 'static>(&self, _: F) {
        panic!("no threads left");
    }
}

/// At every eager entry point the panic of the call passes through, and the work is dropped once.
#[test]
fn spawner_called_and_dropped() {
    let drops = Drops::new();
    let work = || {
        let held = drops.one();
        async move { drop(held) }
    };
    let entries: [(&str, &dyn Fn()); 9] = [
        ("shield", &|| drop(work().shield(Broken::new()))),
        ("shield, the function", &|| drop(shield(Broken::new(), work()))),
        ("shield_local", &|| drop(work().shield_local(Broken::new()))),
        ("shield_local, the function", &|| {
            drop(shield_local(Broken::new(), work()));
        }),
        ("shield_with", &|| drop(shield_with(Broken::new(), |_| work()))),
        ("shield_with_local", &|| {
            drop(shield_with_local(Broken::new(), |_| work()));
        }),
        ("through a tracker", &|| {
            drop(work().shield(Tracker::new(Broken::new())));
        }),
        ("erased", &|| drop(work().shield(DynSpawner::new(Broken::new())))),
        ("through a pointer", &|| drop(work().shield(Box::new(Broken::new())))),
    ];
    for (number, (name, entry)) in entries.into_iter().enumerate() {
        assert_eq!(panics_with(entry), "no threads left", "{name}");
        assert_eq!(drops.count(), number + 1, "{name}");
    }
}

/// Whatever holds a value of the user contains the panic of its drop, unwinding or not.
#[test]
fn owners_of_user_values() {
    let bomb = || {
        let bomb = Bomb("a value");
        std::future::poll_fn(move |_| {
            let _ = &bomb;
            Poll::<()>::Pending
        })
    };
    fn twice<T>(mut make: impl FnMut() -> T) {
        let (one, other) = (make(), make());
        does_not_panic(|| drop(one));
        drop_while_unwinding(other);
    }

    let (gone, after) = caller_by_hand();
    drop(gone);
    let (_stays, caller) = caller_by_hand();
    let polled = |mut future: Pin<Box<dyn Future<Output = Option<()>>>>| {
        assert!(poll(&mut future).is_pending());
        future
    };
    twice(|| Box::pin(caller.run_until_gone(bomb())));
    twice(|| polled(Box::pin(caller.run_until_gone(bomb()))));
    twice(|| {
        let maker = Bomb("the maker");
        Box::pin(caller.run_with_grace(bomb(), move || {
            let _ = &maker;
            bomb()
        }))
    });
    // The future and the timer.
    twice(|| polled(Box::pin(after.run_with_grace(bomb(), bomb))));

    let tracker = Tracker::new(spawn_fn(std::mem::forget::<BoxTask>));
    pending::<()>().shield(&tracker).detach();
    twice(|| Box::pin(tracker.drain(bomb())));
    twice(|| {
        let mut drain = Box::pin(tracker.drain(bomb()));
        assert!(poll(&mut drain).is_pending());
        drain
    });

    twice(|| Tracker::new(BombSpawner::new(closed())));
    twice(|| DynSpawner::new(BombSpawner::new(closed())));
    twice(|| {
        let bomb = Bomb("a value");
        spawn_fn(move |_| {
            let _ = &bomb;
        })
    });
    twice(|| {
        let bomb = Bomb("a value");
        spawn_local_fn(move |_| {
            let _ = &bomb;
        })
    });
    #[cfg(feature = "async-task")]
    twice(|| {
        let bomb = Bomb("a value");
        futures_shield::schedule_fn(move |_| {
            let _ = &bomb;
        })
    });
    #[cfg(feature = "futures")]
    twice(|| futures_shield::FuturesSpawner::new(BombSpawner::new(closed())));
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
