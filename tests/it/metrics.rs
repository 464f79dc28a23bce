//! The numbers of a tracker: running work, orphans, their endings, and hooks on the caller's side
//! (scenarios 63, 64, 72 and 73).

use std::future::{Future, pending, ready};
use std::panic::{Location, panic_any};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use futures_shield::{DynSpawner, InlineEntry, Shield, ShieldExt, Spawn, Tracker, TrackerMetrics, cleanup, spawn_fn};
use futures_util::FutureExt;

use crate::support::*;

on_every_spawner! {
    every:
        eager_orphans,
        inline_orphans,
        cleanup_orphans,
        late_hooks;
    if_it_drops: cancelled_orphans;
}

/// Running, orphans, and the totals: orphaned, finished, panicked, cancelled.
type Numbers = (usize, usize, [u64; 4]);

fn numbers(metrics: &TrackerMetrics) -> Numbers {
    let totals = [
        metrics.orphaned_total(),
        metrics.finished_total(),
        metrics.panicked_total(),
        metrics.cancelled_total(),
    ];
    assert_eq!(totals[0], metrics.orphans() as u64 + totals[1] + totals[2] + totals[3]);
    (metrics.running(), metrics.orphans(), totals)
}

/// Asserts that every query of a tracker says the same, and returns the numbers.
#[track_caller]
fn query<S>(tracker: &Tracker<S>) -> Numbers {
    let (metrics, unfinished) = (tracker.metrics(), tracker.unfinished());
    let numbers = numbers(&metrics);
    assert_eq!((tracker.len(), tracker.orphans()), (numbers.0, numbers.1));
    assert_eq!((unfinished.len(), unfinished.orphans()), (numbers.0, numbers.1));
    assert_eq!(tracker.is_empty(), numbers.0 == 0);
    numbers
}

/// The numbers that a hook saw.
type Seen = Arc<Mutex<Option<Numbers>>>;

/// Returns a hook that queries a tracker, and the numbers that it saw.
fn querying_hook<S, T>(tracker: &Tracker<S>) -> (impl FnOnce(Outcome<T>) + Send + 'static, Seen)
where
    S: Spawn + Clone + Send + Sync + 'static,
{
    let (tracker, seen) = (tracker.clone(), Seen::default());
    let sees = Arc::clone(&seen);
    (move |_| *locked(&sees) = Some(query(&tracker)), seen)
}

fn eager_orphans(rig: Rig) {
    let tracker = Tracker::new(rig.spawner());
    let (work, open) = gated();
    let (delivered, open_delivered) = gated();
    let delivered = delivered.shield(&tracker);
    let (hook, seen) = querying_hook(&tracker);
    let shield = work.shield(&tracker).on_orphan(hook);
    assert_eq!(query(&tracker), (2, 0, [0, 0, 0, 0]));
    drop(shield);
    assert_eq!(query(&tracker), (2, 1, [1, 0, 0, 0]));
    rig.run(async {
        open_delivered.send(7).unwrap();
        assert_eq!(delivered.await, 7);
    });
    // Delivered work is in none of the totals.
    open.send(7).unwrap();
    rig.run(tracker.wait());
    assert_eq!(query(&tracker), (0, 0, [1, 1, 0, 0]));
    assert_eq!(
        *locked(&seen),
        Some((1, 1, [1, 0, 0, 0])),
        "an ending counts once the hook has run"
    );

    let panics: Shield<()> = async { panic_any(7) }.shield(&tracker);
    panics.detach();
    rig.run(tracker.wait());
    // It may have ended before it was detached: then it was no orphan.
    let totals = query(&tracker).2;
    assert!(totals == [2, 1, 1, 0] || totals == [1, 1, 0, 0], "{totals:?}");
}

/// Scenario 72: inline work counts from its first poll, and is one entry for its whole life.
fn inline_orphans(rig: Rig) {
    let tracker = Tracker::new(rig.spawner());
    let (work, open) = gated();
    let (hook, seen) = querying_hook(&tracker);
    let mut shield = work.shield_on_drop(&tracker).on_orphan(hook);
    assert_eq!(query(&tracker), (0, 0, [0, 0, 0, 0]));
    assert!(poll(&mut shield).is_pending());
    assert_eq!(query(&tracker), (1, 0, [0, 0, 0, 0]));
    let location = shield.location();
    drop(shield);
    assert_eq!(query(&tracker), (1, 1, [1, 0, 0, 0]));
    assert_eq!(tracker.metrics().locations()[0].location(), location);
    open.send(7).unwrap();
    rig.run(tracker.wait());
    assert_eq!(query(&tracker), (0, 0, [1, 1, 0, 0]));
    assert_eq!(*locked(&seen), Some((1, 1, [1, 0, 0, 0])));

    // It is no orphan if it is never polled, or awaited to its end.
    drop(async { 7 }.shield_on_drop(&tracker));
    assert_eq!(rig.run(async { 7 }.shield_on_drop(&tracker)), 7);
    assert_eq!(query(&tracker), (0, 0, [1, 1, 0, 0]));
}

/// Scenario 72: a cleanup counts from its run, and as an orphan once it is spawned.
fn cleanup_orphans(rig: Rig) {
    let tracker = Tracker::new(rig.spawner());
    let (work, open) = gated();
    let guard = cleanup(&tracker, (), |()| work);
    let location = guard.location();
    assert_eq!(query(&tracker), (0, 0, [0, 0, 0, 0]));
    let mut run = guard.run();
    assert!(poll(&mut run).is_pending());
    assert_eq!(query(&tracker), (1, 0, [0, 0, 0, 0]));
    drop(run);
    assert_eq!(query(&tracker), (1, 1, [1, 0, 0, 0]));
    assert_eq!(tracker.metrics().locations()[0].location(), location);
    open.send(7).unwrap();
    rig.run(tracker.wait());
    assert_eq!(query(&tracker), (0, 0, [1, 1, 0, 0]));

    drop(cleanup(&tracker, (), async |()| ()));
    rig.run(tracker.wait());
    assert_eq!(
        query(&tracker),
        (0, 0, [2, 2, 0, 0]),
        "dropped before its run, it is spawned as an orphan"
    );
}

/// Scenario 63: a hook on the caller's side counts while it runs, and its work was no orphan.
/// `drain` once returned `Ok` while such a hook was still running.
fn late_hooks(rig: Rig) {
    let tracker = Tracker::new(rig.spawner());
    let (hook, seen) = querying_hook(&tracker);
    let shield = ready(7).shield(&tracker).on_orphan(hook);
    rig.run(tracker.wait());
    assert!(shield.is_finished());
    assert_eq!(query(&tracker), (0, 0, [0, 0, 0, 0]));
    drop(shield);
    assert_eq!(*locked(&seen), Some((1, 0, [0, 0, 0, 0])));
    assert_eq!(query(&tracker), (0, 0, [0, 0, 0, 0]));
}

fn cancelled_orphans(rig: Rig) {
    // Erased and without a clone that stays: the tracker must not keep the executor alive.
    let tracker = Tracker::new(DynSpawner::new(rig.spawner_without_executor()));
    let (inside, seen) = (tracker.clone(), Seen::default());
    let sees = Arc::clone(&seen);
    // It queries once: on several threads the two may end at the same time, between two queries.
    let hook = move |_| *locked(&sees) = Some(numbers(&inside.metrics()));
    let mut inline = pending::<()>().shield_on_drop(&tracker);
    assert!(poll(&mut inline).is_pending());
    drop(inline);
    drop(pending::<()>().shield(&tracker).on_orphan(hook));
    assert_eq!(query(&tracker), (2, 2, [2, 0, 0, 0]));
    rig.run(ready(()));
    rig.shut_down();
    assert_eq!(query(&tracker), (0, 0, [2, 0, 0, 2]));
    let (running, orphans, totals) = locked(&seen).unwrap();
    assert!(running >= 1 && orphans >= 1 && totals[0] == 2 && totals[3] <= 1);
}

// Step by step, on the hand-cranked executor.

/// A user's spawner that forwards, and one that does not.
#[derive(Clone)]
struct Forwards<S>(S);

impl<S: Spawn> Spawn for Forwards<S> {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        self.0.spawn_detached(future);
    }

    fn track_inline(&self, location: &'static Location<'static>) -> InlineEntry {
        self.0.track_inline(location)
    }
}

/// Scenario 73: through an erased spawner, pointers, nested trackers and a wrapper that forwards,
/// each tracker has every number.
#[test]
fn through_spawners_that_forward() {
    let crank = Crank::new();
    let outer = Tracker::new(crank.spawner());
    let inner = Tracker::new(Arc::new(Forwards(DynSpawner::new(outer.clone()))));
    let spawner = DynSpawner::new(Forwards(inner.clone()));
    let both = |expected: Numbers| {
        assert_eq!(query(&outer), expected);
        assert_eq!(query(&inner), expected);
    };

    let mut inline = pending::<()>().shield_on_drop(&spawner);
    both((0, 0, [0, 0, 0, 0]));
    assert!(poll(&mut inline).is_pending());
    both((1, 0, [0, 0, 0, 0]));
    let (work, open) = gated();
    let shield = work.shield(&spawner);
    both((2, 0, [0, 0, 0, 0]));
    drop(inline);
    both((2, 1, [1, 0, 0, 0]));
    drop(shield);
    both((2, 2, [2, 0, 0, 0]));
    open.send(7).unwrap();
    crank.run();
    both((1, 1, [2, 1, 0, 0]));
    let panics: Shield<()> = async { panic_any(7) }.shield(&spawner);
    panics.detach();
    crank.run();
    both((1, 1, [3, 1, 1, 0]));
    crank.shut_down();
    both((0, 0, [3, 1, 1, 1]));
}

/// Scenario 73: a closure cannot forward: a tracker inside does not count inline work, and what is
/// handed over counts from then on. That other work was counted before its hand-over, on the same
/// thread or at an outer tracker, changes nothing.
#[test]
fn through_a_closure() {
    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    let mut counted = pending::<()>().shield_on_drop(&tracker);
    assert!(poll(&mut counted).is_pending());
    drop(counted);
    assert_eq!(query(&tracker), (1, 1, [1, 0, 0, 0]));

    let inside = tracker.clone();
    let closure = spawn_fn(move |task| inside.spawn_detached(task));
    let mut inline = pending::<()>().shield_on_drop(&closure);
    assert!(poll(&mut inline).is_pending());
    assert_eq!(tracker.len(), 1);
    drop(inline);
    assert_eq!(tracker.len(), 2);

    let outer = Tracker::new(&closure);
    let mut inline = pending::<()>().shield_on_drop(&outer);
    assert!(poll(&mut inline).is_pending());
    assert_eq!((outer.len(), tracker.len()), (1, 2));
    drop(inline);
    assert_eq!((outer.len(), tracker.len()), (1, 3));
    crank.shut_down();
    assert!(outer.is_empty() && tracker.is_empty());
}

/// A spawner shields work of its own inside the call. Each tracker counts its own.
#[test]
fn work_of_the_spawner_itself() {
    let crank = Crank::new();
    let own = Tracker::new(crank.spawner());
    let (spawner, inside) = (crank.spawner(), own.clone());
    let tracker = Tracker::new(spawn_fn(move |task| {
        pending::<()>().shield(&inside).detach();
        spawner.spawn_detached(task);
    }));
    let shield = ready(7).shield(&tracker);
    assert_eq!(query(&own), (1, 1, [1, 0, 0, 0]));
    assert_eq!(query(&tracker), (1, 0, [0, 0, 0, 0]));
    crank.run();
    assert_eq!(query(&own), (1, 1, [1, 0, 0, 0]));
    assert_eq!(query(&tracker), (0, 0, [0, 0, 0, 0]));
    drop(shield);
}

/// Work that is spawned directly on the tracker runs, and is no orphan.
#[test]
fn direct_spawns_are_no_orphans() {
    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    tracker.spawn_detached(pending());
    tracker.spawn_detached(ready(()));
    assert_eq!(query(&tracker), (2, 0, [0, 0, 0, 0]));
    crank.run();
    crank.shut_down();
    assert_eq!(query(&tracker), (0, 0, [0, 0, 0, 0]));
}

/// Scenario 73: one row for each location, sorted; it stays after its work has ended.
#[test]
fn one_row_for_each_location() {
    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    let spawn = |count: usize| (0..count).for_each(|_| ready(()).shield(&tracker).detach());
    spawn(2);
    let (shield, line) = (pending::<()>().shield(&tracker), line!());
    shield.detach();
    spawn(1);
    crank.run();
    let metrics = tracker.metrics();
    let rows: Vec<_> = metrics
        .locations()
        .iter()
        .map(|row| {
            (
                row.location().line(),
                row.running(),
                row.orphaned_total(),
                row.finished_total(),
            )
        })
        .collect();
    assert_eq!(rows, [(line - 2, 0, 3, 3), (line, 1, 1, 0)]);
    assert_eq!(numbers(&metrics), (1, 1, [4, 3, 0, 0]));
    assert_eq!(tracker.metrics(), metrics);
    let text = format!("{metrics:?}");
    assert!(
        text.starts_with("TrackerMetrics { running: 1, orphans: 1, orphaned_total: 4"),
        "{text}"
    );
    let row = format!(
        "LocationMetrics {{ location: {}, running: 1",
        metrics.locations()[1].location()
    );
    assert!(text.contains(&row), "{text}");
}

/// Scenario 64: whoever is called back sees the new value of every query.
mod from_inside {
    use super::*;

    /// A closure that records a query, and the record.
    fn recording<T: Send + 'static>(
        query: impl Fn() -> T + Send + Sync + 'static,
    ) -> (impl Fn() + Send + Sync + 'static, Arc<Mutex<Vec<T>>>) {
        let record = Arc::new(Mutex::new(Vec::new()));
        let records = Arc::clone(&record);
        (move || locked(&records).push(query()), record)
    }

    /// The same, of all counts of `tracker`.
    fn recording_counts(
        tracker: &Tracker<CrankSpawner>,
    ) -> (impl Fn() + Send + Sync + 'static, Arc<Mutex<Vec<Numbers>>>) {
        let inside = tracker.clone();
        recording(move || query(&inside))
    }

    #[test]
    fn waker_of_a_wait() {
        let crank = Crank::new();
        let tracker = Tracker::new(crank.spawner());
        let (work, open) = gated();
        work.shield(&tracker).detach();
        let (record, seen) = recording_counts(&tracker);
        let mut wait = tracker.wait();
        assert!(poll_with(&mut wait, &callback_waker(record, || {})).is_pending());
        open.send(7).unwrap();
        crank.run();
        assert_eq!(*locked(&seen), [(0, 0, [1, 1, 0, 0])]);
    }

    #[test]
    fn drop_of_the_work() {
        let crank = Crank::new();
        let tracker = Tracker::new(crank.spawner());
        let (record, seen) = recording_counts(&tracker);
        let work = HoldsUntilDrop::new(OnDrop::new(record), ready(7));
        work.shield(&tracker).detach();
        crank.run();
        assert_eq!(
            *locked(&seen),
            [(1, 1, [1, 0, 0, 0])],
            "the entry stays until the hook has run"
        );
    }

    #[test]
    fn drop_of_an_output() {
        let crank = Crank::new();
        let tracker = Tracker::new(crank.spawner());
        // As an orphan's, and on the caller's side.
        for (late, expected) in [(false, (1, 1, [1, 0, 0, 0])), (true, (1, 0, [1, 1, 0, 0]))] {
            let (record, seen) = recording_counts(&tracker);
            let output = OnDrop::new(record);
            let shield = async move { output }.shield(&tracker);
            if late {
                crank.run();
            }
            drop(shield);
            crank.run();
            assert_eq!(*locked(&seen), [expected]);
        }
    }

    #[test]
    fn drop_of_inline_work() {
        let crank = Crank::new();
        let tracker = Tracker::new(crank.spawner());
        let (record, seen) = recording_counts(&tracker);
        let held = OnDrop::new(record);
        let mut shield = HoldsUntilDrop::new(held, pending::<()>()).shield_on_drop(&tracker);
        assert!(poll(&mut shield).is_pending());
        drop(shield);
        crank.shut_down();
        assert_eq!(*locked(&seen), [(1, 1, [1, 0, 0, 0])]);
        assert_eq!(query(&tracker), (0, 0, [1, 0, 0, 1]));
    }

    /// Its program drains a tracker before it ends, so that all hooks are gone by then.
    #[test]
    fn drop_of_an_unneeded_hook() {
        let crank = Crank::new();
        let tracker = Tracker::new(crank.spawner());
        let (record, seen) = recording_counts(&tracker);
        let captured = OnDrop::new(record);
        let mut shield = ready(7).shield_on_drop(&tracker).on_orphan(move |_| drop(captured));
        assert_eq!(poll(&mut shield), Poll::Ready(7));
        assert_eq!(*locked(&seen), [(1, 0, [0, 0, 0, 0])]);

        let (shield, caller) = shield_and_caller(crank.spawner(), ready(7));
        let (record, seen) = recording(move || caller.is_gone());
        let captured = OnDrop::new(record);
        let mut shield = shield.on_orphan(move |_| drop(captured));
        crank.run();
        assert_eq!(poll(&mut shield), Poll::Ready(7));
        assert_eq!(*locked(&seen), [true]);
    }

    /// The waker with which a caller waited is dropped once those that wait for `gone()` are woken.
    #[test]
    fn drop_of_the_callers_waker() {
        let (mut shield, caller) = caller_by_hand();
        let (woken, waker) = Wakes::new();
        let mut gone = caller.gone();
        assert!(poll_with(&mut gone, &waker).is_pending());
        let (record, seen) = recording(move || (caller.is_gone(), woken.count()));
        assert!(poll_with(&mut shield, &callback_waker(|| {}, record)).is_pending());
        drop(shield);
        assert_eq!(*locked(&seen), [(true, 1)]);
    }

    #[test]
    fn waker_of_gone() {
        let crank = Crank::new();
        let tracker = Tracker::new(crank.spawner());
        let (shield, caller) = shield_and_caller(&tracker, pending::<()>());
        let inside = tracker.clone();
        let mut gone = caller.gone();
        let (record, seen) = recording(move || (caller.is_gone(), query(&inside)));
        assert!(poll_with(&mut gone, &callback_waker(record, || {})).is_pending());
        drop(shield);
        assert_eq!(*locked(&seen), [(true, (1, 1, [1, 0, 0, 0]))]);
    }

    /// The waker of a shield is woken by the end of the work: the work has ended, and its caller is
    /// not gone.
    #[test]
    fn waker_of_a_shield() {
        let crank = Crank::new();
        let tracker = Tracker::new(crank.spawner());
        let (work, open) = gated();
        let (shield, caller) = shield_and_caller(&tracker, work);
        let slot = Arc::new(Mutex::new(shield));
        let there = Arc::clone(&slot);
        let (record, seen) = recording(move || (locked(&there).is_finished(), caller.is_gone()));
        let waker = callback_waker(record, || {});
        assert!(poll_with(&mut *locked(&slot), &waker).is_pending());
        crank.run();
        open.send(7).unwrap();
        crank.run();
        assert_eq!(*locked(&seen), [(true, false)]);
    }

    /// A hook on either side sees its caller gone, and who waits for that woken. One that waited
    /// for a helper task, which waited for `gone()`, once deadlocked in the drop of the shield.
    #[test]
    fn hook_of_a_caller() {
        let crank = Crank::new();
        for late in [false, true] {
            let (shield, caller) = shield_and_caller(crank.spawner(), ready(7));
            let (woken, waker) = Wakes::new();
            let mut gone = caller.gone();
            assert!(poll_with(&mut gone, &waker).is_pending());
            let (record, seen) = recording(move || (caller.is_gone(), woken.count()));
            let shield = shield.on_orphan(move |_| record());
            if late {
                crank.run();
            }
            drop(shield);
            crank.run();
            assert_eq!(*locked(&seen), [(true, 1)], "late: {late}");
        }
    }

    #[test]
    fn delivered_output_is_counted_by_nobody() {
        let crank = Crank::new();
        let tracker = Tracker::new(crank.spawner());
        let shield = ready(7).shield(&tracker);
        crank.run();
        assert_eq!(shield.now_or_never(), Some(7));
        assert_eq!(query(&tracker), (0, 0, [0, 0, 0, 0]));
    }
}
