//! `cleanup()`: run, disarmed, or left in any other way.

use std::cell::Cell;
use std::fmt;
use std::future::{pending, ready};
use std::panic::panic_any;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;

use futures_shield::future::CleanupRun;
use futures_shield::{BoxTask, Cleanup, Spawn, Tracker, cleanup, spawn_fn};
use futures_util::FutureExt;
use futures_util::future::FusedFuture;
use tokio::sync::oneshot;

use crate::support::orphans::{Outcome, closed, heard, hook, nowhere, was_silent};
use crate::support::*;

/// How often a cleanup has begun and ended.
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

/// A guard over a number, whose cleanup waits for its gate and gives the number.
fn gated<S: Spawn>(spawner: S) -> (Cleanup<u32, u32, S>, oneshot::Sender<()>, Times) {
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
    run_it_cleans_up_in_its_caller,
    disarmed_it_does_nothing,
    dropped_before_it_runs,
    dropped_by_an_early_return,
    dropped_by_a_panic,
    dropped_before_the_first_poll,
    dropped_half_way,
    dropped_off_the_runtimes_threads,
    dropped_after_shut_down_the_hook_is_told,
    a_spawned_cleanup_that_panics_tells_its_hook,
}

/// Scenario 39: the row "runs inside the caller, from `.run().await`".
fn run_it_cleans_up_in_its_caller<R: Rig>(rig: R) {
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
    assert!(was_silent(&mut told));
}

/// Scenario 39: a commit. The cleanup, its hook and what they hold are dropped.
fn disarmed_it_does_nothing<R: Rig>(rig: R) {
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
    assert!(was_silent(&mut told));
}

/// Scenarios 5 and 39: left alone in its scope. The value is what it was made meanwhile.
fn dropped_before_it_runs<R: Rig>(rig: R) {
    let (mut guard, open, times) = gated(rig.spawner());
    let (tell, told) = hook();
    rig.run(async {
        *guard = 7;
        drop(guard.on_orphan(tell));
        open.send(()).unwrap();
        assert_eq!(told.await.unwrap().unwrap(), 7);
    });
    assert_eq!(times.get(), (1, 1));
}

/// Scenario 39: left by `?`.
fn dropped_by_an_early_return<R: Rig>(rig: R) {
    let (tell, told) = hook();
    let (guard, open, times) = gated(rig.spawner());
    rig.run(async {
        let scope = async {
            let guard = guard.on_orphan(tell);
            Err::<(), _>("expired")?;
            guard.run().await;
            Ok::<_, &str>(())
        };
        assert_eq!(scope.await, Err("expired"));
        open.send(()).unwrap();
        assert_eq!(told.await.unwrap().unwrap(), 0);
    });
    assert_eq!(times.get(), (1, 1));
}

/// Scenario 39: left by a panic.
fn dropped_by_a_panic<R: Rig>(rig: R) {
    let (tell, told) = hook();
    let (guard, open, times) = gated(rig.spawner());
    let guard = guard.on_orphan(tell);
    rig.run(async {
        assert_eq!(unwinds_over(guard), "the caller's own");
        open.send(()).unwrap();
        assert_eq!(told.await.unwrap().unwrap(), 0);
    });
    assert_eq!(times.get(), (1, 1));
}

fn unwinds_over<T>(value: T) -> String {
    panics_with(move || {
        let _value = value;
        panic!("the caller's own");
    })
}

/// Scenarios 5 and 39: the row "dropped before the first poll", of the run.
fn dropped_before_the_first_poll<R: Rig>(rig: R) {
    let (guard, open, times) = gated(rig.spawner());
    let (tell, told) = hook();
    rig.run(async {
        drop(guard.on_orphan(tell).run());
        open.send(()).unwrap();
        assert_eq!(told.await.unwrap().unwrap(), 0);
    });
    assert_eq!(times.get(), (1, 1));
}

/// Scenarios 5 and 39: the row "dropped half-way". It goes on from where it was: cancelled twice over, it has begun once.
fn dropped_half_way<R: Rig>(rig: R) {
    let (guard, open, times) = gated(rig.spawner());
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
fn dropped_off_the_runtimes_threads<R: Rig>(rig: R) {
    let (guard, open, times) = gated(rig.spawner());
    let (tell, told) = hook();
    let guard = guard.on_orphan(tell);
    drop_elsewhere(guard);
    rig.run(async {
        open.send(()).unwrap();
        assert_eq!(told.await.unwrap().unwrap(), 0);
    });
    assert_eq!(times.get(), (1, 1));
}

fn drop_elsewhere<T: Send + 'static>(value: T) {
    on_a_thread(move || drop(value));
}

/// Scenario 57, in each of the three places that a cleanup can be cut off at.
fn dropped_after_shut_down_the_hook_is_told<R: Rig>(rig: R) {
    if R::SHUTDOWN == Shutdown::Never {
        return;
    }
    let (tell, mut told) = hook();
    let (guard, _open, _) = gated(rig.spawner());
    let guard = guard.on_orphan(tell);
    let (tell, mut told_of_run) = hook();
    let (run, _open, _) = gated(rig.spawner());
    let run = run.on_orphan(tell).run();
    let (tell, mut told_half_way) = hook();
    let (half_way, _open, times) = gated(rig.spawner());
    let mut half_way = half_way.on_orphan(tell).run();
    assert!(poll(&mut half_way).is_pending());

    rig.shut_down();
    drop((guard, run, half_way));
    for (told, started) in [
        (&mut told, false),
        (&mut told_of_run, false),
        (&mut told_half_way, true),
    ] {
        let error = heard(told).unwrap_err();
        assert!(error.is_cancelled());
        assert_eq!(error.was_started(), started);
    }
    assert_eq!(times.get(), (1, 0));
}

/// Scenario 25.
fn a_spawned_cleanup_that_panics_tells_its_hook<R: Rig>(rig: R) {
    let (tell, told) = hook::<()>();
    let guard = cleanup(rig.spawner(), 7, async |value| panic_any(value)).on_orphan(tell);
    let error = rig.run(async {
        drop(guard);
        told.await.unwrap().unwrap_err()
    });
    assert_eq!(error.into_panic().downcast_ref(), Some(&7));
}

// What is told apart by hand, on one executor.

/// Scenario 6: the row "caller holds it but stops polling".
#[test]
fn kept_and_not_polled_it_stands_still() {
    let crank = Crank::new();
    let (guard, open, times) = gated(crank.spawner());
    let mut run = guard.run();
    assert!(poll(&mut run).is_pending());
    open.send(()).unwrap();
    assert_eq!((crank.run(), crank.len(), times.get()), (0, 0, (1, 0)));
    drop(run);
    assert_eq!((crank.run(), crank.len(), times.get()), (1, 0, (1, 1)));
}

/// Scenario 39, "twice over": the scope is cancelled while it runs its cleanup, and then the executor goes on with another.
#[test]
fn cancelled_twice_over_it_runs_once() {
    let (first, second) = (Crank::new(), Crank::new());
    let (guard, open, times) = gated(second.spawner());
    let (tell, mut told) = hook();
    // The scope is itself a guard's cleanup: both are dropped half-way.
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
    assert_eq!(heard(&mut told).unwrap(), 0);
    assert_eq!(times.get(), (1, 1));
}

/// The user's closure is called where the cleanup runs, not where the guard is dropped.
#[test]
fn the_closure_is_called_where_the_cleanup_runs() {
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

/// A closure that panics is a cleanup that panics: in its caller, or contained in its task, and never out of a drop.
#[test]
fn a_closure_that_panics_is_a_cleanup_that_panics() {
    fn closure(_: u32) -> std::future::Ready<()> {
        panic_any("the closure's")
    }

    let crank = Crank::new();
    let (tell, mut told) = hook();
    let guard = cleanup(crank.spawner(), 7, closure).on_orphan(tell);
    assert_eq!(unwinds_over(guard), "the caller's own");
    crank.run();
    assert_eq!(message(&*heard(&mut told).unwrap_err().into_panic()), "the closure's");

    let mut run = cleanup(nowhere(), 7, closure).run();
    assert_eq!(panics_with(|| poll(&mut run)), "the closure's");
    drop(run);
}

/// Scenario 32: the row "panics while awaited". A cleanup that panicked is not run again.
#[test]
fn a_cleanup_that_panicked_is_not_spawned() {
    let (tell, mut told) = hook::<()>();
    let mut run = cleanup(nowhere(), (), async |()| panic_any("overboard"))
        .on_orphan(tell)
        .run();
    assert_eq!(panics_with(|| poll(&mut run)), "overboard");
    assert!(run.is_terminated());
    drop(run);
    assert!(was_silent(&mut told));
}

/// Scenario 28: a value, or what the cleanup holds, whose drop panics. Dropped, unwinding or not, it is contained.
#[test]
fn a_drop_that_panics_is_contained() {
    for unwinding in [false, true] {
        let (tell, mut told) = hook::<()>();
        let guard = cleanup(closed(), Bomb("the value's"), async |_| ()).on_orphan(tell);
        let (tell, mut also_told) = hook::<()>();
        let bomb = Bomb("the closure's");
        let other = cleanup(closed(), (), async move |()| drop(bomb)).on_orphan(tell);
        if unwinding {
            assert_eq!(unwinds_over((guard, other)), "the caller's own");
        } else {
            drop((guard, other));
        }
        for told in [&mut told, &mut also_told] {
            let error = heard(told).unwrap_err();
            assert!(error.is_cancelled() && !error.was_started());
        }
    }
}

/// Scenario 30: a spawner that panics in the guard's drop, unwinding or not. The hook is told that nothing has started.
#[test]
fn a_spawner_that_panics_is_contained() {
    for unwinding in [false, true] {
        let (tell, mut told) = hook::<()>();
        let drops = Drops::new();
        let spawner = spawn_fn(|_: BoxTask| panic!("the spawner's"));
        let guard = cleanup(spawner, drops.one(), async |_| ()).on_orphan(tell);
        if unwinding {
            assert_eq!(unwinds_over(guard), "the caller's own");
        } else {
            drop(guard);
        }
        let error = heard(&mut told).unwrap_err();
        assert!(error.is_cancelled() && !error.was_started());
        assert_eq!(drops.count(), 1);
    }
}

/// Scenarios 31 and 31b.
#[test]
fn hooks_that_panic_are_contained() {
    fn explosive<T>() -> impl FnOnce(Outcome<T>) + Send + 'static {
        let bomb = Bomb("the hook's drop");
        move |_| drop(bomb)
    }

    // It panics when it runs.
    drop(cleanup(closed(), (), async |()| ()).on_orphan(|_| panic!("the hook's")));
    // Its drop panics: when it is replaced,
    let (tell, mut told) = hook();
    drop(
        cleanup(closed(), (), async |()| ())
            .on_orphan(explosive())
            .on_orphan(tell),
    );
    assert!(heard(&mut told).unwrap_err().is_cancelled());
    // when it is not needed,
    let mut run = cleanup(nowhere(), 7, async |value| value).on_orphan(explosive()).run();
    assert_eq!(poll(&mut run), Poll::Ready(7));
    // and when there is nothing to clean up.
    assert_eq!(cleanup(nowhere(), 7, async |_| ()).on_orphan(explosive()).disarm(), 7);
}

/// Promise 5: what the cleanup holds is free when its outcome is delivered.
#[test]
fn the_cleanup_is_dropped_before_its_outcome_is_delivered() {
    let drops = Drops::new();
    let mut run = cleanup(nowhere(), drops.one(), |held| Holding::new(held, ready(7))).run();
    assert_eq!(poll(&mut run), Poll::Ready(7));
    assert_eq!(drops.count(), 1);

    let crank = Crank::new();
    let drops = Drops::new();
    let at_hook = drops.clone();
    let (tell, mut told) = oneshot::channel();
    let guard = cleanup(crank.spawner(), drops.one(), |held| Holding::new(held, ready(7)));
    drop(guard.on_orphan(move |_| tell.send(at_hook.count()).unwrap()));
    crank.run();
    assert_eq!(told.try_recv(), Ok(1));
}

/// Scenario 14.
#[test]
fn polled_after_ready_it_panics_in_words() {
    let guard = cleanup(nowhere(), (), async |()| ());
    let made = guard.location();
    let mut run = guard.run();
    assert!(poll(&mut run).is_ready());
    let text = panics_with(|| poll(&mut run));
    assert_eq!(
        text,
        format!("`CleanupRun` polled after completion: it was made at {made}")
    );
}

/// Scenario 58b.
#[test]
fn the_call_site_is_known() {
    let (guard, line) = (cleanup(closed(), (), async |()| ()), line!());
    assert_eq!((guard.location().file(), guard.location().line()), (file!(), line));
    let (tell, mut told) = hook();
    drop(guard.on_orphan(tell));
    let error = heard(&mut told).unwrap_err();
    assert_eq!((error.location().file(), error.location().line()), (file!(), line));
}

/// Scenario 72: a tracker counts it from its run, by the line of the guard.
#[test]
fn a_tracker_counts_it_from_its_run() {
    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    let ((guard, open, _), line) = (gated(&tracker), line!());
    assert_eq!(guard.location().line() < line, guard.location().file() == file!());
    let mut run = guard.run();
    assert!(tracker.is_empty());
    assert!(poll(&mut run).is_pending());
    assert_eq!((tracker.len(), tracker.orphans()), (1, 0));
    drop(run);
    assert_eq!((tracker.len(), tracker.orphans()), (1, 1));
    open.send(()).unwrap();
    crank.run();
    assert!(tracker.is_empty());
    let made = cleanup(&tracker, (), async |()| ()).location();
    assert_eq!(
        (tracker.len(), tracker.orphans()),
        (1, 1),
        "that one was dropped at once"
    );
    let unfinished = tracker.unfinished();
    let [at] = unfinished.locations() else {
        panic!("{unfinished}")
    };
    assert_eq!((at.location(), at.len()), (made, 1));
    crank.run();
    assert!(tracker.is_empty());
}

/// Scenario 43.
#[test]
fn select_asks_whether_it_has_terminated() {
    let mut run = cleanup(nowhere(), 7, async |value| value).run();
    assert!(!run.is_terminated());
    let (mut sum, mut rounds) = (0, 0);
    block_on(async {
        loop {
            futures_util::select! {
                value = run => sum += value,
                complete => break,
            }
            rounds += 1;
        }
    });
    assert_eq!((sum, rounds), (7, 1));
}

/// Scenario 9: `Debug` asks for it of the value alone.
#[test]
fn debug_tells_what_it_guards() {
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

/// Scenario 10: a field of this type repeats no bounds, and names no future.
struct Session<V, T, S> {
    guard: Cleanup<V, T, S>,
}

struct Closing<T, S> {
    run: CleanupRun<T, S>,
}

impl<V, T, S> Session<V, T, S> {
    fn close(self) -> Closing<T, S> {
        Closing { run: self.guard.run() }
    }
}

impl<T, S> Closing<T, S> {
    async fn closed(self) -> T {
        self.run.await
    }
}

/// Scenario 10.
#[test]
fn it_can_be_kept_in_a_field() {
    let session = Session {
        guard: cleanup(nowhere(), 7, async |value| value),
    };
    assert_eq!(session.close().closed().now_or_never(), Some(7));
}

/// Scenario 9: `Send` and `Sync` as the value and the spawner are. What is not `Sync` in the closure or the hook does not show.
#[test]
fn auto_traits() {
    fn send<T: Send>(_: &T) {}
    fn sync<T: Sync>(_: &T) {}
    fn unpin<T: Unpin>(_: &T) {}
    fn debug<T: fmt::Debug>(_: &T) {}
    fn fused<T: FusedFuture>(_: &T) {}

    let (captured, hooked) = (Cell::new(0), Cell::new(0));
    let guard = cleanup(closed(), 7, async move |value| captured.set(value)).on_orphan(move |_| hooked.set(1));
    send(&guard);
    sync(&guard);
    debug(&guard);
    let run = guard.run();
    send(&run);
    unpin(&run);
    debug(&run);
    fused(&run);
}

/// Scenario 9: what is not `Send` does not become it.
#[test]
fn auto_traits_that_it_must_not_have() {
    trait Ambiguous<A> {
        fn item() {}
    }
    struct NotSend;
    struct NotSync;
    impl<T: ?Sized> Ambiguous<()> for T {}
    impl<T: ?Sized + Send> Ambiguous<NotSend> for T {}
    impl<T: ?Sized + Sync> Ambiguous<NotSync> for T {}

    let _: fn() = <Cleanup<Rc<()>, (), ()> as Ambiguous<_>>::item;
    let _: fn() = <Cleanup<(), (), Rc<()>> as Ambiguous<_>>::item;
    let _: fn() = <CleanupRun<(), Rc<()>> as Ambiguous<_>>::item;
}

/// Scenario 39: a lock that is held by the value is given back in each ending.
#[test]
fn a_permit_is_given_back_in_each_ending() {
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

/// A guard that is left in a task goes with it, cleaned up by the executor that drops the task.
#[test]
fn the_task_around_it_is_cancelled() {
    let (tasks, cleanups) = (Crank::new(), Crank::new());
    let (guard, open, times) = gated(cleanups.spawner());
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
