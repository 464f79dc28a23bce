//! `.shield_on_drop()` and `.shield_on_drop_local()`: work that runs inside its caller, and
//! continues elsewhere if it is dropped.

use std::future::{Future, pending, poll_fn, ready};
use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any, resume_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::task::{Context, Poll};
use std::thread;

use futures_shield::{BoxTask, ShieldExt, ShieldOnDrop, Spawn, spawn_fn, spawn_local_fn, spawn_location};
use tokio::sync::oneshot;

use crate::support::*;

on_every_rig! {
    every:
    awaited_runs_in_its_caller,
    err_passes_through,
    never_polled_never_runs,
    dropped_partway_continues,
    loser_of_select_continues,
    timed_out_by_reference,
    orphan_panic_reaches_the_hook,
    dropped_while_unwinding,
    permits_are_free_in_the_hook;
    if_it_drops: orphan_at_shutdown;
}

/// Gives `shield` a hook, and polls it once. Returns it and the record of the hook.
fn suspend<F: Future, S>(shield: ShieldOnDrop<F, S>) -> (ShieldOnDrop<F, S>, HookCall<F::Output>)
where
    F::Output: Send + 'static,
{
    let (hook, call) = hook();
    let mut shield = shield.on_orphan(hook);
    assert!(poll(&mut shield).is_pending());
    (shield, call)
}

/// Scenarios 1 and 2: the row "runs inside the caller, when polled" of the semantics table.
fn awaited_runs_in_its_caller<R: AnyRig>(rig: R) {
    rig.run(async {
        assert_eq!(rig.shield_on_drop(async { 7 }).await, 7);

        let (tell, mut told) = hook();
        let (work, open) = gated();
        let here = thread::current().id();
        let work = async move { (work.await, thread::current().id()) };
        let mut shield = rig.shield_on_drop(work).on_orphan(tell);
        assert!(poll(&mut shield).is_pending());
        open.send(7).unwrap();
        assert_eq!(shield.await, (7, here));
        assert!(told.is_dropped_uncalled());
    });
}

/// Scenario 3.
fn err_passes_through<R: AnyRig>(rig: R) {
    let (tell, mut told) = hook();
    let shield = rig.shield_on_drop(async { Err::<(), _>("declined") }).on_orphan(tell);
    assert_eq!(rig.run(shield), Err("declined"));
    assert!(told.is_dropped_uncalled());
}

/// Scenarios 5 and 6: the row "dropped before the first poll" of the semantics table.
fn never_polled_never_runs<R: AnyRig>(rig: R) {
    let drops = Drops::new();
    let held = drops.one();
    let (tell, mut told) = hook::<()>();
    let work = async move {
        let _held = held;
        unreachable!("futures are lazy");
    };
    drop(rig.shield_on_drop(work).on_orphan(tell));
    assert_eq!(drops.count(), 1);
    assert!(told.is_dropped_uncalled());
}

/// Scenarios 4 and 5: the row "dropped partway" of the semantics table. The rest continues, and its
/// effect is seen once.
fn dropped_partway_continues<R: AnyRig>(rig: R) {
    let begun = Arc::new(AtomicUsize::new(0));
    let begins = Arc::clone(&begun);
    let (work, open) = gated();
    let (shield, told) = suspend(rig.shield_on_drop(async move {
        begins.fetch_add(1, Ordering::SeqCst);
        work.await
    }));
    rig.run(async {
        drop(shield);
        open.send(7).unwrap();
        assert_eq!(told.await.unwrap().unwrap(), 7);
    });
    assert_eq!(begun.load(Ordering::SeqCst), 1);
}

/// Scenario 33.
fn loser_of_select_continues<R: AnyRig>(rig: R) {
    let (work, open) = gated();
    let (tell, told) = hook();
    let shield = rig.shield_on_drop(work).on_orphan(tell);
    rig.run(async {
        tokio::select! {
            biased;
            _ = shield => unreachable!("its gate is closed"),
            () = ready(()) => {}
        }
        open.send(7).unwrap();
        assert_eq!(told.await.unwrap().unwrap(), 7);
    });
}

/// Scenario 34.
fn timed_out_by_reference<R: AnyRig>(rig: R) {
    let (work, open) = gated();
    let mut shield = rig.shield_on_drop(work);
    rig.run(async {
        tokio::select! {
            biased;
            _ = &mut shield => unreachable!("its gate is closed"),
            () = ready(()) => {}
        }
        open.send(7).unwrap();
        assert_eq!(shield.await, 7);
    });
}

/// Scenario 25.
fn orphan_panic_reaches_the_hook<R: AnyRig>(rig: R) {
    let (work, open) = gated();
    let (tell, told) = hook::<()>();
    let mut shield = rig.shield_on_drop(async move { panic_any(work.await) }).on_orphan(tell);
    let error = rig.run(async {
        assert!(poll(&mut shield).is_pending());
        drop(shield);
        open.send(7).unwrap();
        told.await.unwrap().unwrap_err()
    });
    assert!(error.is_panic() && error.was_started());
    assert_eq!(error.into_panic().downcast_ref(), Some(&7_u32));
    assert_eq!(rig.run(rig.shield(async { 7 })), 7, "the executor lives");
}

/// Scenarios 29 and 30.
fn dropped_while_unwinding<R: AnyRig>(rig: R) {
    let (work, open) = gated();
    let (shield, told) = suspend(rig.shield_on_drop(work));
    rig.run(async {
        drop_while_unwinding(shield);
        open.send(7).unwrap();
        assert_eq!(told.await.unwrap().unwrap(), 7);
    });
}

/// Scenarios 55 and 57: the runtime is shut down while the orphan is its task.
fn orphan_at_shutdown<R: AnyRig>(rig: R) {
    let (work, _open) = gated();
    let (shield, mut told) = suspend(rig.shield_on_drop(work));
    rig.run(async {
        drop(shield);
    });
    assert!(told.is_waiting());
    rig.shut_down();
    let error = told.outcome().unwrap_err();
    assert!(error.is_cancelled() && error.was_started());
}

/// Scenario 58c: for a value and for a panic.
fn permits_are_free_in_the_hook<R: AnyRig>(rig: R) {
    for panics in [false, true] {
        let drops = Drops::new();
        let (work, open) = gated();
        let work = HoldsUntilDrop::new(drops.one(), async move {
            let value = work.await;
            assert!(!panics, "as it is asked to");
            value
        });
        let (tell, told) = oneshot::channel();
        let at_hook = drops.clone();
        let mut shield = rig.shield_on_drop(work).on_orphan(move |outcome| {
            tell.send((at_hook.count(), outcome.is_err())).unwrap();
        });
        rig.run(async {
            assert!(poll(&mut shield).is_pending());
            drop(shield);
            assert_eq!(drops.count(), 0);
            open.send(7).unwrap();
            assert_eq!(told.await, Ok((1, panics)));
        });
    }
}

/// What needs a shield that is `Send`, or a spawner that outlives its executor.
mod spawner {
    use super::*;

    on_every_spawner! {
        every: dropped_on_another_thread;
        if_it_shuts_down: dropped_after_shutdown;
    }

    /// Scenario 56: even for runtimes that are looked up in a context in which this thread is not.
    fn dropped_on_another_thread(rig: Rig) {
        let (work, open) = gated();
        let (tell, told) = hook();
        let mut shield = work.shield_on_drop(rig.spawner()).on_orphan(tell);
        rig.run(async { assert!(poll(&mut shield).is_pending()) });
        // `rig` need not be `Send`, but its shield must be.
        let shield = Box::pin(shield);
        on_a_thread(move || drop(shield));
        rig.run(async {
            open.send(7).unwrap();
            assert_eq!(told.await.unwrap().unwrap(), 7);
        });
    }

    /// Scenario 57: the runtime was shut down while the work ran inside its caller.
    fn dropped_after_shutdown(rig: Rig) {
        let drops = Drops::new();
        let held = drops.one();
        let (tell, mut told) = hook::<()>();
        let work = async move {
            let _held = held;
            pending::<()>().await;
        };
        let mut shield = work.shield_on_drop(rig.spawner()).on_orphan(tell);
        assert!(poll(&mut shield).is_pending());
        rig.shut_down();
        drop(shield);
        let error = told.outcome().unwrap_err();
        assert!(error.is_cancelled() && error.was_started());
        assert_eq!(drops.count(), 1);
    }
}

/// Scenario 58c: for a cancellation.
#[test]
fn permits_are_free_after_cancellation() {
    let crank = Crank::new();
    let drops = Drops::new();
    let at_hook = drops.clone();
    let (tell, mut told) = oneshot::channel();
    let mut shield = HoldsUntilDrop::new(drops.one(), pending::<()>())
        .shield_on_drop(crank.spawner())
        .on_orphan(move |_| tell.send(at_hook.count()).unwrap());
    assert!(poll(&mut shield).is_pending());
    drop(shield);
    crank.shut_down();
    assert_eq!(told.try_recv(), Ok(1));
}

// Step by step, on the hand-cranked executor.

/// Scenario 6: the row "caller holds it but stops polling" of the semantics table. It stands still,
/// woken or not.
#[test]
fn unpolled_shield_stands_still() {
    let crank = Crank::new();
    let (work, open) = gated();
    let (tell, mut told) = hook();
    let mut shield = work.shield_on_drop(crank.spawner()).on_orphan(tell);
    let (wakes, waker) = Wakes::new();
    assert!(poll_with(&mut shield, &waker).is_pending());
    open.send(7).unwrap();
    assert_eq!(wakes.count(), 1);
    assert_eq!((crank.run(), crank.len()), (0, 0));

    drop(shield);
    assert_eq!(crank.run(), 1);
    assert_eq!(told.outcome().unwrap(), 7);
}

/// Scenario 23: nobody runs a leaked inline shield.
#[test]
fn leaked_shield_stands_still() {
    let crank = Crank::new();
    let (work, open) = gated();
    let (shield, mut told) = suspend(work.shield_on_drop(crank.spawner()));
    mem::forget(shield);
    open.send(7).unwrap();
    assert_eq!(crank.run(), 0);
    assert!(told.is_waiting());
}

/// Scenarios 15 and 22: the work gets the waker of its current caller, and no other.
#[test]
fn moved_to_another_thread() {
    let nowhere = Nowhere::new();
    let (work, open) = gated();
    let mut shield = work.shield_on_drop(nowhere.spawner());
    let (first, waker) = Wakes::new();
    assert!(poll_with(&mut shield, &waker).is_pending());
    let (second, waker) = Wakes::new();
    let mut shield = on_a_thread(move || {
        assert!(poll_with(&mut shield, &waker).is_pending());
        shield
    });
    open.send(7).unwrap();
    assert_eq!((first.count(), second.count()), (0, 1));
    assert_eq!(poll(&mut shield), Poll::Ready(7));
}

/// Scenario 12: if the output is ready but the caller drops the shield without polling it again,
/// the hook gets it.
#[test]
fn woken_and_dropped_unpolled() {
    let crank = Crank::new();
    let drops = Drops::new();
    let output = drops.one();
    let (open, gate) = oneshot::channel::<()>();
    let work = async move {
        gate.await.unwrap();
        output
    };
    let mut shield = work.shield_on_drop(crank.spawner());
    assert!(poll(&mut shield).is_pending());
    open.send(()).unwrap();
    drop(shield);
    assert_eq!(drops.count(), 0);
    assert_eq!(crank.run(), 1);
    assert_eq!(drops.count(), 1);
}

/// The work is dropped before its output is delivered, even if it keeps what it holds.
#[test]
fn dropped_before_delivery() {
    let nowhere = Nowhere::new();
    let drops = Drops::new();
    let mut shield = HoldsUntilDrop::new(drops.one(), ready(7)).shield_on_drop(nowhere.spawner());
    assert_eq!(poll(&mut shield), Poll::Ready(7));
    assert_eq!(drops.count(), 1);
}

/// Scenario 58c: the work is dropped before its panic reaches a caller that catches it.
#[test]
fn dropped_before_its_panic_arrives() {
    let nowhere = Nowhere::new();
    let drops = Drops::new();
    let work = HoldsUntilDrop::new(drops.one(), async { panic!("overboard") });
    let mut shield = work.shield_on_drop(nowhere.spawner());
    assert_eq!(panics_with(|| poll(&mut shield).map(|()| ())), "overboard");
    assert_eq!(drops.count(), 1);
}

/// If the drop of completed work panics, that panic is the outcome.
#[test]
fn late_drop_panic_is_the_outcome() {
    let nowhere = Nowhere::new();
    let mut shield = HoldsUntilDrop::new(Bomb("late"), ready(7)).shield_on_drop(nowhere.spawner());
    assert_eq!(panics_with(|| poll(&mut shield)), "late");
    drop(shield);
}

/// Scenario 32: the row "panics while awaited" of the semantics table.
#[test]
fn panicked_future_is_not_spawned() {
    let nowhere = Nowhere::new();
    let (tell, mut told) = hook::<()>();
    let mut shield = async { panic_any("overboard") }
        .shield_on_drop(nowhere.spawner())
        .on_orphan(tell);
    assert_eq!(panics_with(|| poll(&mut shield)), "overboard");
    drop(shield);
    assert!(told.is_dropped_uncalled());
}

/// Panics at its first poll, and is pending from then on.
struct PanicsOnce {
    panicked: bool,
    drops: Option<OnDrop>,
}

impl PanicsOnce {
    fn new(drops: &Drops) -> Self {
        Self {
            panicked: false,
            drops: Some(drops.one()),
        }
    }
}

impl Future for PanicsOnce {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
        if !mem::replace(&mut self.panicked, true) {
            panic_any("once");
        }
        Poll::Pending
    }
}

impl Drop for PanicsOnce {
    fn drop(&mut self) {
        drop(self.drops.take());
    }
}

/// Scenario 32: the caller catches the panic and polls again, as `catch_unwind` in a loop would.
/// The future is not spawned.
#[test]
fn panicked_and_polled_again() {
    let spawned = Arc::new(AtomicUsize::new(0));
    let spawns = Arc::clone(&spawned);
    let drops = Drops::new();
    let spawner = spawn_fn(move |_: BoxTask| {
        spawns.fetch_add(1, Ordering::SeqCst);
    });
    let mut shield = PanicsOnce::new(&drops).shield_on_drop(spawner);
    assert_eq!(panics_with(|| poll(&mut shield)), "once");
    let _ = catch_unwind(AssertUnwindSafe(|| poll(&mut shield)));
    drop(shield);
    assert_eq!((spawned.load(Ordering::SeqCst), drops.count()), (0, 1));
}

/// Scenario 28: an inline shield that is dropped by its caller's own panic. No abort, and the panic
/// is the caller's.
#[test]
fn drop_panic_while_unwinding() {
    let nowhere = Nowhere::new();
    // Never polled.
    let shield = HoldsUntilDrop::new(Bomb("lazy"), pending::<()>()).shield_on_drop(nowhere.spawner());
    drop_while_unwinding(shield);

    // Partway, and the executor is gone.
    let mut shield = HoldsUntilDrop::new(Bomb("partway"), pending::<()>()).shield_on_drop(closed());
    assert!(poll(&mut shield).is_pending());
    drop_while_unwinding(shield);

    // The panic is the work's.
    let mut shield =
        HoldsUntilDrop::new(Bomb("panicked"), async { panic!("overboard") }).shield_on_drop(nowhere.spawner());
    let text = panics_with(move || poll(&mut shield).map(|()| ()));
    assert_eq!(text, "overboard");
}

/// Scenario 28: the same without unwinding. Nothing panics out of a drop.
#[test]
fn drop_panic_is_contained() {
    let nowhere = Nowhere::new();
    drop(HoldsUntilDrop::new(Bomb("lazy"), pending::<()>()).shield_on_drop(nowhere.spawner()));

    let (shield, mut told) = suspend(HoldsUntilDrop::new(Bomb("partway"), pending::<()>()).shield_on_drop(closed()));
    drop(shield);
    assert!(told.outcome().unwrap_err().is_cancelled());
}

/// Scenarios 30 and 57: a spawner that panics in `Drop`, unwinding or not. The hook gets a
/// cancellation.
#[test]
fn spawner_panic_is_contained() {
    for unwinding in [false, true] {
        let drops = Drops::new();
        let (tell, mut told) = hook::<()>();
        let spawner = spawn_fn(|_: BoxTask| panic!("the spawner's"));
        let mut shield = HoldsUntilDrop::new(drops.one(), pending())
            .shield_on_drop(spawner)
            .on_orphan(tell);
        assert!(poll(&mut shield).is_pending());
        drop_unwinding_or_not(unwinding, shield);
        let error = told.outcome().unwrap_err();
        assert!(error.is_cancelled() && error.was_started());
        assert_eq!(drops.count(), 1);
    }
}

/// Scenario 30: a spawner that panics after it has taken the work. The outcome is not lost.
#[test]
fn spawner_panics_after_taking_work() {
    let crank = Crank::new();
    let spawner = crank.spawner();
    let (work, open) = gated();
    let (shield, mut told) = suspend(work.shield_on_drop(spawn_fn(move |task: BoxTask| {
        spawner.spawn_detached(task);
        panic!("too late");
    })));
    drop(shield);
    open.send(7).unwrap();
    crank.run();
    assert_eq!(told.outcome().unwrap(), 7);
}

/// Scenario 30: a spawner that panics with a payload whose drop panics. That drop does not see the
/// call, and its panic is contained, too.
#[test]
fn payload_of_spawner_panics() {
    for unwinding in [false, true] {
        let (tell, told) = mpsc::channel();
        let spawner = spawn_fn(move |_: BoxTask| {
            let tell = tell.clone();
            resume_unwind(Box::new(OnDrop::new(move || {
                tell.send(spawn_location()).unwrap();
                panic!("the payload's");
            })))
        });
        let mut shield = pending::<()>().shield_on_drop(spawner);
        assert!(poll(&mut shield).is_pending());
        drop_unwinding_or_not(unwinding, shield);
        assert_eq!(told.try_recv(), Ok(None));
    }
}

/// Scenario 31.
#[test]
fn hook_panic_is_contained() {
    for unwinding in [false, true] {
        let (hook, mut call) = hook_that_panics();
        let mut shield = pending::<()>().shield_on_drop(closed()).on_orphan(hook);
        assert!(poll(&mut shield).is_pending());
        drop_unwinding_or_not(unwinding, shield);
        assert!(call.outcome().unwrap_err().is_cancelled());
    }
}

/// Scenario 31b: wherever a hook is dropped uncalled, a panic of its drop is contained.
#[test]
fn hook_drop_panic_is_contained() {
    let nowhere = Nowhere::new();
    // Replaced.
    let (shield, mut told) = suspend(
        pending::<()>()
            .shield_on_drop(closed())
            .on_orphan(hook_whose_drop_panics()),
    );
    drop(shield);
    assert!(told.outcome().unwrap_err().is_cancelled());

    // Not needed: the output has been delivered.
    let mut shield = async { 7 }
        .shield_on_drop(nowhere.spawner())
        .on_orphan(hook_whose_drop_panics());
    assert_eq!(poll(&mut shield), Poll::Ready(7));

    // Never polled, while unwinding.
    let shield = async { 7 }
        .shield_on_drop(nowhere.spawner())
        .on_orphan(hook_whose_drop_panics());
    drop_while_unwinding(shield);

    // The work has panicked.
    let mut shield = async { panic!("overboard") }
        .shield_on_drop(nowhere.spawner())
        .on_orphan(hook_whose_drop_panics());
    assert_eq!(panics_with(move || poll(&mut shield).map(|()| ())), "overboard");
}

/// A hook that is given after delivery is dropped with its shield, and its panic is contained
/// there.
#[test]
fn hook_after_delivery() {
    let nowhere = Nowhere::new();
    let mut shield = async { 7 }.shield_on_drop(nowhere.spawner());
    assert_eq!(poll(&mut shield), Poll::Ready(7));
    let shield = shield.on_orphan(hook_whose_drop_panics());
    assert!(catch_unwind(AssertUnwindSafe(move || drop(shield))).is_ok());
}

/// The hook of work whose own drop panicked after completion is contained.
#[test]
fn hook_after_a_drop_panic() {
    let nowhere = Nowhere::new();
    let mut shield = HoldsUntilDrop::new(Bomb("late"), ready(7))
        .shield_on_drop(nowhere.spawner())
        .on_orphan(hook_whose_drop_panics());
    assert_eq!(panics_with(|| poll(&mut shield)), "late");
    assert!(catch_unwind(AssertUnwindSafe(move || drop(shield))).is_ok());
}

/// Scenario 31b: a second hook replaces the first, whose drop drops another shield.
#[test]
fn replaced_hook_that_reenters() {
    on_a_thread(|| {
        let crank = Crank::new();
        let (tell, mut told) = hook();
        let mut inner = pending::<()>().shield_on_drop(crank.spawner()).on_orphan(tell);
        assert!(poll(&mut inner).is_pending());
        let (replaced, mut silent) = hook::<()>();
        let first = move |outcome| {
            drop(inner);
            replaced(outcome);
        };
        let mut shield = pending::<()>()
            .shield_on_drop(closed())
            .on_orphan(first)
            .on_orphan(|_| {});
        assert!(silent.is_dropped_uncalled());
        assert!(poll(&mut shield).is_pending());
        assert_eq!(crank.len(), 1);
        crank.shut_down();
        assert!(told.outcome().unwrap_err().is_cancelled());
    });
}

/// Scenario 27.
#[test]
fn output_drop_panic_is_contained() {
    let crank = Crank::new();
    let (open, gate) = oneshot::channel::<()>();
    let work = async move {
        gate.await.unwrap();
        Bomb("the output's")
    };
    let mut shield = work.shield_on_drop(crank.spawner());
    assert!(poll(&mut shield).is_pending());
    drop(shield);
    open.send(()).unwrap();
    assert_eq!(crank.run(), 1);
    assert_eq!(crank.len(), 0);
}

/// The drop of completed work panics, and so does the drop of its output, which the unwinding takes
/// along: no abort.
#[test]
fn future_and_output_panic_in_drop() {
    let nowhere = Nowhere::new();
    let output = ready(Bomb("the output's"));
    let mut shield = HoldsUntilDrop::new(Bomb("late"), output).shield_on_drop(nowhere.spawner());
    assert_eq!(panics_with(|| poll(&mut shield)), "late");
}

/// Scenario 36: a join that is shielded as a whole, and a join of shields.
#[test]
fn a_join_is_dropped() {
    let crank = Crank::new();
    let ((one, open_one), (two, open_two)) = (gated(), gated());
    let (tell, mut told) = hook();
    let mut whole = futures_util::future::join(one, two)
        .shield_on_drop(crank.spawner())
        .on_orphan(tell);
    assert!(poll(&mut whole).is_pending());
    drop(whole);
    assert_eq!(crank.len(), 1);
    open_one.send(1).unwrap();
    open_two.send(2).unwrap();
    crank.run();
    assert_eq!(told.outcome().unwrap(), (1, 2));

    let ((one, open_one), (two, open_two)) = (gated(), gated());
    let (tell_one, mut told_one) = hook();
    let (tell_two, mut told_two) = hook();
    let mut parts = futures_util::future::join(
        one.shield_on_drop(crank.spawner()).on_orphan(tell_one),
        two.shield_on_drop(crank.spawner()).on_orphan(tell_two),
    );
    open_one.send(1).unwrap();
    assert!(poll(&mut parts).is_pending());
    // `join` holds the first output: it has been delivered.
    drop(parts);
    assert_eq!(crank.len(), 1);
    open_two.send(2).unwrap();
    crank.run();
    assert!(told_one.is_dropped_uncalled());
    assert_eq!(told_two.outcome().unwrap(), 2);
}

/// Scenario 38.
#[test]
fn nested_outer_is_dropped() {
    let crank = Crank::new();
    let (work, open) = gated();
    let (tell_inner, mut told_inner) = hook();
    let (tell_outer, mut told_outer) = hook();
    let inner = work.shield_on_drop(crank.spawner()).on_orphan(tell_inner);
    let mut outer = inner.shield_on_drop(crank.spawner()).on_orphan(tell_outer);
    assert!(poll(&mut outer).is_pending());
    drop(outer);
    // The inner one still has a caller: the task of the outer one.
    assert_eq!(crank.len(), 1);
    open.send(7).unwrap();
    crank.run();
    assert_eq!(told_outer.outcome().unwrap(), 7);
    assert!(told_inner.is_dropped_uncalled());
}

/// Scenario 38: if the executor of the outer one cancels it, the inner one continues on its own.
#[test]
fn nested_outer_executor_shuts_down() {
    let (inside, outside) = (Crank::new(), Crank::new());
    let (work, open) = gated();
    let (tell, mut told) = hook();
    let inner = work.shield_on_drop(inside.spawner()).on_orphan(tell);
    let mut outer = inner.shield_on_drop(outside.spawner());
    assert!(poll(&mut outer).is_pending());
    drop(outer);
    outside.shut_down();
    assert_eq!(inside.len(), 1);
    open.send(7).unwrap();
    inside.run();
    assert_eq!(told.outcome().unwrap(), 7);
}

tokio::task_local! {
    static USER: &'static str;
}

/// Task-locals are those of the caller while it polls, and are lost after that unless the work
/// carries them.
#[test]
fn task_locals_are_the_callers() {
    let crank = Crank::new();
    let seen = || USER.try_with(|user| *user).ok();
    let (open, gate) = oneshot::channel::<()>();
    let (tell, mut told) = hook();
    let work = async move {
        let before = seen();
        gate.await.unwrap();
        (before, seen())
    };
    let mut shield = work.shield_on_drop(crank.spawner()).on_orphan(tell);
    USER.sync_scope("ada", || assert!(poll(&mut shield).is_pending()));
    open.send(()).unwrap();
    drop(shield);
    crank.run();
    assert_eq!(told.outcome().unwrap(), (Some("ada"), None));
}

/// Scenario 58b: the hook knows the location, even though the spawn happens in a drop.
#[test]
fn location_is_known() {
    let (tell, mut told) = hook();
    let (mut shield, line) = (pending::<()>().shield_on_drop(closed()).on_orphan(tell), line!());
    assert_eq!((shield.location().file(), shield.location().line()), (file!(), line));
    assert!(poll(&mut shield).is_pending());
    drop(shield);
    let error = told.outcome().unwrap_err();
    assert_eq!((error.location().file(), error.location().line()), (file!(), line));

    let (shield, line) = (ready(7).shield_on_drop_local(spawn_local_fn(drop)), line!());
    assert_eq!((shield.location().file(), shield.location().line()), (file!(), line));
}

/// Scenario 9: `Debug` needs no `Debug` and shows the progress.
#[test]
fn debug_shows_the_progress() {
    let nowhere = Nowhere::new();
    struct Opaque<F>(F);

    impl<F: Future + Unpin> Future for Opaque<F> {
        type Output = F::Output;

        fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
            Pin::new(&mut self.0).poll(cx)
        }
    }

    let (open, gate) = oneshot::channel::<()>();
    let mut shield = Opaque(gate).shield_on_drop(closed());
    let text = |work| format!("ShieldOnDrop {{ location: {}, work: {work} }}", shield.location());
    let texts = ["not started", "suspended", "ended"].map(text);
    assert_eq!(format!("{shield:?}"), texts[0]);
    assert!(poll(&mut shield).is_pending());
    assert_eq!(format!("{shield:?}"), texts[1]);
    open.send(()).unwrap();
    assert!(poll(&mut shield).is_ready());
    assert_eq!(format!("{shield:?}"), texts[2]);

    let mut shield = async { panic!("overboard") }.shield_on_drop(nowhere.spawner());
    panics_with(|| poll(&mut shield).map(|()| ()));
    assert!(format!("{shield:?}").contains("work: ended"));
}

/// The spawner is dropped with the shield: if it is the last owner of its executor, the hook gets a
/// cancellation.
#[test]
fn shield_owns_its_executor() {
    struct Owned(Crank);

    impl Spawn for Owned {
        fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
            self.0.spawner().spawn_detached(future);
        }
    }

    let (shield, mut told) = suspend(pending::<()>().shield_on_drop(Owned(Crank::new())));
    drop(shield);
    let error = told.outcome().unwrap_err();
    assert!(error.is_cancelled() && error.was_started());
}

/// Scenario 21: work that drops another shield inside its own poll.
#[test]
fn dropped_inside_another_poll() {
    on_a_thread(|| {
        let crank = Crank::new();
        let (tell, mut told) = hook();
        let (work, open) = gated();
        let mut inner = work.shield_on_drop(crank.spawner()).on_orphan(tell);
        assert!(poll(&mut inner).is_pending());
        let mut inner = Some(inner);
        let mut outer = poll_fn(move |_| {
            drop(inner.take());
            Poll::Ready(())
        })
        .shield_on_drop(crank.spawner());
        assert!(poll(&mut outer).is_ready());
        open.send(7).unwrap();
        crank.run();
        assert_eq!(told.outcome().unwrap(), 7);
    });
}
