//! Panics, wherever foreign code can: in the work, in drops, in hooks, in payloads and in spawners.

use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::sync::Arc;
use std::task::Poll;
use std::thread;

use futures_shield::{BoxTask, Shield, ShieldError, ShieldExt, Spawn, spawn_fn};
use futures_util::FutureExt;
use futures_util::future::{pending, poll_fn, ready};
use tokio::sync::oneshot;

use crate::support::{Bomb, Crank, DropTeller, Drops, Holding, hook, locked, message, on_a_thread, panics_with, poll};

/// The error that a shield has ended with.
fn error<T>(shield: Shield<T>) -> ShieldError {
    match shield.fallible().now_or_never() {
        Some(Err(error)) => error,
        Some(Ok(_)) => panic!("it has a value"),
        None => panic!("it has not ended"),
    }
}

/// A payload whose drop panics, and tells that it was dropped.
struct Evil(#[allow(dead_code)] DropTeller);

impl Drop for Evil {
    fn drop(&mut self) {
        panic!("an evil payload");
    }
}

/// Scenario 24: the payload itself, not a copy or a text of it.
#[test]
fn the_payload_is_the_same_object() {
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

/// Scenario 25: dropped before and after the panic, the hook gets the payload once.
#[test]
fn an_orphan_that_panics_the_hook_gets_the_payload() {
    let crank = Crank::new();
    let (before, before_kept) = hook();
    let shield: Shield<()> = async { panic_any(7) }.shield(crank.spawner());
    drop(shield.on_orphan(before));
    crank.run();
    let (after, after_kept) = hook();
    let shield: Shield<()> = async { panic_any(7) }.shield(crank.spawner());
    let shield = shield.on_orphan(after);
    crank.run();
    assert!(locked(&after_kept).is_empty());
    drop(shield);
    for kept in [before_kept, after_kept] {
        let payload = locked(&kept).pop().unwrap().unwrap_err().into_panic();
        assert_eq!(payload.downcast_ref(), Some(&7));
        assert!(locked(&kept).is_empty());
    }
}

/// Scenario 26.
#[test]
fn a_panic_at_the_first_poll_drops_the_future() {
    let crank = Crank::new();
    let drops = Drops::new();
    let work = Holding::new(drops.one(), poll_fn(|_| -> Poll<()> { panic!("at once") }));
    let shield = work.shield(crank.spawner());
    assert_eq!(crank.run(), 1);
    assert_eq!((drops.count(), crank.len()), (1, 0));
    let error = error(shield);
    assert!(error.is_panic() && error.was_started());
    assert_eq!(message(&*error.into_panic()), "at once");
}

/// Scenario 26: before that, where the future is made, the panic is the caller's own and nothing is spawned.
#[test]
fn a_panic_before_the_call_is_the_callers() {
    fn make() -> std::future::Ready<()> {
        panic!("while it is made");
    }
    let crank = Crank::new();
    assert_eq!(panics_with(|| make().shield(crank.spawner())), "while it is made");
    assert_eq!(crank.len(), 0);
}

/// Scenario 27: on the thread that ends the work.
#[test]
fn the_output_of_an_orphan_panics_when_dropped() {
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
fn the_output_panics_when_its_shield_is_dropped() {
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
fn the_future_panics_when_its_executor_drops_it() {
    let crank = Crank::new();
    let (hook, kept) = hook();
    let awaited = Holding::new(Bomb("a future"), pending::<()>()).shield(crank.spawner());
    let orphan = Holding::new(Bomb("a future"), pending::<()>()).shield(crank.spawner());
    drop(orphan.on_orphan(hook));
    crank.run();
    let unpolled = Holding::new(Bomb("a future"), pending::<()>()).shield(crank.spawner());
    crank.shut_down();
    let refused = Holding::new(Bomb("a future"), pending::<()>()).shield(crank.spawner());

    for (error, was_started) in [
        (error(awaited), true),
        (locked(&kept).pop().unwrap().unwrap_err(), true),
        (error(unpolled), false),
        (error(refused), false),
    ] {
        assert!(
            error.is_cancelled() && !error.is_panic(),
            "it was cut off, whatever its drop did: {error}"
        );
        assert_eq!(error.was_started(), was_started);
    }
    assert!(locked(&kept).is_empty());
}

/// Scenario 28: the executor drops it because its own thread unwinds.
#[test]
fn the_future_panics_when_its_executor_unwinds() {
    let crank = Crank::new();
    let shield = Holding::new(Bomb("a future"), pending::<()>()).shield(crank.spawner());
    crank.run();
    let text = panics_with(move || {
        let _crank = crank;
        panic!("the executor");
    });
    assert_eq!(text, "the executor");
    assert!(error(shield).is_cancelled());
}

/// Promise 5: where the drop of finished work panics, the outcome is that panic, and the output is dropped.
#[test]
fn the_future_panics_when_it_is_dropped_after_its_end() {
    let crank = Crank::new();
    let drops = Drops::new();
    let output = drops.one();
    let mut shield = Holding::new(Bomb("a future"), async { output }).shield(crank.spawner());
    assert_eq!(crank.run(), 1);
    assert_eq!(drops.count(), 1);
    assert_eq!(panics_with(|| poll(&mut shield)), "a future");

    // And where the drop of the output panics as well, it is contained.
    let shield = Holding::new(Bomb("a future"), async { Bomb("an output") }).shield(crank.spawner());
    assert_eq!(crank.run(), 1);
    assert_eq!(message(&*error(shield).into_panic()), "a future");

    let (hook, kept) = hook();
    drop(
        Holding::new(Bomb("a future"), ready(()))
            .shield(crank.spawner())
            .on_orphan(hook),
    );
    assert_eq!(crank.run(), 1);
    assert_eq!(
        message(&*locked(&kept).pop().unwrap().unwrap_err().into_panic()),
        "a future"
    );
}

/// Promise 5: work that has panicked, and then panics in its drop. The first panic is its outcome.
#[test]
fn the_future_panics_and_then_panics_when_it_is_dropped() {
    let crank = Crank::new();
    let work = Holding::new(Bomb("second"), async { panic!("first") });
    let shield: Shield<()> = work.shield(crank.spawner());
    assert_eq!(crank.run(), 1);
    assert_eq!(message(&*error(shield).into_panic()), "first");
}

/// Scenario 29.
#[test]
fn dropped_while_its_caller_unwinds_it_goes_on() {
    let crank = Crank::new();
    let (open, opened) = oneshot::channel::<()>();
    let (hook, kept) = hook();
    let shield = async { opened.await.map(|()| 7) }
        .shield(crank.spawner())
        .on_orphan(hook);
    let text = panics_with(move || {
        let _shield = shield;
        panic!("the caller");
    });
    assert_eq!(text, "the caller");
    open.send(()).unwrap();
    crank.run();
    assert_eq!(locked(&kept).pop().unwrap().unwrap(), Ok(7));
}

/// Scenario 29 and promise 9: dropped while unwinding with everything it holds set to panic. A panic out of `Drop` would abort.
#[test]
fn dropped_while_unwinding_nothing_that_panics_gets_out() {
    let unwind_with = |held: Box<dyn std::any::Any>| {
        let text = panics_with(move || {
            let _held = held;
            panic!("the caller");
        });
        assert_eq!(text, "the caller");
    };
    let crank = Crank::new();

    // Its output.
    let shield = async { Bomb("an output") }.shield(crank.spawner());
    crank.run();
    unwind_with(Box::new(shield));
    // Its hook, when it runs.
    let shield = ready(7).shield(crank.spawner()).on_orphan(|_| panic!("a hook"));
    crank.run();
    unwind_with(Box::new(shield));
    // Its payload.
    let shield: Shield<()> = async { panic_any(Evil(Drops::new().one())) }.shield(crank.spawner());
    crank.run();
    unwind_with(Box::new(shield));
    // Its error, when nobody looks into it.
    let shield: Shield<()> = async { panic_any(Evil(Drops::new().one())) }.shield(crank.spawner());
    crank.run();
    unwind_with(Box::new(error(shield)));
    // Its waker.
    let mut shield = pending::<()>().shield(crank.spawner());
    let waker = crate::support::act(|| {}, || panic!("a waker"));
    assert!(crate::support::poll_with(&mut shield, &waker).is_pending());
    assert_eq!(panics_with_nothing(|| drop(waker)), None);
    unwind_with(Box::new(shield));
}

/// Runs what is not to panic, and gives what it panicked with all the same.
fn panics_with_nothing(f: impl FnOnce()) -> Option<String> {
    let payload = catch_unwind(AssertUnwindSafe(f)).err()?;
    Some(message(&*payload).to_owned())
}

/// Scenario 29 and promise 9: a hook that is given to a shield that has delivered, and panics in its drop.
#[test]
fn a_hook_given_after_delivery_panics_when_dropped() {
    let crank = Crank::new();
    let delivered = || {
        let mut shield = ready(7).shield(crank.spawner());
        crank.run();
        assert_eq!(poll(&mut shield), Poll::Ready(7));
        let bomb = Bomb("a hook");
        shield.on_orphan(move |_| drop(bomb))
    };
    let shield = delivered();
    assert_eq!(panics_with_nothing(move || drop(shield)), None);
}

/// Scenario 30: what the spawner panics with passes through the call. The work is dropped once, its site is no longer
/// published, and the thread can shield again.
#[test]
fn the_spawner_panics() {
    let drops = Drops::new();
    let broken = spawn_fn(|_| panic!("no threads left"));
    let work = Holding::new(drops.one(), pending::<()>());
    assert_eq!(panics_with(|| work.shield(&broken)), "no threads left");
    assert_eq!(drops.count(), 1);

    // The drop of the work panics as well, while the spawner's panic unwinds: no abort.
    let work = Holding::new(Bomb("a future"), pending::<()>());
    assert_eq!(panics_with(|| work.shield(&broken)), "no threads left");

    let crank = Crank::new();
    let shield = ready(7).shield(crank.spawner());
    crank.run();
    assert_eq!(shield.now_or_never(), Some(7));
}

/// Scenario 30: in a drop, while the caller unwinds. What the user's own `Drop` catches does not abort.
#[test]
fn the_spawner_panics_while_its_caller_unwinds() {
    let drops = Drops::new();
    let held = drops.one();
    let guard = DropTeller::new(move || {
        let broken = spawn_fn(|_| panic!("no threads left"));
        let work = Holding::new((held, Bomb("a future")), pending::<()>());
        assert_eq!(panics_with(|| work.shield(broken)), "no threads left");
    });
    let text = panics_with(move || {
        let _guard = guard;
        panic!("the caller");
    });
    assert_eq!(text, "the caller");
    assert_eq!(drops.count(), 1);
}

/// Scenarios 27 and 30: the spawner takes the work, and panics then. The work has no caller, so it is an orphan like others:
/// its output is dropped, and a panic of that is contained.
#[test]
fn the_spawner_panics_after_it_has_taken_the_work() {
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
    assert_eq!(panics_with_nothing(move || assert_eq!(cranked.run(), 1)), None);
}

/// Scenario 31: on each of the three threads that a hook can run on.
#[test]
fn the_hook_panics() {
    let crank = Crank::new();
    let shielded = || ready(7).shield(crank.spawner()).on_orphan(|_| panic!("a hook"));
    // The work's end.
    drop(shielded());
    assert_eq!(crank.run(), 1);
    // The shield's drop.
    let shield = shielded();
    crank.run();
    assert_eq!(panics_with_nothing(|| drop(shield)), None);
    // The executor's shutdown.
    drop(shielded());
    assert_eq!(panics_with_nothing(|| crank.shut_down()), None);
}

/// Scenario 31: what the hook captured panics when it is dropped, after it ran, at delivery, or replaced.
#[test]
fn what_the_hook_holds_panics_when_dropped() {
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

    let (hook, kept) = hook();
    let shield = shielded().on_orphan(hook);
    let shield = shield.fallible();
    crank.run();
    drop(shield);
    assert_eq!(locked(&kept).pop().unwrap().unwrap(), 7);
}

/// Scenario 31b: a payload whose own drop panics, wherever it ends up.
#[test]
fn a_payload_that_panics_when_dropped() {
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
    // Of the panic in a drop that is contained.
    struct Throws(Option<Evil>);
    impl Drop for Throws {
        fn drop(&mut self) {
            panic_any(self.0.take().unwrap());
        }
    }
    let shield = Holding::new(Throws(Some(Evil(drops.one()))), pending::<()>()).shield(crank.spawner());
    crank.run();
    crank.shut_down();
    dropped_one_more();
    assert!(error(shield).is_cancelled());
    // Its drop panics with another of its kind, which is dropped, too. What that one panics with is leaked: somewhere it
    // has to end.
    let crank = Crank::new();
    let told = drops.one();
    let shield: Shield<()> = async { panic_any(Throws(Some(Evil(told)))) }.shield(crank.spawner());
    drop(shield);
    assert_eq!(crank.run(), 1);
    dropped_one_more();
}

/// Promise 8: a panic's text is taken when it is caught, not when it is asked for.
#[test]
fn the_text_of_a_panic_is_there_for_as_long_as_the_error() {
    let crank = Crank::new();
    let shield: Shield<()> = async { panic!("out of {}", String::from("paper")) }.shield(crank.spawner());
    crank.run();
    let error = error(shield);
    for _ in 0..2 {
        assert!(error.to_string().ends_with("panicked: out of paper"));
    }
    assert_eq!(message(&*error.into_panic()), "out of paper");
}

/// Scenario 31b: a hook that is replaced by a second `on_orphan`, and shields, cranks and drops a shield in its drop.
#[test]
fn a_replaced_hook_that_reenters() {
    on_a_thread(|| {
        let crank = Arc::new(Crank::new());
        let (other, other_kept) = hook();
        let (more, more_kept) = hook();
        let (hook, kept) = hook();
        let shielded = ready("other").shield(crank.spawner()).on_orphan(other);
        let cranked = Arc::clone(&crank);
        let teller = DropTeller::new(move || {
            drop(shielded);
            drop(ready("more").shield(cranked.spawner()).on_orphan(more));
            cranked.run();
        });
        let shield = ready(7)
            .shield(crank.spawner())
            .on_orphan(move |_| drop(teller))
            .on_orphan(hook);
        assert_eq!(locked(&other_kept).pop().unwrap().unwrap(), "other");
        assert_eq!(locked(&more_kept).pop().unwrap().unwrap(), "more");
        drop(shield);
        assert_eq!(locked(&kept).pop().unwrap().unwrap(), 7);
    });
}

/// Promise 8: locks ignore poison. A thread that dies in the middle of whatever it likes spoils nothing for the others.
#[test]
fn a_panic_on_one_side_spoils_nothing_for_the_other() {
    let crank = Crank::new();
    let (open, opened) = oneshot::channel::<()>();
    let mut shield = async { opened.await.map(|()| 7) }.shield(crank.spawner());
    let waker = crate::support::act(|| panic!("a waker"), || {});
    assert!(crate::support::poll_with(&mut shield, &waker).is_pending());
    open.send(()).unwrap();
    crank.run();
    assert!(shield.is_finished());
    assert!(format!("{shield:?}").ends_with("work: finished }"));
    let there = thread::spawn(move || shield.now_or_never());
    assert_eq!(crate::support::join(there), Some(Ok(7)));
}
