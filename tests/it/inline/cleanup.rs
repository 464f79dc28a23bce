//! `cleanup()`: run, disarmed, or left in any other way.

use std::future::{pending, ready};
use std::panic::panic_any;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;

use futures_shield::{BoxTask, Cleanup, Spawn, Tracker, cleanup, spawn_fn};
use futures_util::FutureExt;
use futures_util::future::FusedFuture;
use tokio::sync::oneshot;

use crate::support::*;

/// Counts how often a cleanup has begun and ended.
#[derive(Clone, Default)]
struct Times(Arc<[AtomicUsize; 2]>);

impl Times {
    fn get(&self) -> (usize, usize) {
        (self.0[0].load(Ordering::SeqCst), self.0[1].load(Ordering::SeqCst))
    }

    fn begin(&self) {
        self.0[0].fetch_add(1, Ordering::SeqCst);
    }

    fn end(&self) {
        self.0[1].fetch_add(1, Ordering::SeqCst);
    }
}

/// Returns a guard over a number, whose cleanup waits for a gate and returns the number.
fn guard_behind_gate<S: Spawn>(spawner: S) -> (Cleanup<u32, u32, S>, oneshot::Sender<()>, Times) {
    let (open, gate) = oneshot::channel::<()>();
    let times = Times::default();
    let counts = times.clone();
    let guard = cleanup(spawner, 0, move |value| async move {
        counts.begin();
        gate.await.unwrap();
        counts.end();
        value
    });
    (guard, open, times)
}

on_every_spawner! {
    every:
    run_stays_in_its_caller,
    disarmed_does_nothing,
    dropped_before_it_runs,
    dropped_by_an_early_return,
    dropped_by_a_panic,
    dropped_before_the_first_poll,
    dropped_partway,
    dropped_on_another_thread,
    spawned_panic_reaches_the_hook;
    if_it_shuts_down: dropped_after_shutdown;
}

/// Scenario 39: the row "runs inside the caller, from `.run().await`" of the semantics table.
fn run_stays_in_its_caller(rig: Rig) {
    let tracker = Tracker::new(rig.spawner());
    let (tell, mut told) = hook();
    rig.run(async {
        let here = thread::current().id();
        let mut guard = cleanup(&tracker, vec!["one"], async |lines| {
            (lines.join(","), thread::current().id())
        })
        .on_orphan(tell);
        guard.push("two");
        assert_eq!(guard.len(), 2);
        assert_eq!(guard.run().await, ("one,two".to_owned(), here));
    });
    assert!(tracker.is_empty());
    assert!(told.is_dropped_uncalled());
}

/// Scenario 39: a commit. The cleanup, its hook and what they hold are dropped.
fn disarmed_does_nothing(rig: Rig) {
    let tracker = Tracker::new(rig.spawner());
    let (tell, mut told) = hook();
    let drops = Drops::new();
    let held = drops.one();
    let guard = cleanup(&tracker, 7, move |_| async move {
        let _held = held;
        unreachable!("it has been disarmed");
    });
    let guard: Cleanup<_, (), _> = guard.on_orphan(tell);
    assert_eq!(guard.disarm(), 7);
    assert_eq!(drops.count(), 1);
    assert!(tracker.is_empty());
    assert!(told.is_dropped_uncalled());
}

/// Leaves the scope of a guard, and returns what its cleanup returned to the hook. It ran once.
fn after(rig: Rig, leave: impl FnOnce(Cleanup<u32, u32, RigSpawner>)) -> u32 {
    let (guard, open, times) = guard_behind_gate(rig.spawner());
    let (tell, told) = hook();
    let output = rig.run(async {
        leave(guard.on_orphan(tell));
        open.send(()).unwrap();
        told.await.unwrap().unwrap()
    });
    assert_eq!(times.get(), (1, 1));
    output
}

/// Scenarios 5 and 39: dropped in its scope, with the value as it was changed.
fn dropped_before_it_runs(rig: Rig) {
    assert_eq!(after(rig, |mut guard| *guard = 7), 7);
}

/// Scenario 39: left by `?`.
fn dropped_by_an_early_return(rig: Rig) {
    let output = after(rig, |guard| {
        let scope = async {
            let guard = guard;
            Err::<(), _>("expired")?;
            guard.run().await;
            Ok::<_, &str>(())
        };
        assert_eq!(scope.now_or_never(), Some(Err("expired")));
    });
    assert_eq!(output, 0);
}

/// Scenario 39: left by a panic.
fn dropped_by_a_panic(rig: Rig) {
    assert_eq!(after(rig, drop_while_unwinding), 0);
}

/// Scenarios 5 and 39: the row "dropped before the first poll" of the semantics table, of the run.
fn dropped_before_the_first_poll(rig: Rig) {
    assert_eq!(after(rig, |guard| drop(guard.run())), 0);
}

/// Scenarios 5 and 39: the row "dropped partway" of the semantics table. It continues, and has
/// begun once.
fn dropped_partway(rig: Rig) {
    let (guard, open, times) = guard_behind_gate(rig.spawner());
    let (tell, told) = hook();
    rig.run(async {
        let mut run = guard.on_orphan(tell).run();
        assert!(poll(&mut run).is_pending());
        assert_eq!(times.get(), (1, 0));
        drop(run);
        open.send(()).unwrap();
        assert_eq!(told.await.unwrap().unwrap(), 0);
    });
    assert_eq!(times.get(), (1, 1));
}

/// Scenario 56.
fn dropped_on_another_thread(rig: Rig) {
    assert_eq!(after(rig, |guard| on_a_thread(move || drop(guard))), 0);
}

/// Scenario 57, at each of the three points where a cleanup can be cut off.
fn dropped_after_shutdown(rig: Rig) {
    let guard = || {
        let (tell, told) = hook();
        let (guard, open, times) = guard_behind_gate(rig.spawner());
        (guard.on_orphan(tell), told, open, times)
    };
    let (not_run, told, _open, _) = guard();
    let (unpolled, told_of_unpolled, _open, _) = guard();
    let unpolled = unpolled.run();
    let (partway, told_of_partway, _open, times) = guard();
    let mut partway = partway.run();
    assert!(poll(&mut partway).is_pending());

    rig.shut_down();
    drop((not_run, unpolled, partway));
    for (mut told, started) in [(told, false), (told_of_unpolled, false), (told_of_partway, true)] {
        let error = told.outcome().unwrap_err();
        assert!(error.is_cancelled());
        assert_eq!(error.was_started(), started);
    }
    assert_eq!(times.get(), (1, 0));
}

/// Scenario 25.
fn spawned_panic_reaches_the_hook(rig: Rig) {
    let (tell, told) = hook::<()>();
    let guard = cleanup(rig.spawner(), 7, async |value| panic_any(value)).on_orphan(tell);
    let error = rig.run(async {
        drop(guard);
        told.await.unwrap().unwrap_err()
    });
    assert_eq!(error.into_panic().downcast_ref(), Some(&7));
}

// Step by step, on the hand-cranked executor.

/// Scenario 6: the row "caller holds it but stops polling" of the semantics table.
#[test]
fn unpolled_run_stands_still() {
    let crank = Crank::new();
    let (guard, open, times) = guard_behind_gate(crank.spawner());
    let mut run = guard.run();
    assert!(poll(&mut run).is_pending());
    open.send(()).unwrap();
    assert_eq!((crank.run(), crank.len(), times.get()), (0, 0, (1, 0)));
    drop(run);
    assert_eq!((crank.run(), crank.len(), times.get()), (1, 0, (1, 1)));
}

/// Scenario 39: the scope is cancelled while it runs its cleanup, twice over. Each time another
/// executor continues.
#[test]
fn cancelled_twice_runs_once() {
    let (first, second) = (Crank::new(), Crank::new());
    let (guard, open, times) = guard_behind_gate(second.spawner());
    let (tell, mut told) = hook();
    // The scope is itself the cleanup of a guard: both are dropped partway.
    let outer = cleanup(first.spawner(), guard.on_orphan(tell), async |guard| {
        guard.run().await;
    });
    let mut run = outer.run();
    assert!(poll(&mut run).is_pending());
    drop(run);
    assert_eq!((first.len(), second.len()), (1, 0));
    first.shut_down();
    assert_eq!((first.len(), second.len()), (0, 1));
    open.send(()).unwrap();
    second.run();
    assert_eq!(told.outcome().unwrap(), 0);
    assert_eq!(times.get(), (1, 1));
}

/// The closure is called where the cleanup runs, and not where the guard is dropped.
#[test]
fn closure_runs_with_the_cleanup() {
    let crank = Crank::new();
    let called = Arc::new(AtomicUsize::new(0));
    let calls = Arc::clone(&called);
    let closure = move |()| {
        calls.fetch_add(1, Ordering::SeqCst);
        ready(())
    };
    drop(cleanup(crank.spawner(), (), closure));
    assert_eq!(called.load(Ordering::SeqCst), 0);
    crank.run();
    assert_eq!(called.load(Ordering::SeqCst), 1);
}

/// A panic of the closure is a panic of the cleanup: in its caller, or contained in its task, and
/// never out of a drop.
#[test]
fn closure_panic_is_the_outcome() {
    let nowhere = Nowhere::new();
    fn closure(_: u32) -> std::future::Ready<()> {
        panic_any("the closure's")
    }

    let crank = Crank::new();
    let (tell, mut told) = hook();
    let guard = cleanup(crank.spawner(), 7, closure).on_orphan(tell);
    drop_while_unwinding(guard);
    crank.run();
    assert_eq!(message(&*told.outcome().unwrap_err().into_panic()), "the closure's");

    let mut run = cleanup(nowhere.spawner(), 7, closure).run();
    assert_eq!(panics_with(|| poll(&mut run)), "the closure's");
    drop(run);
}

/// Scenario 32: the row "panics while awaited" of the semantics table. A cleanup that panicked is
/// not run again.
#[test]
fn panicked_cleanup_is_not_spawned() {
    let nowhere = Nowhere::new();
    let (tell, mut told) = hook::<()>();
    let mut run = cleanup(nowhere.spawner(), (), async |()| panic_any("overboard"))
        .on_orphan(tell)
        .run();
    assert_eq!(panics_with(|| poll(&mut run)), "overboard");
    assert!(run.is_terminated());
    drop(run);
    assert!(told.is_dropped_uncalled());
}

/// Scenario 28: the drop of the value, or of what the cleanup holds, panics. It is contained,
/// unwinding or not.
#[test]
fn drop_panics_are_contained() {
    for unwinding in [false, true] {
        let (tell, mut told) = hook::<()>();
        let guard = cleanup(closed(), Bomb("the value's"), async |_| ()).on_orphan(tell);
        let (tell, mut also_told) = hook::<()>();
        let bomb = Bomb("the closure's");
        let other = cleanup(closed(), (), async move |()| drop(bomb)).on_orphan(tell);
        drop_unwinding_or_not(unwinding, (guard, other));
        for told in [&mut told, &mut also_told] {
            let error = told.outcome().unwrap_err();
            assert!(error.is_cancelled() && !error.was_started());
        }
    }
}

/// Scenario 30: a spawner that panics in the guard's drop, unwinding or not. The hook gets a
/// cancellation that has not started.
#[test]
fn spawner_panic_is_contained() {
    for unwinding in [false, true] {
        let (tell, mut told) = hook::<()>();
        let drops = Drops::new();
        let spawner = spawn_fn(|_: BoxTask| panic!("the spawner's"));
        let guard = cleanup(spawner, drops.one(), async |_| ()).on_orphan(tell);
        drop_unwinding_or_not(unwinding, guard);
        let error = told.outcome().unwrap_err();
        assert!(error.is_cancelled() && !error.was_started());
        assert_eq!(drops.count(), 1);
    }
}

/// Scenarios 31 and 31b.
#[test]
fn hook_panics_are_contained() {
    let nowhere = Nowhere::new();
    // It panics when it runs.
    let (panics, mut called) = hook_that_panics();
    drop(cleanup(closed(), (), async |()| ()).on_orphan(panics));
    assert!(called.outcome().unwrap_err().is_cancelled());
    // Its drop panics: when it is replaced,
    let (tell, mut told) = hook();
    drop(
        cleanup(closed(), (), async |()| ())
            .on_orphan(hook_whose_drop_panics())
            .on_orphan(tell),
    );
    assert!(told.outcome().unwrap_err().is_cancelled());
    // when it is not needed,
    let mut run = cleanup(nowhere.spawner(), 7, async |value| value)
        .on_orphan(hook_whose_drop_panics())
        .run();
    assert_eq!(poll(&mut run), Poll::Ready(7));
    // and when there is nothing to clean up.
    assert_eq!(
        cleanup(nowhere.spawner(), 7, async |_| ())
            .on_orphan(hook_whose_drop_panics())
            .disarm(),
        7
    );
}

/// What the cleanup holds is dropped before its outcome is delivered.
#[test]
fn dropped_before_delivery() {
    let nowhere = Nowhere::new();
    let drops = Drops::new();
    let mut run = cleanup(nowhere.spawner(), drops.one(), |held| {
        HoldsUntilDrop::new(held, ready(7))
    })
    .run();
    assert_eq!(poll(&mut run), Poll::Ready(7));
    assert_eq!(drops.count(), 1);

    let crank = Crank::new();
    let drops = Drops::new();
    let at_hook = drops.clone();
    let (tell, mut told) = oneshot::channel();
    let guard = cleanup(crank.spawner(), drops.one(), |held| HoldsUntilDrop::new(held, ready(7)));
    drop(guard.on_orphan(move |_| tell.send(at_hook.count()).unwrap()));
    crank.run();
    assert_eq!(told.try_recv(), Ok(1));
}

/// Scenario 58b.
#[test]
fn location_is_known() {
    let (guard, line) = (cleanup(closed(), (), async |()| ()), line!());
    assert_eq!((guard.location().file(), guard.location().line()), (file!(), line));
    let (tell, mut told) = hook();
    drop(guard.on_orphan(tell));
    let error = told.outcome().unwrap_err();
    assert_eq!((error.location().file(), error.location().line()), (file!(), line));
}

/// Scenario 9: `Debug` needs `Debug` of the value only.
#[test]
fn debug_shows_the_value() {
    struct Opaque;

    let guard = cleanup(closed(), 7, async |_| Opaque);
    let made = guard.location();
    assert_eq!(
        format!("{guard:?}"),
        format!("Cleanup {{ value: 7, location: {made} }}")
    );
    let run = guard.run();
    assert_eq!(
        format!("{run:?}"),
        format!("CleanupRun {{ location: {made}, work: not started }}")
    );
}

/// Scenario 39: a permit in the value is released in every ending.
#[test]
fn permit_is_released_in_every_ending() {
    let crank = Crank::new();
    let semaphore = Arc::new(tokio::sync::Semaphore::new(1));
    let acquire = || {
        let permit = Arc::clone(&semaphore).try_acquire_owned().unwrap();
        cleanup(crank.spawner(), permit, async |permit| drop(permit))
    };
    block_on(acquire().run());
    drop(acquire().disarm());
    drop(acquire());
    assert_eq!(
        semaphore.available_permits(),
        0,
        "not yet: nothing waits for a spawned cleanup"
    );
    crank.run();
    drop(acquire().run());
    crank.run();
    let guard = acquire();
    crank.shut_down();
    drop(guard);
    assert_eq!(semaphore.available_permits(), 1);
}

/// A guard in a task that is dropped is cleaned up by the guard's executor.
#[test]
fn enclosing_task_is_cancelled() {
    let (tasks, cleanups) = (Crank::new(), Crank::new());
    let (guard, open, times) = guard_behind_gate(cleanups.spawner());
    tasks.spawner().spawn_detached(async move {
        let _guard = guard;
        pending::<()>().await;
    });
    tasks.run();
    assert_eq!(cleanups.len(), 0);
    tasks.shut_down();
    open.send(()).unwrap();
    cleanups.run();
    assert_eq!(times.get(), (1, 1));
}
