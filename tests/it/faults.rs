//! Reported faults of the first version, each as it was reported. The tests of their kinds are with the other tests.

use std::cell::RefCell;
use std::future::{Future, pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Context;

use futures_shield::{BoxTask, Caller, Shield, ShieldExt, Spawn, Tracker, shield_with, spawn_fn};
use tokio::sync::oneshot;

use crate::support::orphans::gated;
use crate::support::*;

fn by_hand() -> (Shield<()>, Caller) {
    let caller = RefCell::new(None);
    let shield = shield_with(spawn_fn(std::mem::forget::<BoxTask>), |given| {
        caller.replace(Some(given));
        ready(())
    });
    (shield, caller.take().unwrap())
}

/// A tracker must count a hook while it runs, also if it runs on the caller's side (the shield is dropped after the work ended).
/// Today len() is 0 in the hook, so drain() returns Ok while a hook is still running.
#[test]
fn a_hook_on_the_callers_side_is_counted() {
    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    let seen = Arc::new(AtomicUsize::new(usize::MAX));
    let (sees, inside) = (Arc::clone(&seen), tracker.clone());
    let shield = ready(7)
        .shield(&tracker)
        .on_orphan(move |_| sees.store(inside.len(), Ordering::SeqCst));
    crank.run(); // the work ends, its task is dropped, and its entry with it
    drop(shield); // this thread ends the pair: the hook runs here
    assert_eq!(seen.load(Ordering::SeqCst), 1);
}

/// An entry leaves the total, then wakes (foreign code), and only then leaves its location: a waker sees one too many.
#[test]
fn ended_work_is_not_named_in_a_waker() {
    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    let (work, open) = gated();
    work.shield(&tracker).detach(); // A
    let inside = tracker.clone();
    let seen = Arc::new(Mutex::new(None));
    let sees = Arc::clone(&seen);
    let waker = act(
        move || {
            pending::<()>().shield(&inside).detach(); // B
            *locked(&sees) = Some((inside.len(), inside.unfinished()));
        },
        || {},
    );
    let mut wait = tracker.wait();
    assert!(poll_with(&mut wait, &waker).is_pending());
    open.send(7).unwrap();
    crank.run(); // A ends: the whole is zero, the waker is woken, and B begins in it
    let (len, unfinished) = locked(&seen).take().unwrap();
    assert_eq!(len, 1);
    assert_eq!(unfinished.len(), 1);
}

/// When a hook runs because its shield was dropped, the caller is gone: is_gone() must be true by then. Today a hook that waits for a
/// helper task, which waits for gone(), deadlocks in the shield's drop.
#[test]
fn a_hook_sees_its_caller_gone() {
    let crank = Crank::new();
    let kept = RefCell::new(None);
    let shield = shield_with(crank.spawner(), |caller: Caller| {
        kept.replace(Some(caller));
        ready(7)
    });
    let caller = kept.take().unwrap();
    let seen = Arc::new(Mutex::new(None));
    let sees = Arc::clone(&seen);
    let shield = shield.on_orphan(move |_| *locked(&sees) = Some(caller.is_gone()));
    crank.run();
    drop(shield);
    assert_eq!(*locked(&seen), Some(true));
}

/// ABORTS today (run it alone): two user values, the future and the timer, are dropped in one plain drop glue, and both panic.
#[test]
fn future_and_timer_panic_in_their_drops() {
    let crank = Crank::new();
    let shield = shield_with(crank.spawner(), async |caller: Caller| {
        let future = Holding::new(Bomb("the future"), pending::<()>());
        let clock = || Holding::new(Bomb("the clock"), pending::<()>());
        caller.run_with_grace(future, clock).await
    });
    let (hook, kept) = hook();
    drop(shield.on_orphan(hook));
    crank.run(); // the caller has gone: the clock is made, and both are pending
    crank.shut_down(); // Work::cancel contains ONE panic
    assert!(locked(&kept).pop().unwrap().unwrap_err().is_cancelled());
}

struct LastOwner(CrankSpawner);

impl Spawn for LastOwner {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        self.0.spawn_detached(future);
    }
}

impl Drop for LastOwner {
    fn drop(&mut self) {
        panic!("an executor");
    }
}

/// The eager functions drop the spawner by plain drop glue after the return value was made. If that drop panics, rustc leaks the return
/// value (rust-lang/rust#47949): the outcome goes to nobody and gone() never resolves.
#[test]
fn a_spawner_whose_drop_panics_loses_no_outcome() {
    let crank = Crank::new();
    let drops = Drops::new();
    let output = drops.one();
    let _ = catch_unwind(AssertUnwindSafe(|| {
        drop(async move { output }.shield(LastOwner(crank.spawner())));
    }));
    crank.run();
    assert_eq!(drops.count(), 1);
}

/// A window that has ended must leave no waker behind, even if its future is kept.
#[test]
fn a_completed_window_keeps_no_waker() {
    let (shield, caller) = by_hand();
    let (open, gate) = oneshot::channel::<()>();
    let (wakes, waker) = Wakes::new();
    let mut window = pin!(caller.run_until_gone(gate));
    assert!(window.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
    open.send(()).unwrap();
    assert!(window.as_mut().poll(&mut Context::from_waker(&waker)).is_ready());
    let woken = wakes.count();
    drop(waker);
    let kept = Arc::strong_count(&wakes);
    drop(shield);
    assert_eq!((kept, wakes.count()), (1, woken));
}

/// The published location is meant for the spawner, and not for work, drops or hooks that the spawner runs inside its call.
#[test]
fn a_direct_spawn_inside_a_call_has_its_own_line() {
    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    let inside = tracker.clone();
    let line = Arc::new(AtomicUsize::new(0));
    let tell = Arc::clone(&line);
    let here = spawn_fn(|task: BoxTask| futures_executor::block_on(task));
    async move {
        inside.spawn_detached(pending());
        tell.store(line!() as usize - 1, Ordering::SeqCst);
    }
    .shield(&here)
    .detach();
    let unfinished = tracker.unfinished();
    let named = unfinished.locations()[0].location().line() as usize;
    assert_eq!(named, line.load(Ordering::SeqCst));
}

/// A drop that runs inside a call to a spawner spawns on a tracker: it is counted at its own line, not at the shield's.
#[cfg(feature = "tokio")]
#[test]
fn a_drop_inside_a_call_has_its_own_line() {
    use futures_shield::Tokio;

    struct GiveBack(Tracker<Tokio>, Arc<AtomicUsize>);
    impl Drop for GiveBack {
        fn drop(&mut self) {
            self.0.spawn_detached(pending());
            self.1.store(line!() as usize - 1, Ordering::SeqCst);
        }
    }

    let runtime = tokio::runtime::Runtime::new().unwrap();
    let live = Tracker::new(Tokio::from(runtime.handle().clone()));
    let gone = tokio::runtime::Runtime::new().unwrap().handle().clone();
    let line = Arc::new(AtomicUsize::new(0));
    let value = GiveBack(live.clone(), Arc::clone(&line));
    async move { drop(value) }.shield(&gone).detach();
    let named = live.unfinished().locations()[0].location().line() as usize;
    assert_eq!(named, line.load(Ordering::SeqCst));
}
