//! Panics in all foreign code: in the work, in drops, hooks, payloads and spawners.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::sync::Arc;
use std::task::Poll;

use futures_shield::{BoxTask, Shield, ShieldError, ShieldExt, Spawn, spawn_fn};
use futures_util::FutureExt;
use futures_util::future::{pending, poll_fn, ready};
use tokio::sync::oneshot;

use crate::support::*;

/// Returns the error with which a shield has ended.
fn error<T>(shield: Shield<T>) -> ShieldError {
    match shield.fallible().now_or_never() {
        Some(Err(error)) => error,
        Some(Ok(_)) => panic!("it has a value"),
        None => panic!("it has not ended"),
    }
}

/// A payload whose drop is counted, and panics.
struct Evil(#[allow(dead_code)] OnDrop);

impl Drop for Evil {
    fn drop(&mut self) {
        panic!("an evil payload");
    }
}

/// Scenario 24: the payload itself, not a copy or a text of it.
#[test]
fn payload_is_the_same_object() {
    let crank = Crank::new();
    let payload = Arc::new(7);
    let thrown = Arc::clone(&payload);
    let mut shield: Shield<()> = async move { panic_any(thrown) }.shield(crank.spawner());
    assert_eq!(crank.run(), 1);
    let caught = catch_unwind(AssertUnwindSafe(|| poll(&mut shield))).unwrap_err();
    assert!(Arc::ptr_eq(caught.downcast_ref::<Arc<i32>>().unwrap(), &payload));

    let thrown = Arc::clone(&payload);
    let shield: Shield<()> = async move { resume_unwind(Box::new(thrown)) }.shield(crank.spawner());
    crank.run();
    let caught = error(shield).into_panic();
    assert!(Arc::ptr_eq(caught.downcast_ref::<Arc<i32>>().unwrap(), &payload));
    drop(caught);
    assert_eq!(Arc::strong_count(&payload), 2, "the first one alone is still held");
}

/// Scenario 25: the hook gets the payload once, whether the shield is dropped before or after the
/// panic.
#[test]
fn orphan_payload_reaches_the_hook() {
    let crank = Crank::new();
    let (before, before_kept) = hook();
    let shield: Shield<()> = async { panic_any(7) }.shield(crank.spawner());
    drop(shield.on_orphan(before));
    crank.run();
    let (after, mut after_kept) = hook();
    let shield: Shield<()> = async { panic_any(7) }.shield(crank.spawner());
    let shield = shield.on_orphan(after);
    crank.run();
    assert!(after_kept.is_waiting());
    drop(shield);
    for mut kept in [before_kept, after_kept] {
        let payload = kept.outcome().unwrap_err().into_panic();
        assert_eq!(payload.downcast_ref(), Some(&7));
    }
}

/// Scenario 26.
#[test]
fn panic_at_the_first_poll() {
    let crank = Crank::new();
    let drops = Drops::new();
    let work = HoldsUntilDrop::new(drops.one(), poll_fn(|_| -> Poll<()> { panic!("at once") }));
    let shield = work.shield(crank.spawner());
    assert_eq!(crank.run(), 1);
    assert_eq!((drops.count(), crank.len()), (1, 0));
    let error = error(shield);
    assert!(error.is_panic() && error.was_started());
    assert_eq!(message(&*error.into_panic()), "at once");
}

/// Scenario 26: a panic while the future is made is the caller's own, and nothing is spawned.
#[test]
fn panic_before_the_call() {
    fn make() -> std::future::Ready<()> {
        panic!("while it is made");
    }
    let crank = Crank::new();
    assert_eq!(panics_with(|| make().shield(crank.spawner())), "while it is made");
    assert_eq!(crank.len(), 0);
}

/// Scenario 27: on the thread that ends the work.
#[test]
fn orphan_output_drop_panics() {
    let crank = Crank::new();
    drop(async { Bomb("an output") }.shield(crank.spawner()));
    assert_eq!(crank.run(), 1, "the executor sees nothing of it");

    // In the hook, too.
    let (tell, told) = oneshot::channel();
    let shield = async { Bomb("an output") }
        .shield(crank.spawner())
        .on_orphan(|outcome| {
            tell.send(()).unwrap();
            drop(outcome);
        });
    drop(shield);
    assert_eq!(crank.run(), 1);
    assert_eq!(told.now_or_never(), Some(Ok(())));
}

/// Scenario 27: on the thread that drops the shield.
#[test]
fn unpolled_output_drop_panics() {
    let crank = Crank::new();
    let shield = async { Bomb("an output") }.shield(crank.spawner());
    crank.run();
    drop(shield);
    let shield = async { Bomb("an output") }.shield(crank.spawner());
    crank.run();
    shield.detach();
}

/// Scenario 28.
#[test]
fn drop_panic_at_shutdown() {
    let crank = Crank::new();
    let (hook, mut kept) = hook();
    let awaited = HoldsUntilDrop::new(Bomb("a future"), pending::<()>()).shield(crank.spawner());
    let orphan = HoldsUntilDrop::new(Bomb("a future"), pending::<()>()).shield(crank.spawner());
    drop(orphan.on_orphan(hook));
    crank.run();
    let unpolled = HoldsUntilDrop::new(Bomb("a future"), pending::<()>()).shield(crank.spawner());
    crank.shut_down();
    let refused = HoldsUntilDrop::new(Bomb("a future"), pending::<()>()).shield(crank.spawner());

    for (error, was_started) in [
        (error(awaited), true),
        (kept.outcome().unwrap_err(), true),
        (error(unpolled), false),
        (error(refused), false),
    ] {
        assert!(
            error.is_cancelled() && !error.is_panic(),
            "it was cut off, whatever its drop did: {error}"
        );
        assert_eq!(error.was_started(), was_started);
    }
}

/// If the drop of finished work panics, the outcome is that panic, and the output is dropped.
#[test]
fn late_drop_panic_is_the_outcome() {
    let crank = Crank::new();
    let drops = Drops::new();
    let output = drops.one();
    let mut shield = HoldsUntilDrop::new(Bomb("a future"), async { output }).shield(crank.spawner());
    assert_eq!(crank.run(), 1);
    assert_eq!(drops.count(), 1);
    assert_eq!(panics_with(|| poll(&mut shield)), "a future");

    // If the drop of the output panics as well, it is contained.
    let shield = HoldsUntilDrop::new(Bomb("a future"), async { Bomb("an output") }).shield(crank.spawner());
    assert_eq!(crank.run(), 1);
    assert_eq!(message(&*error(shield).into_panic()), "a future");

    let (hook, mut kept) = hook();
    drop(
        HoldsUntilDrop::new(Bomb("a future"), ready(()))
            .shield(crank.spawner())
            .on_orphan(hook),
    );
    assert_eq!(crank.run(), 1);
    assert_eq!(message(&*kept.outcome().unwrap_err().into_panic()), "a future");
}

/// Work that panics, and then panics in its drop: the first panic is its outcome.
#[test]
fn future_panics_twice() {
    let crank = Crank::new();
    let work = HoldsUntilDrop::new(Bomb("second"), async { panic!("first") });
    let shield: Shield<()> = work.shield(crank.spawner());
    assert_eq!(crank.run(), 1);
    assert_eq!(message(&*error(shield).into_panic()), "first");
}

/// Scenario 29.
#[test]
fn dropped_while_unwinding() {
    let crank = Crank::new();
    let (open, opened) = oneshot::channel::<()>();
    let (hook, mut kept) = hook();
    let shield = async { opened.await.map(|()| 7) }
        .shield(crank.spawner())
        .on_orphan(hook);
    drop_while_unwinding(shield);
    open.send(()).unwrap();
    crank.run();
    assert_eq!(kept.outcome().unwrap(), Ok(7));
}

/// Scenario 29: a shield that is dropped while unwinding, and everything that it holds panics. A
/// panic out of `Drop` would abort.
#[test]
fn everything_panics_while_unwinding() {
    let crank = Crank::new();

    // Its output.
    let shield = async { Bomb("an output") }.shield(crank.spawner());
    crank.run();
    drop_while_unwinding(shield);
    // Its hook, when it runs.
    let (hook, mut call) = hook_that_panics();
    let shield = ready(7).shield(crank.spawner()).on_orphan(hook);
    crank.run();
    drop_while_unwinding(shield);
    assert_eq!(call.outcome().unwrap(), 7);
    // Its payload.
    let shield: Shield<()> = async { panic_any(Evil(Drops::new().one())) }.shield(crank.spawner());
    crank.run();
    drop_while_unwinding(shield);
    // Its error, if nobody takes the payload out.
    let shield: Shield<()> = async { panic_any(Evil(Drops::new().one())) }.shield(crank.spawner());
    crank.run();
    drop_while_unwinding(error(shield));
    // Its waker.
    let mut shield = pending::<()>().shield(crank.spawner());
    let waker = callback_waker(|| {}, || panic!("a waker"));
    assert!(poll_with(&mut shield, &waker).is_pending());
    does_not_panic(|| drop(waker));
    drop_while_unwinding(shield);
}

/// Scenario 29: a hook that is given to a shield that has delivered, and panics in its drop.
#[test]
fn hook_after_delivery() {
    let crank = Crank::new();
    let delivered = || {
        let mut shield = ready(7).shield(crank.spawner());
        crank.run();
        assert_eq!(poll(&mut shield), Poll::Ready(7));
        let bomb = Bomb("a hook");
        shield.on_orphan(move |_| drop(bomb))
    };
    let shield = delivered();
    does_not_panic(move || drop(shield));
}

/// Scenario 30: the spawner's panic passes through the call. The work is dropped once, its location
/// is no longer published, and the thread can shield again.
#[test]
fn spawner_panics() {
    let drops = Drops::new();
    let broken = spawn_fn(|_| panic!("no threads left"));
    let work = HoldsUntilDrop::new(drops.one(), pending::<()>());
    assert_eq!(panics_with(|| work.shield(&broken)), "no threads left");
    assert_eq!(drops.count(), 1);

    // The drop of the work panics as well, while the spawner's panic unwinds: no abort.
    let work = HoldsUntilDrop::new(Bomb("a future"), pending::<()>());
    assert_eq!(panics_with(|| work.shield(&broken)), "no threads left");

    let crank = Crank::new();
    let shield = ready(7).shield(crank.spawner());
    crank.run();
    assert_eq!(shield.now_or_never(), Some(7));
}

/// Scenario 30: in a drop, while the caller unwinds. If the user's own `Drop` catches the panic,
/// nothing aborts.
#[test]
fn spawner_panics_while_unwinding() {
    let drops = Drops::new();
    let held = drops.one();
    let guard = OnDrop::new(move || {
        let broken = spawn_fn(|_| panic!("no threads left"));
        let work = HoldsUntilDrop::new((held, Bomb("a future")), pending::<()>());
        assert_eq!(panics_with(|| work.shield(broken)), "no threads left");
    });
    drop_while_unwinding(guard);
    assert_eq!(drops.count(), 1);
}

/// Scenarios 27 and 30: the spawner takes the work and then panics. The work has no caller, so it
/// is an orphan: its output is dropped, and a panic of that drop is contained.
#[test]
fn spawner_panics_after_taking_work() {
    let crank = Arc::new(Crank::new());
    let inner = crank.spawner();
    let broken = spawn_fn(move |task: BoxTask| {
        inner.spawn_detached(task);
        panic!("too late");
    });
    let drops = Drops::new();
    let output = drops.one();
    assert_eq!(panics_with(|| async { output }.shield(&broken)), "too late");
    assert_eq!(crank.run(), 1);
    assert_eq!(drops.count(), 1);

    assert_eq!(panics_with(|| async { Bomb("an output") }.shield(&broken)), "too late");
    let cranked = Arc::clone(&crank);
    does_not_panic(move || assert_eq!(cranked.run(), 1));
}

/// Scenario 31: on each of the three threads that a hook can run on.
#[test]
fn hook_panics() {
    let crank = Crank::new();
    let shielded = || {
        let (hook, call) = hook_that_panics();
        (ready(7).shield(crank.spawner()).on_orphan(hook), call)
    };
    // The work's end.
    let (shield, mut call) = shielded();
    drop(shield);
    assert_eq!(crank.run(), 1);
    assert_eq!(call.outcome().unwrap(), 7);
    // The shield's drop.
    let (shield, mut call) = shielded();
    crank.run();
    does_not_panic(|| drop(shield));
    assert_eq!(call.outcome().unwrap(), 7);
    // The executor's shutdown.
    let (shield, mut call) = shielded();
    drop(shield);
    does_not_panic(|| crank.shut_down());
    assert!(call.outcome().unwrap_err().is_cancelled());
}

/// Scenario 31: what the hook captured panics when it is dropped, after it ran, at delivery, or
/// replaced.
#[test]
fn hook_drop_panics() {
    let crank = Crank::new();
    let shielded = || {
        let bomb = Bomb("a hook");
        ready(7).shield(crank.spawner()).on_orphan(move |_| drop(bomb))
    };
    drop(shielded());
    assert_eq!(crank.run(), 1);

    let mut shield = shielded();
    crank.run();
    assert_eq!(poll(&mut shield), Poll::Ready(7), "at delivery");
    drop(shield);

    let (hook, mut kept) = hook();
    let shield = shielded().on_orphan(hook);
    let shield = shield.fallible();
    crank.run();
    drop(shield);
    assert_eq!(kept.outcome().unwrap(), 7);
}

/// Scenario 31b: a payload whose own drop panics, at every place where it can be dropped.
#[test]
fn payload_whose_drop_panics() {
    let crank = Crank::new();
    let drops = Drops::new();
    let evil = || {
        let told = drops.one();
        async move { panic_any(Evil(told)) }
    };
    let mut expected = 0;
    let mut dropped_one_more = || {
        expected += 1;
        assert_eq!(drops.count(), expected);
    };

    // An orphan's, with no hook.
    let shield: Shield<()> = evil().shield(crank.spawner());
    drop(shield);
    assert_eq!(crank.run(), 1);
    dropped_one_more();
    // Its hook drops it.
    let shield: Shield<()> = evil().shield(crank.spawner());
    drop(shield.on_orphan(drop));
    assert_eq!(crank.run(), 1);
    dropped_one_more();
    // Never polled.
    let shield: Shield<()> = evil().shield(crank.spawner());
    crank.run();
    drop(shield);
    dropped_one_more();
    // In an error that is dropped.
    let shield: Shield<()> = evil().shield(crank.spawner());
    crank.run();
    drop(error(shield));
    dropped_one_more();
    // Delivered: it is the caller's, unchanged.
    let mut shield: Shield<()> = evil().shield(crank.spawner());
    crank.run();
    let payload = catch_unwind(AssertUnwindSafe(|| poll(&mut shield))).unwrap_err();
    let payload = payload.downcast::<Evil>().unwrap();
    assert_eq!(panics_with(|| drop(payload)), "an evil payload");
    dropped_one_more();
    // The payload of a panic in a drop that is contained.
    struct Throws<T: Send + 'static>(Option<T>);
    impl<T: Send + 'static> Drop for Throws<T> {
        fn drop(&mut self) {
            panic_any(self.0.take().unwrap());
        }
    }
    let shield = HoldsUntilDrop::new(Throws(Some(Evil(drops.one()))), pending::<()>()).shield(crank.spawner());
    crank.run();
    crank.shut_down();
    dropped_one_more();
    assert!(error(shield).is_cancelled());
    // Its drop panics with another such payload, which is dropped too. The payload of that one is leaked, so that the chain ends.
    let crank = Crank::new();
    let told = drops.one();
    let shield: Shield<()> = async { panic_any(Throws(Some(Evil(told)))) }.shield(crank.spawner());
    drop(shield);
    assert_eq!(crank.run(), 1);
    dropped_one_more();
    let leaked = drops.one();
    let shield: Shield<()> = async { panic_any(Throws(Some(Throws(Some(Evil(leaked)))))) }.shield(crank.spawner());
    drop(shield);
    let before = drops.count();
    assert_eq!((crank.run(), drops.count()), (1, before));
}

/// Scenario 31b: a hook that is replaced by a second `on_orphan`, and shields, cranks and drops a
/// shield in its drop.
#[test]
fn replaced_hook_that_reenters() {
    on_a_thread(|| {
        let crank = Arc::new(Crank::new());
        let (other, mut other_kept) = hook();
        let (more, mut more_kept) = hook();
        let (hook, mut kept) = hook();
        let shielded = ready("other").shield(crank.spawner()).on_orphan(other);
        let cranked = Arc::clone(&crank);
        let teller = OnDrop::new(move || {
            drop(shielded);
            drop(ready("more").shield(cranked.spawner()).on_orphan(more));
            cranked.run();
        });
        let shield = ready(7)
            .shield(crank.spawner())
            .on_orphan(move |_| drop(teller))
            .on_orphan(hook);
        assert_eq!(other_kept.outcome().unwrap(), "other");
        assert_eq!(more_kept.outcome().unwrap(), "more");
        drop(shield);
        assert_eq!(kept.outcome().unwrap(), 7);
    });
}

/// The payload of an orphan's panic calls back into the tracker when it is dropped: no lock is held, and the work still
/// counts as an orphan.
#[test]
fn payload_whose_drop_reenters() {
    let seen = on_a_thread(|| {
        let crank = Crank::new();
        let tracker = futures_shield::Tracker::new(crank.spawner());
        let (inside, seen) = (tracker.clone(), std::sync::Arc::new(std::sync::Mutex::new(None)));
        let sees = std::sync::Arc::clone(&seen);
        let reenters = OnDrop::new(move || {
            drop(std::future::pending::<()>().shield(&inside));
            *locked(&sees) = Some((inside.len(), inside.orphans()));
        });
        let work = async move { panic_any(reenters) };
        drop::<Shield<()>>(work.shield(&tracker));
        crank.run();
        locked(&seen).take()
    });
    assert_eq!(seen, Some((2, 2)));
}
