//! `.shield_on_drop()` and `.shield_on_drop_local()`: what runs inside its caller, and what becomes of it when that leaves.

use std::cell::Cell;
use std::fmt;
use std::future::{Future, pending, poll_fn, ready};
use std::mem;
use std::panic::{AssertUnwindSafe, Location, catch_unwind, panic_any};
use std::pin::Pin;
use std::process::Command;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};
use std::thread;

use futures_shield::{
    BoxTask, DynSpawner, LocalBoxTask, ShieldExt, ShieldOnDrop, Spawn, SpawnLocal, Tracker, spawn_fn, spawn_local_fn,
};
use futures_util::FutureExt;
use futures_util::future::FusedFuture;
use tokio::sync::oneshot;

use crate::support::orphans::{Outcome, closed, gated, heard, hook, nowhere, was_silent};
use crate::support::*;

on_every_spawner! {
    awaited_it_runs_in_its_caller,
    err_passes_through,
    never_polled_it_never_runs,
    dropped_half_way_the_rest_goes_on,
    dropped_by_a_select_the_rest_goes_on,
    timed_out_by_reference_it_is_awaited_again,
    an_orphan_that_panics_tells_its_hook,
    dropped_off_the_runtimes_threads_the_rest_goes_on,
    dropped_while_unwinding_the_rest_goes_on,
    dropped_after_shut_down_the_hook_is_told,
    shut_down_as_an_orphan_the_hook_is_told,
    what_the_work_holds_is_free_when_the_hook_runs,
}

/// Scenarios 1 and 2: the row "runs inside the caller, when polled".
fn awaited_it_runs_in_its_caller<R: Rig>(rig: R) {
    let tracker = Tracker::new(rig.spawner());
    rig.run(async {
        assert_eq!(async { 7 }.shield_on_drop(&tracker).await, 7);

        let (tell, mut told) = hook();
        let (work, open) = gated();
        let here = thread::current().id();
        let work = async move { (work.await, thread::current().id()) };
        let mut shield = work.shield_on_drop(&tracker).on_orphan(tell);
        assert!(poll(&mut shield).is_pending());
        open.send(7).unwrap();
        assert_eq!(shield.await, (7, here));
        assert!(was_silent(&mut told));
    });
    assert!(tracker.is_empty());
}

/// Scenario 3.
fn err_passes_through<R: Rig>(rig: R) {
    let (tell, mut told) = hook();
    let shield = async { Err::<(), _>("declined") }
        .shield_on_drop(rig.spawner())
        .on_orphan(tell);
    assert_eq!(rig.run(shield), Err("declined"));
    assert!(was_silent(&mut told));
}

/// Scenarios 5 and 6: the row "dropped before the first poll".
fn never_polled_it_never_runs<R: Rig>(rig: R) {
    let tracker = Tracker::new(rig.spawner());
    let drops = Drops::new();
    let held = drops.one();
    let (tell, mut told) = hook();
    let work = async move {
        let _held = held;
        unreachable!("futures are lazy");
    };
    let shield: ShieldOnDrop<_, _> = work.shield_on_drop(&tracker).on_orphan(tell);
    drop(shield);
    assert_eq!(drops.count(), 1);
    assert!(tracker.is_empty());
    assert!(was_silent(&mut told));
}

/// Scenarios 4 and 5: the row "dropped half-way". The rest goes on from where it was, and its effect is seen once.
fn dropped_half_way_the_rest_goes_on<R: Rig>(rig: R) {
    let begun = Arc::new(AtomicUsize::new(0));
    let begins = Arc::clone(&begun);
    let (work, open) = gated();
    let (tell, told) = hook();
    let mut shield = async move {
        begins.fetch_add(1, Ordering::SeqCst);
        work.await
    }
    .shield_on_drop(rig.spawner())
    .on_orphan(tell);
    rig.run(async {
        assert!(poll(&mut shield).is_pending());
        drop(shield);
        open.send(7).unwrap();
        assert_eq!(told.await.unwrap().unwrap(), 7);
    });
    assert_eq!(begun.load(Ordering::SeqCst), 1);
}

/// Scenario 33.
fn dropped_by_a_select_the_rest_goes_on<R: Rig>(rig: R) {
    let (work, open) = gated();
    let (tell, told) = hook();
    let spawner = rig.spawner();
    rig.run(async {
        tokio::select! {
            biased;
            _ = work.shield_on_drop(spawner).on_orphan(tell) => unreachable!("its gate is closed"),
            () = ready(()) => {}
        }
        open.send(7).unwrap();
        assert_eq!(told.await.unwrap().unwrap(), 7);
    });
}

/// Scenario 34.
fn timed_out_by_reference_it_is_awaited_again<R: Rig>(rig: R) {
    let (work, open) = gated();
    let mut shield = work.shield_on_drop(rig.spawner());
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
fn an_orphan_that_panics_tells_its_hook<R: Rig>(rig: R) {
    let (work, open) = gated();
    let (tell, told) = hook::<()>();
    let mut shield = async move { panic_any(work.await) }
        .shield_on_drop(rig.spawner())
        .on_orphan(tell);
    let error = rig.run(async {
        assert!(poll(&mut shield).is_pending());
        drop(shield);
        open.send(7).unwrap();
        told.await.unwrap().unwrap_err()
    });
    assert!(error.is_panic() && error.was_started());
    assert_eq!(error.into_panic().downcast_ref(), Some(&7_u32));
    assert_eq!(rig.run(async { 7 }.shield(rig.spawner())), 7, "the executor lives");
}

/// Scenario 56: also for runtimes that are looked up in a context, which this thread is not in.
fn dropped_off_the_runtimes_threads_the_rest_goes_on<R: Rig>(rig: R) {
    let (work, open) = gated();
    let (tell, told) = hook();
    let mut shield = work.shield_on_drop(rig.spawner()).on_orphan(tell);
    rig.run(async { assert!(poll(&mut shield).is_pending()) });
    // `rig` has no need to be `Send`, but its shield has.
    let shield = Box::pin(shield);
    drop_elsewhere(shield);
    rig.run(async {
        open.send(7).unwrap();
        assert_eq!(told.await.unwrap().unwrap(), 7);
    });
}

fn drop_elsewhere<T: Send + 'static>(value: T) {
    on_a_thread(move || drop(value));
}

/// Scenarios 29 and 30.
fn dropped_while_unwinding_the_rest_goes_on<R: Rig>(rig: R) {
    let (work, open) = gated();
    let (tell, told) = hook();
    let mut shield = work.shield_on_drop(rig.spawner()).on_orphan(tell);
    rig.run(async {
        assert!(poll(&mut shield).is_pending());
        let text = panics_with(move || {
            let _shield = shield;
            panic!("the caller's own");
        });
        assert_eq!(text, "the caller's own");
        open.send(7).unwrap();
        assert_eq!(told.await.unwrap().unwrap(), 7);
    });
}

/// Scenario 57: the runtime has gone while the work ran inside its caller.
fn dropped_after_shut_down_the_hook_is_told<R: Rig>(rig: R) {
    if R::SHUTDOWN == Shutdown::Never {
        return;
    }
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
    let error = heard(&mut told).unwrap_err();
    assert!(error.is_cancelled() && error.was_started());
    assert_eq!(drops.count(), 1);
}

/// Scenarios 55 and 57: the runtime goes while the orphan is its task.
fn shut_down_as_an_orphan_the_hook_is_told<R: Rig>(rig: R) {
    if R::SHUTDOWN != Shutdown::Drops {
        return;
    }
    let (work, _open) = gated();
    let (tell, mut told) = hook();
    let mut shield = work.shield_on_drop(rig.spawner()).on_orphan(tell);
    rig.run(async {
        assert!(poll(&mut shield).is_pending());
        drop(shield);
    });
    assert!(told.try_recv().is_err());
    rig.shut_down();
    let error = heard(&mut told).unwrap_err();
    assert!(error.is_cancelled() && error.was_started());
}

/// Scenario 58c: in both endings that a task of its own brings about.
fn what_the_work_holds_is_free_when_the_hook_runs<R: Rig>(rig: R) {
    for panics in [false, true] {
        let drops = Drops::new();
        let (work, open) = gated();
        let work = Holding::new(drops.one(), async move {
            let value = work.await;
            assert!(!panics, "as it is asked to");
            value
        });
        let (tell, told) = oneshot::channel();
        let at_hook = drops.clone();
        let mut shield = work.shield_on_drop(rig.spawner()).on_orphan(move |outcome| {
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

/// Scenario 58c, in the third ending.
#[test]
fn what_the_work_holds_is_free_when_the_hook_is_told_of_a_cancellation() {
    let crank = Crank::new();
    let drops = Drops::new();
    let at_hook = drops.clone();
    let (tell, mut told) = oneshot::channel();
    let mut shield = Holding::new(drops.one(), pending::<()>())
        .shield_on_drop(crank.spawner())
        .on_orphan(move |_| tell.send(at_hook.count()).unwrap());
    assert!(poll(&mut shield).is_pending());
    drop(shield);
    crank.shut_down();
    assert_eq!(told.try_recv(), Ok(1));
}

mod local {
    use super::*;

    on_every_local_spawner! {
        awaited_it_runs_in_its_caller,
        dropped_half_way_the_rest_goes_on,
        never_polled_it_never_runs,
        an_orphan_that_panics_tells_its_hook,
        shut_down_as_an_orphan_the_hook_is_told,
    }

    /// Scenario 61: neither the future nor its output is `Send`.
    fn awaited_it_runs_in_its_caller<R: LocalRig>(rig: R) {
        let seven = Rc::new(7);
        let output = rig.run(async {
            let work = async {
                ready(()).await;
                seven
            };
            work.shield_on_drop_local(rig.spawner()).await
        });
        assert_eq!(*output, 7);
    }

    /// Scenarios 4, 5 and 61.
    fn dropped_half_way_the_rest_goes_on<R: LocalRig>(rig: R) {
        let here = thread::current().id();
        rig.run(async {
            let (work, open) = gated();
            let (done, effect) = oneshot::channel();
            let held = Rc::new(Cell::new(0));
            let kept = Rc::clone(&held);
            let (tell, told) = hook();
            let work = async move {
                kept.set(work.await);
                done.send(thread::current().id()).unwrap();
            };
            let mut shield = work.shield_on_drop_local(rig.spawner()).on_orphan(tell);
            assert!(poll(&mut shield).is_pending());
            drop(shield);
            open.send(7).unwrap();
            assert_eq!(effect.await, Ok(here));
            told.await.unwrap().unwrap();
            assert_eq!(held.get(), 7);
            assert_eq!(Rc::strong_count(&held), 1);
        });
    }

    /// Scenario 5.
    fn never_polled_it_never_runs<R: LocalRig>(rig: R) {
        rig.run(async {
            let held = Rc::new(());
            let kept = Rc::clone(&held);
            drop(async move { drop(kept) }.shield_on_drop_local(Tracker::new(rig.spawner())));
            assert_eq!(Rc::strong_count(&held), 1);
        });
    }

    /// Scenario 25.
    fn an_orphan_that_panics_tells_its_hook<R: LocalRig>(rig: R) {
        rig.run(async {
            let (work, open) = gated();
            let (tell, told) = hook::<()>();
            let mut shield = async move { panic_any(work.await) }
                .shield_on_drop_local(rig.spawner())
                .on_orphan(tell);
            assert!(poll(&mut shield).is_pending());
            drop(shield);
            open.send(7).unwrap();
            assert!(told.await.unwrap().unwrap_err().is_panic());
        });
    }

    /// Scenarios 55 and 57.
    fn shut_down_as_an_orphan_the_hook_is_told<R: LocalRig>(rig: R) {
        let (tell, mut told) = hook::<()>();
        rig.run(async {
            let held = Rc::new(());
            let work = async move {
                pending::<()>().await;
                drop(held);
            };
            let mut shield = work.shield_on_drop_local(rig.spawner()).on_orphan(tell);
            assert!(poll(&mut shield).is_pending());
            drop(shield);
        });
        drop(rig);
        let error = heard(&mut told).unwrap_err();
        assert!(error.is_cancelled() && error.was_started());
    }
}

// What is told apart by hand, on one executor.

/// Scenario 6: the row "caller holds it but stops polling". Left alone it stands still, woken or not.
#[test]
fn kept_and_not_polled_it_stands_still() {
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
    assert_eq!(heard(&mut told).unwrap(), 7);
}

/// Scenario 23, of an inline shield: leaked, nobody runs it.
#[test]
fn leaked_it_stands_still() {
    let crank = Crank::new();
    let (work, open) = gated();
    let (tell, mut told) = hook();
    let mut shield = work.shield_on_drop(crank.spawner()).on_orphan(tell);
    assert!(poll(&mut shield).is_pending());
    mem::forget(shield);
    open.send(7).unwrap();
    assert_eq!(crank.run(), 0);
    assert_eq!(told.try_recv().unwrap_err(), oneshot::error::TryRecvError::Empty);
}

/// Scenarios 15 and 22: the work gets its caller's waker, whichever task and thread that is, and no other.
#[test]
fn moved_to_another_thread_half_way_the_latest_caller_is_woken() {
    let (work, open) = gated();
    let mut shield = work.shield_on_drop(nowhere());
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

/// Scenario 12: an output that is ready, but whose caller drops the shield without polling it again, goes to the hook.
#[test]
fn woken_and_dropped_before_the_next_poll() {
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

/// Scenario 14.
#[test]
fn polled_after_ready_it_panics_in_words() {
    let mut shield = async {}.shield_on_drop(nowhere());
    let made = shield.location();
    assert!(poll(&mut shield).is_ready());
    let text = panics_with(|| poll(&mut shield));
    assert_eq!(
        text,
        format!("`ShieldOnDrop` polled after completion: it was made at {made}")
    );
}

/// Promise 5: what is delivered has been dropped before, also in a future that keeps what it holds.
#[test]
fn the_work_is_dropped_before_its_output_is_delivered() {
    let drops = Drops::new();
    let mut shield = Holding::new(drops.one(), ready(7)).shield_on_drop(nowhere());
    assert_eq!(poll(&mut shield), Poll::Ready(7));
    assert_eq!(drops.count(), 1);
}

/// Promise 5 and scenario 58c, where the ending is a panic: it reaches a caller who catches it while the shield is there.
#[test]
fn the_work_is_dropped_before_its_panic_reaches_the_caller() {
    let drops = Drops::new();
    let work = Holding::new(drops.one(), async { panic!("overboard") });
    let mut shield = work.shield_on_drop(nowhere());
    assert_eq!(panics_with(|| poll(&mut shield).map(|()| ())), "overboard");
    assert_eq!(drops.count(), 1);
}

/// Promise 5: where the drop of a work that has completed panics, that is its outcome.
#[test]
fn a_drop_that_panics_after_completion_is_the_outcome() {
    let mut shield = Holding::new(Bomb("late"), ready(7)).shield_on_drop(nowhere());
    assert_eq!(panics_with(|| poll(&mut shield)), "late");
    drop(shield);
}

/// Scenario 32: the row "panics while awaited".
#[test]
fn a_future_that_panicked_is_not_spawned() {
    let (tell, mut told) = hook::<()>();
    let mut shield = async { panic_any("overboard") }
        .shield_on_drop(nowhere())
        .on_orphan(tell);
    assert_eq!(panics_with(|| poll(&mut shield)), "overboard");
    drop(shield);
    assert!(was_silent(&mut told));
}

/// Panics when it is first polled, and is pending from then on.
struct PanicsOnce {
    panicked: bool,
    drops: Option<DropTeller>,
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

/// Scenario 32, where the caller catches the panic and polls again, as `catch_unwind` in a loop would. "A future that panicked is
/// never spawned again" has no exception for that.
#[test]
fn a_future_that_panicked_and_is_polled_again_is_not_spawned() {
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

/// Scenario 28, of an inline shield that its caller's own panic takes along: no abort, and the panic is the caller's.
#[test]
fn a_drop_that_panics_while_the_caller_unwinds_is_contained() {
    // Never polled.
    let shield = Holding::new(Bomb("lazy"), pending::<()>()).shield_on_drop(nowhere());
    assert_eq!(unwinds_over(shield), "the caller's own");

    // Half-way, and the executor is gone.
    let mut shield = Holding::new(Bomb("half-way"), pending::<()>()).shield_on_drop(closed());
    assert!(poll(&mut shield).is_pending());
    assert_eq!(unwinds_over(shield), "the caller's own");

    // The panic is the work's.
    let mut shield = Holding::new(Bomb("panicked"), async { panic!("overboard") }).shield_on_drop(nowhere());
    let text = panics_with(move || poll(&mut shield).map(|()| ()));
    assert_eq!(text, "overboard");
}

fn unwinds_over<T>(value: T) -> String {
    panics_with(move || {
        let _value = value;
        panic!("the caller's own");
    })
}

/// Scenario 28: the same where nobody unwinds. Nothing panics out of a drop.
#[test]
fn a_drop_that_panics_is_contained() {
    drop(Holding::new(Bomb("lazy"), pending::<()>()).shield_on_drop(nowhere()));

    let (tell, mut told) = hook();
    let mut shield = Holding::new(Bomb("half-way"), pending::<()>())
        .shield_on_drop(closed())
        .on_orphan(tell);
    assert!(poll(&mut shield).is_pending());
    drop(shield);
    assert!(heard(&mut told).unwrap_err().is_cancelled());
}

/// Scenarios 30 and 57: a spawner that panics, in `Drop`, unwinding or not. The hook is told that the work was cancelled.
#[test]
fn a_spawner_that_panics_is_contained() {
    for unwinding in [false, true] {
        let drops = Drops::new();
        let (tell, mut told) = hook::<()>();
        let spawner = spawn_fn(|_: BoxTask| panic!("the spawner's"));
        let mut shield = Holding::new(drops.one(), pending())
            .shield_on_drop(spawner)
            .on_orphan(tell);
        assert!(poll(&mut shield).is_pending());
        if unwinding {
            assert_eq!(unwinds_over(shield), "the caller's own");
        } else {
            drop(shield);
        }
        let error = heard(&mut told).unwrap_err();
        assert!(error.is_cancelled() && error.was_started());
        assert_eq!(drops.count(), 1);
    }
}

/// Scenario 30: a spawner that panics once it has taken the work. Nothing is lost that could be kept.
#[test]
fn a_spawner_that_panics_with_the_work_in_hand_loses_nothing() {
    let crank = Crank::new();
    let spawner = crank.spawner();
    let (work, open) = gated();
    let (tell, mut told) = hook();
    let mut shield = work
        .shield_on_drop(spawn_fn(move |task: BoxTask| {
            spawner.spawn_detached(task);
            panic!("too late");
        }))
        .on_orphan(tell);
    assert!(poll(&mut shield).is_pending());
    drop(shield);
    open.send(7).unwrap();
    crank.run();
    assert_eq!(heard(&mut told).unwrap(), 7);
}

/// Scenario 31.
#[test]
fn a_hook_that_panics_is_contained() {
    for unwinding in [false, true] {
        let mut shield = pending::<()>()
            .shield_on_drop(closed())
            .on_orphan(|_| panic!("the hook's"));
        assert!(poll(&mut shield).is_pending());
        if unwinding {
            assert_eq!(unwinds_over(shield), "the caller's own");
        } else {
            drop(shield);
        }
    }
}

/// A hook whose drop panics.
fn explosive<T>() -> impl FnOnce(Outcome<T>) + Send + 'static {
    let bomb = Bomb("the hook's drop");
    move |_| drop(bomb)
}

/// Scenario 31b: wherever a hook is dropped unused, its drop is contained.
#[test]
fn a_hook_whose_drop_panics_is_contained() {
    // Replaced.
    let (tell, mut told) = hook();
    let mut shield = pending::<()>()
        .shield_on_drop(closed())
        .on_orphan(explosive())
        .on_orphan(tell);
    assert!(poll(&mut shield).is_pending());
    drop(shield);
    assert!(heard(&mut told).unwrap_err().is_cancelled());

    // Not needed: the output has been delivered.
    let mut shield = async { 7 }.shield_on_drop(nowhere()).on_orphan(explosive());
    assert_eq!(poll(&mut shield), Poll::Ready(7));

    // Never polled, while unwinding.
    let shield = async { 7 }.shield_on_drop(nowhere()).on_orphan(explosive());
    assert_eq!(unwinds_over(shield), "the caller's own");

    // The work has panicked.
    let mut shield = async { panic!("overboard") }
        .shield_on_drop(nowhere())
        .on_orphan(explosive());
    assert_eq!(panics_with(move || poll(&mut shield).map(|()| ())), "overboard");
}

/// Promise 9: a hook that is given when the outcome has been delivered already is dropped with its shield, and contained there.
#[test]
fn a_hook_that_comes_too_late_is_contained() {
    let mut shield = async { 7 }.shield_on_drop(nowhere());
    assert_eq!(poll(&mut shield), Poll::Ready(7));
    let shield = shield.on_orphan(explosive());
    assert!(catch_unwind(AssertUnwindSafe(move || drop(shield))).is_ok());
}

/// Promise 9: the hook of a work whose own drop panicked after completion is contained, too.
#[test]
fn a_hook_left_by_a_drop_that_panicked_is_contained() {
    let mut shield = Holding::new(Bomb("late"), ready(7))
        .shield_on_drop(nowhere())
        .on_orphan(explosive());
    assert_eq!(panics_with(|| poll(&mut shield)), "late");
    assert!(catch_unwind(AssertUnwindSafe(move || drop(shield))).is_ok());
}

/// Scenario 31b: a second hook replaces the first, whose drop drops another shield.
#[test]
fn a_hook_is_replaced_by_one_whose_drop_re_enters() {
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
    assert!(was_silent(&mut silent));
    assert!(poll(&mut shield).is_pending());
    assert_eq!(crank.len(), 1);
    crank.shut_down();
    assert!(heard(&mut told).unwrap_err().is_cancelled());
}

/// Scenario 27.
#[test]
fn an_orphans_output_whose_drop_panics_is_contained() {
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

/// Promise 9: the drop of a work that has completed panics, and so does the drop of its output, which unwinding takes along. An
/// abort would end this whole binary, so it is tried in a process of its own.
#[test]
fn a_drop_that_panics_after_completion_takes_an_output_along_whose_drop_panics() {
    const INSIDE: &str = "FUTURES_SHIELD_TEST_TWO_BOMBS";
    const NAME: &str = "inline::on_drop::a_drop_that_panics_after_completion_takes_an_output_along_whose_drop_panics";
    if std::env::var_os(INSIDE).is_some() {
        let mut shield = Holding::new(Bomb("late"), ready(Bomb("the output's"))).shield_on_drop(nowhere());
        assert_eq!(panics_with(|| poll(&mut shield)), "late");
        return;
    }
    let itself = std::env::current_exe().unwrap();
    let inside = Command::new(itself)
        .args(["--exact", NAME])
        .env(INSIDE, "1")
        .output()
        .unwrap();
    assert!(inside.status.success(), "{}", String::from_utf8_lossy(&inside.stderr));
}

/// Scenario 36, of the inline mode: shielded whole, or shielded in parts.
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
    assert_eq!(heard(&mut told).unwrap(), (1, 2));

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
    assert!(was_silent(&mut told_one));
    assert_eq!(heard(&mut told_two).unwrap(), 2);
}

/// Scenario 38.
#[test]
fn one_in_another_is_dropped() {
    let crank = Crank::new();
    let (work, open) = gated();
    let (tell_inner, mut told_inner) = hook();
    let (tell_outer, mut told_outer) = hook();
    let inner = work.shield_on_drop(crank.spawner()).on_orphan(tell_inner);
    let mut outer = inner.shield_on_drop(crank.spawner()).on_orphan(tell_outer);
    assert!(poll(&mut outer).is_pending());
    drop(outer);
    // The inner one has a caller still: the outer one's task.
    assert_eq!(crank.len(), 1);
    open.send(7).unwrap();
    crank.run();
    assert_eq!(heard(&mut told_outer).unwrap(), 7);
    assert!(was_silent(&mut told_inner));
}

/// Scenario 38: cancelled by the executor of the outer one, the inner one goes on, on its own.
#[test]
fn one_in_another_is_cancelled_with_its_executor() {
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
    assert_eq!(heard(&mut told).unwrap(), 7);
}

/// Scenario 43.
#[test]
fn select_asks_whether_it_has_terminated() {
    let mut shield = async { 7 }.shield_on_drop(nowhere());
    assert!(!shield.is_terminated());
    let (mut sum, mut rounds) = (0, 0);
    block_on(async {
        loop {
            futures_util::select! {
                value = shield => sum += value,
                complete => break,
            }
            rounds += 1;
        }
    });
    assert_eq!((sum, rounds), (7, 1));
    assert!(shield.is_terminated());
}

tokio::task_local! {
    static USER: &'static str;
}

/// "No hop, task-locals kept while nobody cancels": and not after, unless the work carries them.
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
    assert_eq!(heard(&mut told).unwrap(), (Some("ada"), None));
}

/// Scenario 58b: the call site is known to whom the hook tells of it, though the spawn happens in a drop.
#[test]
fn the_call_site_is_known() {
    let (tell, mut told) = hook();
    let (mut shield, line) = (pending::<()>().shield_on_drop(closed()).on_orphan(tell), line!());
    assert_eq!((shield.location().file(), shield.location().line()), (file!(), line));
    assert!(poll(&mut shield).is_pending());
    drop(shield);
    let error = heard(&mut told).unwrap_err();
    assert_eq!((error.location().file(), error.location().line()), (file!(), line));

    let (shield, line) = (ready(7).shield_on_drop_local(spawn_local_fn(drop)), line!());
    assert_eq!((shield.location().file(), shield.location().line()), (file!(), line));
}

/// Scenario 9: `Debug` asks for nothing and tells how far it is.
#[test]
fn debug_tells_how_far_it_is() {
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

    let mut shield = async { panic!("overboard") }.shield_on_drop(nowhere());
    panics_with(|| poll(&mut shield).map(|()| ()));
    assert!(format!("{shield:?}").contains("work: ended"));
}

/// Scenario 10: a field of this type repeats no bounds but that of an associated type, which no `struct` can do without.
struct Field<F: Future, S> {
    shield: ShieldOnDrop<F, S>,
}

impl<F: Future, S> Field<F, S> {
    fn made_at(&self) -> &'static Location<'static> {
        self.shield.location()
    }

    async fn finish(self) -> F::Output {
        self.shield.await
    }
}

/// Scenario 10.
#[test]
fn it_can_be_kept_in_a_field() {
    let field = Field {
        shield: ready(7).shield_on_drop(nowhere()),
    };
    assert_eq!(field.made_at().file(), file!());
    assert_eq!(field.finish().now_or_never(), Some(7));
}

/// Scenario 9: `Send` and `Sync` as its future and its spawner are, and `Unpin` in any case; hooks need not be `Sync`.
#[test]
fn auto_traits() {
    fn send<T: Send>(_: &T) {}
    fn sync<T: Sync>(_: &T) {}
    fn unpin<T: Unpin>(_: &T) {}
    fn debug<T: fmt::Debug>(_: &T) {}
    fn fused<T: FusedFuture>(_: &T) {}

    let not_sync = Cell::new(0);
    let shield = ready(7).shield_on_drop(nowhere()).on_orphan(move |_| not_sync.set(1));
    send(&shield);
    sync(&shield);
    unpin(&shield);
    debug(&shield);
    fused(&shield);

    let pinned = async { pending::<()>().await }.shield_on_drop(nowhere());
    send(&pinned);
    unpin(&pinned);

    let borrowed_spawner = closed();
    send(&ready(7).shield_on_drop(&borrowed_spawner));
}

/// Scenario 9: what is not `Send` does not become it.
#[test]
fn auto_traits_that_it_must_not_have() {
    trait Ambiguous<A> {
        fn item() {}
    }
    struct Yes;
    impl<T: ?Sized> Ambiguous<()> for T {}
    impl<T: ?Sized + Send> Ambiguous<Yes> for T {}

    type Local = dyn Future<Output = ()>;
    let _: fn() = <ShieldOnDrop<Pin<Box<Local>>, ()> as Ambiguous<_>>::item;
    let _: fn() = <ShieldOnDrop<std::future::Ready<()>, Rc<()>> as Ambiguous<_>>::item;
}

/// Scenario 59, of orphans: many are dropped half-way, and all end.
#[test]
fn ten_thousand_are_dropped_half_way() {
    let crank = Crank::new();
    let done = Arc::new(AtomicUsize::new(0));
    let (open, gate) = tokio::sync::watch::channel(false);
    let mut shields: Vec<_> = (0..10_000)
        .map(|_| {
            let (mut gate, done) = (gate.clone(), Arc::clone(&done));
            let work = async move {
                gate.wait_for(|open| *open).await.unwrap();
            };
            Box::pin(work).shield_on_drop(crank.spawner()).on_orphan(move |_| {
                done.fetch_add(1, Ordering::SeqCst);
            })
        })
        .collect();
    assert!(shields.iter_mut().all(|shield| poll(shield).is_pending()));
    drop(shields);
    assert_eq!(crank.len(), 10_000);
    open.send(true).unwrap();
    crank.run();
    assert_eq!((crank.len(), done.load(Ordering::SeqCst)), (0, 10_000));
}

/// The spawner goes with the shield: an executor that it alone keeps alive takes the orphan along, and tells.
#[test]
fn the_shield_holds_the_last_of_its_executor() {
    struct Owned(Crank);

    impl Spawn for Owned {
        fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
            self.0.spawner().spawn_detached(future);
        }
    }

    let (tell, mut told) = hook();
    let mut shield = pending::<()>().shield_on_drop(Owned(Crank::new())).on_orphan(tell);
    assert!(poll(&mut shield).is_pending());
    drop(shield);
    let error = heard(&mut told).unwrap_err();
    assert!(error.is_cancelled() && error.was_started());
}

/// Scenario 21, of the inline mode: what drops the shield of another from inside its own poll.
#[test]
fn one_is_dropped_inside_the_poll_of_another() {
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
    assert_eq!(heard(&mut told).unwrap(), 7);
}

/// A spawner can be kept without its type, and forwarded; the rescue goes through all of it.
#[test]
fn through_spawners_in_spawners() {
    let crank = Crank::new();
    let spawner = Box::new(Arc::new(Tracker::new(DynSpawner::new(crank.spawner()))));
    let (work, open) = gated();
    let mut shield = work.shield_on_drop(&spawner);
    assert!(poll(&mut shield).is_pending());
    assert_eq!((spawner.len(), spawner.orphans(), crank.len()), (1, 0, 0));
    drop(shield);
    assert_eq!((spawner.len(), spawner.orphans(), crank.len()), (1, 1, 1));
    open.send(7).unwrap();
    crank.run();
    assert_eq!((spawner.len(), crank.len()), (0, 0));
}

/// A local spawner whose future and shield stay on one thread, without any executor in between.
#[test]
fn a_local_spawner_of_ones_own() {
    struct Keep(Rc<Cell<Option<LocalBoxTask>>>);

    impl SpawnLocal for Keep {
        fn spawn_local_detached<F: Future<Output = ()> + 'static>(&self, future: F) {
            self.0.set(Some(Box::pin(future)));
        }
    }

    let kept = Rc::new(Cell::new(None));
    let seen = Rc::new(Cell::new(0));
    let sees = Rc::clone(&seen);
    let (work, open) = gated();
    let mut shield = async move { sees.set(work.await) }.shield_on_drop_local(Keep(Rc::clone(&kept)));
    assert!(poll(&mut shield).is_pending());
    drop(shield);
    open.send(7).unwrap();
    let mut task = kept.take().unwrap();
    assert!(task.as_mut().poll(&mut Context::from_waker(Waker::noop())).is_ready());
    assert_eq!(seen.get(), 7);
}
