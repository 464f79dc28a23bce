//! `Tracker`: counting running work, and waiting for it.

use std::error::Error;
use std::future::{Future, pending, ready};
use std::panic::{Location, panic_any};
use std::pin::pin;
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::task::Poll;

use futures_shield::{
    BoxTask, DynSpawner, InlineEntry, Shield, ShieldExt, Spawn, Tracker, Unfinished, UnfinishedAt, cleanup, shield,
    shield_with, spawn_fn,
};
use futures_util::FutureExt;
use futures_util::future::FusedFuture;
use tokio::sync::oneshot;

use crate::support::*;

/// Returns the location and the count of each entry, as pairs.
fn pairs(unfinished: &Unfinished) -> Vec<(&'static Location<'static>, usize)> {
    let pair = |at: &UnfinishedAt| (at.location(), at.len());
    unfinished.locations().iter().map(pair).collect()
}

on_every_spawner! {
    every:
    counts_running_work,
    wait_ends_with_the_last,
    drain_is_ok,
    drain_names_stuck_work;
    if_it_shuts_down: refused_work_is_not_counted;
    if_it_drops: shutdown_ends_the_wait;
}

/// Scenario 58: `len` counts what was spawned through the tracker and its clones.
fn counts_running_work(rig: Rig) {
    let tracker = Tracker::new(rig.spawner());
    assert!(tracker.is_empty());
    let (first, open_first) = gated();
    let (second, open_second) = gated();
    let first = first.shield(&tracker);
    assert_eq!(tracker.len(), 1);
    let second = second.shield(tracker.clone());
    assert_eq!((tracker.len(), tracker.is_empty()), (2, false));
    rig.run(async {
        open_first.send(1).unwrap();
        assert_eq!(first.await, 1);
        assert_eq!(tracker.len(), 1);
        open_second.send(2).unwrap();
        assert_eq!(second.await, 2);
        tracker.wait().await;
    });
    assert_eq!((tracker.len(), tracker.is_empty()), (0, true));
}

/// Scenario 58: the wait ends with the last, and not before.
fn wait_ends_with_the_last(rig: Rig) {
    let tracker = Tracker::new(rig.spawner());
    let (work, gates): (Vec<_>, Vec<_>) = (0..20).map(|_| gated()).unzip();
    let (done, mut each_done) = tokio::sync::mpsc::unbounded_channel();
    for work in work {
        let done = done.clone();
        async move { done.send(work.await).unwrap() }.shield(&tracker).detach();
    }
    drop(done);
    rig.run(async {
        let mut wait = tracker.wait();
        for (index, gate) in gates.into_iter().enumerate() {
            assert!(futures_util::poll!(&mut wait).is_pending(), "{index}");
            gate.send(7).unwrap();
            each_done.recv().await.unwrap();
        }
        wait.await;
        assert!(tracker.is_empty());
        assert!(each_done.recv().await.is_none());
    });
}

/// Scenarios 54 and 55.
fn shutdown_ends_the_wait(rig: Rig) {
    // Erased and without a clone that stays: the tracker must not keep the executor alive.
    let tracker = Tracker::new(DynSpawner::new(rig.spawner()));
    let wait = tracker.wait();
    let shield = pending::<()>().shield(tracker);
    rig.run(ready(()));
    assert!(!wait.is_terminated());
    rig.shut_down();
    block_on(wait);
    assert!(block_on(shield.fallible()).unwrap_err().is_cancelled());
}

/// Scenario 53: work that its spawner drops has never run.
fn refused_work_is_not_counted(rig: Rig) {
    let spawner = rig.spawner();
    rig.shut_down();
    let tracker = Tracker::new(spawner);
    let shield = async { 7 }.shield(&tracker);
    let wait = tracker.wait();
    // Some executors are dropped with their last handle.
    drop(tracker);
    block_on(wait);
    assert!(!block_on(shield.fallible()).unwrap_err().was_started());
}

/// Scenario 58: all finish.
fn drain_is_ok(rig: Rig) {
    let tracker = Tracker::new(rig.spawner());
    let (work, open) = gated();
    work.shield(&tracker).detach();
    rig.run(async {
        let mut drain = pin!(tracker.drain(pending::<()>()));
        assert!(futures_util::poll!(drain.as_mut()).is_pending());
        open.send(7).unwrap();
        assert_eq!(drain.await, Ok(()));
        assert_eq!(
            tracker.drain(ready(())).await,
            Ok(()),
            "nothing runs, and the deadline has passed"
        );
    });
}

/// Scenario 58: work that is stuck is named by file and line, work that ends in time is not, and
/// nothing is cancelled.
fn drain_names_stuck_work(rig: Rig) {
    let tracker = Tracker::new(rig.spawner());
    let (stuck, open) = gated();
    let (quick, open_quick) = gated();
    let (ring, deadline) = oneshot::channel::<()>();
    let (stuck, line) = (stuck.shield(&tracker), line!());
    let quick = quick.shield(&tracker);
    rig.run(async {
        let mut drain = pin!(tracker.drain(deadline));
        assert!(futures_util::poll!(drain.as_mut()).is_pending());
        open_quick.send(1).unwrap();
        quick.await;
        assert!(futures_util::poll!(drain.as_mut()).is_pending());
        ring.send(()).unwrap();
        let unfinished = drain.await.unwrap_err();
        assert_eq!(lines(&unfinished), [(file!(), line, 1)]);
        assert_eq!((unfinished.len(), unfinished.is_empty()), (1, false));
        let column = unfinished.locations()[0].location().column();
        assert_eq!(
            unfinished.to_string(),
            format!("1 unfinished: 1 shielded at {}:{line}:{column}", file!())
        );

        open.send(7).unwrap();
        assert_eq!(stuck.await, 7);
        tracker.wait().await;
    });
}

mod local {
    use super::*;

    on_every_local_spawner! {
        counts_local_work,
        inline_orphan_counts,
    }

    /// Scenarios 58 and 61.
    fn counts_local_work(rig: LocalRig) {
        rig.run(async {
            let tracker = Tracker::new(rig.spawner());
            let (work, open) = gated();
            let kept = Rc::new(());
            let work = async move { (work.await, kept) };
            let (shield, line) = (work.shield_local(&tracker), line!());
            let other = pending::<()>().shield_local(tracker.clone());
            assert_eq!(tracker.len(), 2);
            assert_eq!(lines(&tracker.unfinished())[0], (file!(), line, 1));
            open.send(7).unwrap();
            assert_eq!(shield.await.0, 7);
            let unfinished = tracker.drain(tokio::task::yield_now()).await.unwrap_err();
            assert_eq!(unfinished.len(), 1);
            drop(other);
        });
    }

    /// Scenario 58.
    fn inline_orphan_counts(rig: LocalRig) {
        rig.run(async {
            let tracker = Tracker::new(rig.spawner());
            let (work, open) = gated();
            let kept = Rc::new(());
            let mut shield = async move { (work.await, kept) }.shield_on_drop_local(&tracker);
            assert!(tracker.is_empty());
            assert!(poll(&mut shield).is_pending());
            assert_eq!((tracker.len(), tracker.orphans()), (1, 0));
            drop(shield);
            assert_eq!((tracker.len(), tracker.orphans()), (1, 1));
            open.send(7).unwrap();
            tracker.wait().await;
            assert!(tracker.is_empty());
        });
    }
}

// Step by step, on the hand-cranked executor.

/// Scenario 58b: several locations, each counted, some through indirections that end
/// `#[track_caller]`, and in `Drop`.
#[test]
fn every_location_is_named() {
    struct Mine(DynSpawner);

    impl Spawn for Mine {
        fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
            self.0.spawn_detached(future);
        }
    }

    struct ShieldsInDrop<S: Spawn>(S, Arc<AtomicUsize>);

    impl<S: Spawn> Drop for ShieldsInDrop<S> {
        fn drop(&mut self) {
            pending::<()>().shield(&self.0).detach();
            self.1.store(line!() as usize - 1, Ordering::SeqCst);
        }
    }

    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    let erased = DynSpawner::new(tracker.clone());
    let inner = tracker.clone();
    let closure = spawn_fn(move |task: BoxTask| inner.spawn_detached(task));
    let mine = Mine(erased.clone());
    let boxed = Arc::new(Box::new(tracker.clone()));
    let by_mine_erased = DynSpawner::new(Mine(DynSpawner::new(Tracker::new(tracker.clone()))));
    let mut expected = Vec::new();
    // The location of the call is the line on which the macro is used.
    macro_rules! here {
        ($count:literal, $call:expr) => {{
            expected.push((file!(), line!(), $count));
            $call
        }};
    }

    here!(1, pending::<()>().shield(&tracker).detach());
    here!(1, pending::<()>().shield(&erased).detach());
    here!(1, pending::<()>().shield(&closure).detach());
    here!(1, pending::<()>().shield(&mine).detach());
    here!(1, pending::<()>().shield(&boxed).detach());
    here!(1, pending::<()>().shield(&by_mine_erased).detach());
    here!(1, shield(&closure, pending::<()>()).detach());
    here!(1, shield_with(&mine, |_| pending::<()>()).detach());
    here!(3, (0..3).for_each(|_| pending::<()>().shield(&erased).detach()));
    let mut inline = here!(1, pending::<()>().shield_on_drop(&mine));
    here!(1, drop(cleanup(&closure, (), |()| pending::<()>())));
    let in_drop = Arc::new(AtomicUsize::new(0));
    drop(ShieldsInDrop(&closure, Arc::clone(&in_drop)));
    expected.push((file!(), u32::try_from(in_drop.load(Ordering::SeqCst)).unwrap(), 1));
    assert!(poll(&mut inline).is_pending());
    drop(inline);

    expected.sort_unstable();
    let unfinished = tracker.unfinished();
    assert_eq!(lines(&unfinished), expected);
    assert_eq!((unfinished.len(), tracker.len()), (14, 14));
    crank.shut_down();
    assert!(tracker.unfinished().is_empty());
}

/// Scenario 58b: nested spawns have their own locations. What a hook, the work, or a spawner that
/// runs the work immediately shields is not filed under the shield around it.
#[test]
fn nested_spawns_have_own_locations() {
    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());

    // The spawner drops the outer work inside the outer spawn, and the hook shields another.
    let (inside, outer_line) = (tracker.clone(), Arc::new(AtomicUsize::new(0)));
    let line = Arc::clone(&outer_line);
    let mut outer = pending::<()>()
        .shield_on_drop(spawn_fn(drop::<BoxTask>))
        .on_orphan(move |_| {
            pending::<()>().shield(&inside).detach();
            line.store(line!() as usize - 1, Ordering::SeqCst);
        });
    assert!(poll(&mut outer).is_pending());
    drop(outer);
    let hook_line = u32::try_from(outer_line.load(Ordering::SeqCst)).unwrap();
    assert_eq!(lines(&tracker.unfinished()), [(file!(), hook_line, 1)]);

    // The spawner shields something of its own first. What it spawns after that belongs to the
    // outer shield again.
    let (inside, inner_line) = (tracker.clone(), Arc::new(AtomicUsize::new(0)));
    let line = Arc::clone(&inner_line);
    let spawner = spawn_fn(move |task: BoxTask| {
        pending::<()>().shield(&inside).detach();
        line.store(line!() as usize - 1, Ordering::SeqCst);
        inside.spawn_detached(task);
    });
    pending::<()>().shield(spawner).detach();
    let outer_line = line!() - 1;
    let inner_line = u32::try_from(inner_line.load(Ordering::SeqCst)).unwrap();
    let expected = [hook_line, inner_line, outer_line].map(|line| (file!(), line, 1));
    assert_eq!(lines(&tracker.unfinished()), expected);
}

/// A spawner that panics while a location is published leaves no location behind.
#[test]
fn spawner_panic_leaves_no_location() {
    let panics = spawn_fn(|_: BoxTask| panic!("the spawner's"));
    assert_eq!(panics_with(|| pending::<()>().shield(panics)), "the spawner's");
    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    let spawn = |task| tracker.spawn_detached(task);
    spawn(pending());
    let line = line!() - 2;
    assert_eq!(
        lines(&tracker.unfinished()),
        [(file!(), line, 1)],
        "the place of the spawn itself"
    );
}

/// If the spawner panics, nothing was spawned, and no entry stays.
#[test]
fn spawner_panic_leaves_no_entry() {
    let tracker = Tracker::new(spawn_fn(|_: BoxTask| panic!("the spawner's")));
    assert_eq!(panics_with(|| async {}.shield(&tracker)), "the spawner's");
    assert!(tracker.is_empty() && tracker.unfinished().is_empty());

    let mut inline = pending::<()>().shield_on_drop(&tracker);
    assert!(poll(&mut inline).is_pending());
    drop(inline);
    assert!(tracker.is_empty() && tracker.unfinished().is_empty());
}

/// One place in the source that is compiled again wherever it is called.
#[inline(always)]
fn one_place(tracker: &Tracker<CrankSpawner>, work: BoxTask) -> Shield<()> {
    work.shield(tracker)
}

mod one {
    use super::*;

    pub(super) fn spawn(tracker: &Tracker<CrankSpawner>, work: BoxTask) -> Shield<()> {
        one_place(tracker, work)
    }
}

mod other {
    use super::*;

    pub(super) fn spawn(tracker: &Tracker<CrankSpawner>, work: BoxTask) -> Shield<()> {
        one_place(tracker, work)
    }
}

/// One place in the source may have several `Location`s (unoptimised, one for each module here). It
/// is listed once, and has the sum of each number.
#[test]
fn one_location_is_named_once() {
    type SpawnThere = fn(&Tracker<CrankSpawner>, BoxTask) -> Shield<()>;

    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    let held = [one::spawn as SpawnThere, other::spawn].map(|spawn| {
        let orphans = |count, work: fn() -> BoxTask| (0..count).for_each(|_| spawn(&tracker, work()).detach());
        orphans(3, || Box::pin(pending()));
        orphans(1, || Box::pin(ready(())));
        orphans(5, || Box::pin(async { panic_any(7) }));
        spawn(&tracker, Box::pin(pending()))
    });
    crank.run();
    let place = held[0].location();
    assert_eq!(held[1].location(), place);
    assert_eq!(pairs(&tracker.unfinished()), [(place, 8)]);
    let row = || {
        let metrics = tracker.metrics();
        let [row] = metrics.locations() else {
            panic!("{metrics:?}")
        };
        let totals = [row.finished_total(), row.panicked_total(), row.cancelled_total()];
        (row.running(), row.orphans(), totals)
    };
    assert_eq!(row(), (8, 6, [2, 10, 0]));
    crank.shut_down();
    assert_eq!(row(), (0, 0, [2, 10, 6]));
}

/// Scenario 12: many threads enter locations that are new to the tracker. Each is counted at its
/// own.
#[test]
#[rustfmt::skip]
fn new_locations_on_many_threads() {
    type At = fn(&Tracker<CrankSpawner>);
    macro_rules! at {
        ($($_:literal)*) => {[$({ let at: At = |tracker| { let _ = $_; pending::<()>().shield(tracker).detach(); }; at }),*]};
    }
    let sites: Vec<At> = [
        at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1),
        at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1),
        at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1),
        at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1), at!(0 1),
    ].concat();
    let sites: Arc<[At]> = sites.into();
    for _ in 0..200 {
        let crank = Crank::new();
        let tracker = Tracker::new(crank.spawner());
        let barrier = Arc::new(Barrier::new(4));
        let threads: Vec<_> = (0..4)
            .map(|thread| {
                let (tracker, sites, barrier) = (tracker.clone(), Arc::clone(&sites), Arc::clone(&barrier));
                Thread::start(move || {
                    barrier.wait();
                    sites.iter().skip(thread).step_by(4).for_each(|at| at(&tracker));
                })
            })
            .collect();
        threads.into_iter().for_each(Thread::join);
        let unfinished = tracker.unfinished();
        assert_eq!((unfinished.len(), tracker.len()), (sites.len(), sites.len()));
        assert!(unfinished.locations().iter().all(|at| at.len() == 2), "{unfinished}");
        crank.shut_down();
        assert!(tracker.unfinished().is_empty());
    }
}

/// More locations than the table has buckets, sorted by file, line and column.
#[test]
#[rustfmt::skip]
fn many_locations_are_sorted() {
    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    let mut expected = Vec::new();
    // The location of the call is the line on which the macro is used.
    macro_rules! here {
        () => { expected.push((shielded_at(&tracker), 1)) };
    }
    here!(); here!(); here!(); here!(); here!(); here!(); here!(); here!(); here!(); here!();
    here!(); here!(); here!(); here!(); here!(); here!(); here!(); here!(); here!(); here!();
    here!(); here!(); here!(); here!(); here!(); here!(); here!(); here!(); here!(); here!();
    here!(); here!(); here!(); here!(); here!(); here!(); here!(); here!(); here!(); here!();
    here!(); here!(); here!(); here!(); here!(); here!(); here!(); here!(); here!(); here!();
    here!(); here!(); here!(); here!(); here!(); here!(); here!(); here!(); here!(); here!();
    here!(); here!(); here!(); here!(); here!(); here!(); here!(); here!(); here!(); here!();
    here!(); here!(); here!(); here!(); here!(); here!(); here!(); here!(); here!(); here!();
    let unfinished = tracker.unfinished();
    assert_eq!(pairs(&unfinished), expected);
    let mut places: Vec<_> = expected.iter().map(|(site, _)| (site.file(), site.line(), site.column())).collect();
    places.dedup();
    assert_eq!((places.len(), places.is_sorted()), (80, true));
}

#[track_caller]
fn shielded_at(tracker: &Tracker<CrankSpawner>) -> &'static Location<'static> {
    pending::<()>().shield(tracker).location()
}

/// Scenario 58: work that is added meanwhile is admitted and waited for, even if the last running
/// work adds it.
#[test]
fn added_work_is_waited_for() {
    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    let (first, open_first) = gated();
    let (second, open_second) = gated();
    let inside = tracker.clone();
    async move {
        first.await;
        second.shield(&inside).detach();
    }
    .shield(&tracker)
    .detach();
    let (wakes, waker) = Wakes::new();
    let mut drain = pin!(tracker.drain(pending::<()>()));
    let mut wait = tracker.wait();
    assert!(poll_with(&mut drain, &waker).is_pending());
    assert!(poll_with(&mut wait, &waker).is_pending());
    crank.run();
    open_first.send(1).unwrap();
    crank.run();
    assert_eq!(
        (tracker.len(), wakes.count()),
        (1, 0),
        "it has not been zero in between"
    );
    assert!(poll_with(&mut drain, &waker).is_pending());
    open_second.send(2).unwrap();
    crank.run();
    assert_eq!((tracker.len(), wakes.count()), (0, 2));
    assert_eq!(poll_with(&mut drain, &waker), Poll::Ready(Ok(())));
    assert!(poll_with(&mut wait, &waker).is_ready());
}

/// Scenario 58: the tracker was empty, but when the waiter is polled, work runs again. It keeps
/// waiting and is woken the next time.
#[test]
fn zero_between_two_polls() {
    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    let mut wait = tracker.wait();
    let (wakes, waker) = Wakes::new();
    for round in 1..=3 {
        let (work, open) = gated();
        work.shield(&tracker).detach();
        assert!(poll_with(&mut wait, &waker).is_pending());
        open.send(7).unwrap();
        crank.run();
        assert_eq!(wakes.count(), round);
    }
    assert!(poll_with(&mut wait, &waker).is_ready());
}

/// Scenario 58: a drain asks to be polled again only if something changed.
#[test]
fn drain_does_not_spin() {
    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    let (work, gates): (Vec<_>, Vec<_>) = (0..100).map(|_| gated()).unzip();
    work.into_iter().for_each(|work| work.shield(&tracker).detach());
    let polls = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&polls);
    let deadline = std::future::poll_fn(move |_| {
        counts.fetch_add(1, Ordering::SeqCst);
        Poll::<()>::Pending
    });
    let (wakes, waker) = Wakes::new();
    let mut drain = pin!(tracker.drain(deadline));
    assert!(poll_with(&mut drain, &waker).is_pending());
    crank.run();
    let mut gates = gates.into_iter();
    let last = gates.next_back().unwrap();
    gates.for_each(|gate| gate.send(7).unwrap());
    crank.run();
    assert_eq!((tracker.len(), wakes.count(), polls.load(Ordering::SeqCst)), (1, 0, 1));
    last.send(7).unwrap();
    crank.run();
    assert_eq!(wakes.count(), 1);
    assert_eq!(poll_with(&mut drain, &waker), Poll::Ready(Ok(())));
    assert_eq!(polls.load(Ordering::SeqCst), 1);
}

/// Scenario 58: the deadline wakes the drain; if all work has ended in the same poll, the result is
/// `Ok`.
#[test]
fn drain_wins_the_tie() {
    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    let (work, open) = gated();
    work.shield(&tracker).detach();
    let (ring, deadline) = oneshot::channel::<()>();
    let (wakes, waker) = Wakes::new();
    let mut drain = pin!(tracker.drain(deadline));
    assert!(poll_with(&mut drain, &waker).is_pending());
    ring.send(()).unwrap();
    assert_eq!(wakes.count(), 1);
    open.send(7).unwrap();
    crank.run();
    assert_eq!(poll_with(&mut drain, &waker), Poll::Ready(Ok(())));
}

/// Scenario 58: a deadline that ends the last work itself, as one that runs the executor may, and
/// its completed drain is kept: the deadline is dropped at once.
#[test]
fn deadline_ends_the_last_work() {
    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    ready(7).shield(&tracker).detach();
    let drops = Drops::new();
    let deadline = std::future::poll_fn(|_| Poll::Ready(crank.run()));
    let mut drain = pin!(tracker.drain(HoldsUntilDrop::new(drops.one(), deadline)));
    assert_eq!(poll(&mut drain), Poll::Ready(Ok(())));
    assert_eq!(drops.count(), 1);
}

/// The task that waits is work itself, and ends inside the call that spawned it: that wakes the
/// waiter.
#[test]
fn woken_by_work_that_ends_at_once() {
    let tracker = Tracker::new(at_once());
    let (wakes, waker) = Wakes::new();
    let mut wait = tracker.wait();
    let shield = async move { (poll_with(&mut wait, &waker).is_pending(), wait) }.shield(&tracker);
    let (pending, mut wait) = shield.now_or_never().unwrap();
    assert!(pending);
    assert_eq!(wakes.count(), 1);
    assert!(poll(&mut wait).is_ready());
}

/// Scenario 58: if the deadline has passed already, the first poll returns the unfinished work.
#[test]
fn drain_after_its_deadline() {
    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    let shield = pending::<()>().shield(&tracker);
    let unfinished = tracker.drain(ready(())).now_or_never().unwrap().unwrap_err();
    assert_eq!(pairs(&unfinished), [(shield.location(), 1)]);
    assert_eq!(tracker.unfinished(), unfinished);
    drop(shield);
    assert_eq!(crank.len(), 1, "nothing was cancelled");
}

/// Scenario 58: `Err` is never empty. Threads enter and leave all the time, and each deadline has
/// passed.
#[test]
fn err_is_never_empty() {
    let tracker = Tracker::new(at_once());
    let stop = Arc::new(AtomicBool::new(false));
    let threads: Vec<_> = (0..3)
        .map(|_| {
            let (tracker, stop) = (tracker.clone(), Arc::clone(&stop));
            Thread::start(move || {
                while !stop.load(Ordering::Relaxed) {
                    async {}.shield(&tracker).detach();
                }
            })
        })
        .collect();
    let (mut drained, mut unfinished) = (0_u32, 0_u32);
    let start = std::time::Instant::now();
    while drained.min(unfinished) < 2_000 && start.elapsed() < DEADLINE / 6 {
        match tracker.drain(ready(())).now_or_never().unwrap() {
            Ok(()) => drained += 1,
            Err(left) => {
                assert!(!left.is_empty() && !left.locations().is_empty());
                assert_ne!(left.len(), 0);
                assert!(left.locations().iter().all(|at| (1..=3).contains(&at.len())));
                unfinished += 1;
            }
        }
    }
    stop.store(true, Ordering::Relaxed);
    threads.into_iter().for_each(Thread::join);
    assert!(unfinished > 0, "it has met none that runs");
    assert!(tracker.is_empty());
}

/// Scenarios 12 and 58: many threads at once, through clones, with waiters that come and go. All
/// work ends, and the wait sees it.
#[test]
fn many_threads_end_at_zero() {
    const THREADS: usize = 4;
    const ROUNDS: usize = 2_000;
    let (queue, tasks) = mpsc::channel::<BoxTask>();
    let tracker = Tracker::new(spawn_fn(move |task: BoxTask| queue.send(task).unwrap()));
    let done = Arc::new(AtomicUsize::new(0));
    let barrier = Arc::new(Barrier::new(THREADS));
    let spawning: Vec<_> = (0..THREADS)
        .map(|thread| {
            let (tracker, done, barrier) = (tracker.clone(), Arc::clone(&done), Arc::clone(&barrier));
            Thread::start(move || {
                barrier.wait();
                for round in 0..ROUNDS {
                    let done = Arc::clone(&done);
                    let shield = async move { done.fetch_add(1, Ordering::SeqCst) };
                    match (thread + round) % 3 {
                        0 => shield.shield(&tracker).detach(),
                        1 => shield.shield(&tracker).on_orphan(|_| {}).detach(),
                        _ => drop(cleanup(&tracker, shield, |shield| shield)),
                    }
                    // It may resolve at once or not: a waiter that comes and goes must not disturb
                    // the one that stays.
                    let _ = poll(&mut tracker.wait());
                }
            })
        })
        .collect();
    // The executor's thread ends when the last tracker is dropped.
    let wait = tracker.wait();
    let executor = Thread::start(move || tasks.into_iter().for_each(futures_executor::block_on));
    spawning.into_iter().for_each(Thread::join);
    block_on(wait);
    assert_eq!(done.load(Ordering::SeqCst), THREADS * ROUNDS);
    assert_eq!((tracker.len(), tracker.unfinished().len()), (0, 0));
    drop(tracker);
    executor.join();
}

/// A waker that panics keeps no other waker from being woken, and no entry from leaving.
#[test]
fn waker_panic_wakes_others() {
    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    let (work, open) = gated();
    work.shield(&tracker).detach();
    let (mut one, mut other) = (tracker.wait(), tracker.wait());
    assert!(poll_with(&mut one, &callback_waker(|| panic!("the waker's"), || {})).is_pending());
    let (wakes, waker) = Wakes::new();
    assert!(poll_with(&mut other, &waker).is_pending());
    open.send(7).unwrap();
    crank.run();
    assert_eq!((wakes.count(), tracker.len()), (1, 0));
}

/// A waker that spawns, waits and queries finds no lock held.
#[test]
fn waker_uses_the_tracker() {
    on_a_thread(|| {
        let crank = Crank::new();
        let tracker = Tracker::new(crank.spawner());
        let (work, open) = gated();
        work.shield(&tracker).detach();
        let mut wait = tracker.wait();
        let inside = tracker.clone();
        let (tell, told) = mpsc::channel();
        let waker = callback_waker(
            move || {
                pending::<()>().shield(&inside).detach();
                let waits = poll(&mut inside.wait()).is_pending();
                tell.send((waits, inside.len(), inside.unfinished().len())).unwrap();
            },
            || {},
        );
        assert!(poll_with(&mut wait, &waker).is_pending());
        open.send(7).unwrap();
        crank.run();
        assert_eq!(told.try_recv(), Ok((true, 1, 1)));
        assert!(poll(&mut wait).is_pending());
    });
}

/// A tracker that is drained inside its own work names that work, and a wait there does not end.
#[test]
fn used_inside_its_own_work() {
    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    let inside = tracker.clone();
    let work = async move {
        let waits = futures_util::poll!(inside.wait()).is_pending();
        (waits, inside.drain(ready(())).await)
    };
    let mut shield = work.shield(&tracker);
    crank.run();
    let Poll::Ready((waits, Err(unfinished))) = poll(&mut shield) else {
        panic!("something runs: the work itself")
    };
    assert!(waits);
    assert_eq!(pairs(&unfinished), [(shield.location(), 1)]);
    assert!(tracker.is_empty());
}

/// A wait does not need its tracker: it continues after the last one was dropped.
#[test]
fn wait_outlives_its_tracker() {
    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    let (work, open) = gated();
    work.shield(&tracker).detach();
    let mut wait = tracker.wait();
    drop(tracker);
    assert!(poll(&mut wait).is_pending());
    open.send(7).unwrap();
    crank.run();
    assert!(poll(&mut wait).is_ready());
}

/// An entry stays until its hook has run, even if the executor drops the work, started or not.
#[test]
fn cancelled_hook_counts() {
    for started in [false, true] {
        let crank = Crank::new();
        let tracker = Tracker::new(crank.spawner());
        let (told, inside) = (Arc::new(AtomicUsize::new(0)), tracker.clone());
        let tells = Arc::clone(&told);
        let hook = move |_| tells.store(inside.len() + 10 * inside.unfinished().len(), Ordering::SeqCst);
        pending::<()>().shield(&tracker).on_orphan(hook).detach();
        if started {
            crank.run();
        }
        crank.shut_down();
        assert_eq!(told.load(Ordering::SeqCst), 11);
        assert!(tracker.is_empty());
    }
}

/// An executor that keeps a task that has completed does not keep its entry: the work was dropped.
#[test]
fn entry_ends_with_its_work() {
    let (queue, tasks) = mpsc::channel::<BoxTask>();
    let tracker = Tracker::new(spawn_fn(move |task: BoxTask| queue.send(task).unwrap()));
    let shield = async { 7 }.shield(&tracker);
    let mut task = tasks.recv().unwrap();
    assert_eq!(tracker.len(), 1);
    assert!(poll(&mut task).is_ready());
    assert!(tracker.is_empty());
    assert_eq!(shield.now_or_never(), Some(7));
    drop(task);
    assert!(tracker.is_empty());
}

/// A task that was spawned directly, and whose drop panics: the panic does not reach the executor, and the entry ends.
#[test]
fn entry_leaves_despite_drop_panic() {
    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    tracker.spawn_detached(HoldsUntilDrop::new(Bomb("a task"), pending()));
    crank.shut_down();
    assert!(tracker.is_empty());
}

/// Scenario 9.
#[test]
fn debug_and_display() {
    let crank = Crank::new();
    let tracker = Tracker::new(DynSpawner::new(crank.spawner()));
    let name = std::any::type_name::<CrankSpawner>();
    assert_eq!(
        format!("{tracker:?}"),
        format!("Tracker {{ spawner: DynSpawner({name}), len: 0 }}")
    );
    assert_eq!(tracker.unfinished().to_string(), "0 unfinished");
    let (one, two) = (
        pending::<()>().shield(&tracker).location(),
        [0, 1].map(|_| pending::<()>().shield(&tracker)),
    );
    let other = two[0].location();
    let text = format!("3 unfinished: 1 shielded at {one}, 2 shielded at {other}");
    let unfinished = tracker.unfinished();
    assert_eq!(unfinished.to_string(), text);
    assert_eq!(format!("{unfinished:?}"), format!("Unfinished({text})"));
    let at = format!("{:?}", unfinished.locations()[0]);
    assert_eq!(at, format!("UnfinishedAt(1 shielded at {one})"));
    assert!(<dyn Error>::source(&unfinished).is_none());
    assert_eq!(format!("{:?}", tracker.wait()), "Wait { running: 3 }");
    assert_eq!(
        format!("{:?}", tracker.drain(pending::<()>())),
        "Drain { wait: Wait { running: 3 }, .. }"
    );
    assert!(format!("{tracker:?}").contains("len: 3"));
    assert_eq!(format!("{:?}", InlineEntry::none()), "InlineEntry { .. }");
}

/// A tracker inside another one: both count, and both know the location.
#[test]
fn one_in_another() {
    let crank = Crank::new();
    let outside = Tracker::new(crank.spawner());
    let inside = Tracker::new(outside.clone());
    let shields = (pending::<()>().shield(&inside), pending::<()>().shield(&outside));
    assert_eq!((inside.len(), outside.len()), (1, 2));
    assert_eq!(pairs(&inside.unfinished()), [(shields.0.location(), 1)]);
    assert!(pairs(&outside.unfinished()).contains(&(shields.0.location(), 1)));
    crank.shut_down();
    assert!(inside.is_empty() && outside.is_empty());
}
