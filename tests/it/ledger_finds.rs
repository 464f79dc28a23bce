//! What the random programs of `tests/ledger`, readers of the source and mutants found, each in its
//! smallest form.

use std::future::{Future, pending, poll_fn};
use std::mem;
use std::panic::{AssertUnwindSafe, Location, catch_unwind};
use std::sync::{Arc, Mutex, mpsc};
use std::task::Poll;

use futures_core::FusedFuture;
use futures_shield::{DynSpawner, InlineEntry, ShieldExt, Spawn, Tracker, shield_with, spawn_fn, spawn_location};

use crate::support::*;

/// The closure of `shield_with` is no spawner, but ran inside the published call: what it spawned
/// on a tracker was filed under the shield's line.
#[test]
fn closure_of_shield_with_sees_no_call() {
    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    let inside = tracker.clone();
    let seen = Arc::new(Mutex::new(None));
    let sees = Arc::clone(&seen);
    let shield = shield_with(&tracker, move |_| {
        *locked(&sees) = Some((spawn_location(), line!() + 1));
        inside.spawn_detached(pending());
        pending::<()>()
    });
    let (location, line) = locked(&seen).take().unwrap();
    assert_eq!(location, None);
    let unfinished = tracker.unfinished();
    let mut lines: Vec<u32> = unfinished.locations().iter().map(|at| at.location().line()).collect();
    lines.sort_unstable();
    let mut expected = [shield.location().line(), line];
    expected.sort_unstable();
    assert_eq!(lines, expected);
}

/// Work that ran inline in a spawner, inside the call to it, saw that call.
#[test]
fn inline_work_of_a_spawner_sees_no_call() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (sees, crank) = (Arc::clone(&seen), Crank::new());
    let inner = crank.spawner();
    let spawner = spawn_fn(move |_| {
        let inside = Arc::clone(&sees);
        let mut polls = 0..2;
        let mut own = poll_fn(move |_| {
            locked(&inside).push(spawn_location());
            polls.next().map_or(Poll::Ready(7), |_| Poll::Pending)
        })
        .shield_on_drop(inner.clone());
        assert!(poll(&mut own).is_pending());
        assert!(poll(&mut own).is_pending());
        assert_eq!(poll(&mut own), Poll::Ready(7));
        assert!(own.is_terminated());
        locked(&sees).push(spawn_location());
    });
    let location = pending::<()>().shield(&spawner).location();
    assert_eq!(*locked(&seen), [None, None, None, Some(location)]);
}

/// Inline work whose poll panicked had left its tracker when it was dropped.
#[test]
fn panicked_inline_work_counts() {
    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    let (inside, seen) = (tracker.clone(), Arc::new(Mutex::new(None)));
    let sees = Arc::clone(&seen);
    let held = OnDrop::new(move || *locked(&sees) = Some(inside.len()));
    let panics = HoldsUntilDrop::new(held, poll_fn(|_| -> Poll<()> { panic!("in the poll") }));
    let mut shield = panics.shield_on_drop(tracker.clone());
    assert_eq!(panics_with(|| poll(&mut shield)), "in the poll");
    assert_eq!(*locked(&seen), Some(1));
    assert_eq!(tracker.len(), 0);
}

/// A spawner that panics when it is asked to count inline work.
struct TracksNothing;

impl Spawn for TracksNothing {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, _: F) {}

    fn track_inline(&self, _: &'static Location<'static>) -> InlineEntry {
        panic!("asked to track")
    }
}

/// The future was dropped by the unwinding of that panic, and its own panic aborted the process.
#[test]
fn track_inline_and_drop_panic() {
    let future = HoldsUntilDrop::new(Bomb("the future"), pending::<()>());
    let thrown = catch_unwind(AssertUnwindSafe(|| drop(future.shield_on_drop(TracksNothing))));
    assert_eq!(message(&*thrown.unwrap_err()), "asked to track");
}

/// Work that had ended, and whose caller left inside the wake that told it so, was counted twice in
/// its hook: by its task, which its executor had not dropped yet, and for the hook.
#[test]
fn caller_gone_inside_its_wake() {
    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    let (inside, seen) = (tracker.clone(), Arc::new(Mutex::new(None)));
    let sees = Arc::clone(&seen);
    let shield = async { 7 }
        .shield(&tracker)
        .on_orphan(move |_| *locked(&sees) = Some(inside.len()));
    let kept = Arc::new(Mutex::new(Some(shield)));
    let leaves = Arc::clone(&kept);
    let waker = callback_waker(move || drop(locked(&leaves).take()), || {});
    assert!(poll_with(locked(&kept).as_mut().unwrap(), &waker).is_pending());
    crank.run();
    assert_eq!(*locked(&seen), Some(1));
}

/// A spawner around a tracker wraps the work in a future of its own. Its drop panicked out of the
/// executor, and a second panic there aborted the process.
#[test]
fn wrapped_work_whose_drop_panics() {
    let (tasks, given) = mpsc::channel();
    let tracker = Tracker::new(spawn_fn(move |task| tasks.send(task).unwrap()));
    let inside = tracker.clone();
    let spawner = spawn_fn(move |task| {
        let held = Bomb("the wrapper");
        inside.spawn_detached(async move {
            let _held = held;
            task.await;
        });
    });
    let shield = pending::<()>().shield(&spawner).fallible();
    drop(given.recv().unwrap());
    assert!(block_on(shield).unwrap_err().is_cancelled());
    assert!(tracker.is_empty());
}

/// An executor that polls inside the call polled such a future, and what that spawned on the
/// tracker was taken for the work: it was not counted.
#[test]
fn wrapped_work_spawns_another() {
    let polled_at_once = spawn_fn(|mut task| {
        if poll(&mut task).is_pending() {
            mem::forget(task);
        }
    });
    let tracker = Tracker::new(polled_at_once);
    let (inside, seen) = (tracker.clone(), Arc::new(Mutex::new(None)));
    let sees = Arc::clone(&seen);
    let spawner = spawn_fn(move |task| {
        let (tracker, sees) = (inside.clone(), Arc::clone(&sees));
        inside.spawn_detached(async move {
            *locked(&sees) = Some(spawn_location());
            tracker.spawn_detached(pending());
            task.await;
        });
    });
    assert_eq!(block_on(async { 7 }.shield(&spawner)), 7);
    assert_eq!(*locked(&seen), Some(None));
    assert_eq!(tracker.len(), 1);
}

/// The spawner inside a tracker spawns a task of its own on it, before the work. The task counts by
/// itself, and goes on to count when the work has ended.
#[test]
fn inner_spawner_spawns_another() {
    let crank = Crank::new();
    let (inside, outer) = (crank.spawner(), Arc::new(Mutex::new(None::<Tracker<DynSpawner>>)));
    let takes = Arc::clone(&outer);
    let tracker = Tracker::new(DynSpawner::new(spawn_fn(move |task| {
        let first = locked(&takes).take();
        if let Some(tracker) = first {
            tracker.spawn_detached(pending());
        }
        inside.spawn_detached(task);
    })));
    *locked(&outer) = Some(tracker.clone());
    let shield = async { 7 }.shield(&tracker);
    assert_eq!(tracker.len(), 2);
    crank.run();
    assert_eq!(block_on(shield), 7);
    assert_eq!(tracker.len(), 1);
}
