//! Faults that were reported, each as it was reported. The tests of their kinds are with the other
//! tests.

use std::cell::RefCell;
use std::future::{Future, pending, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::support::*;
use futures_shield::{BoxTask, Caller, ShieldExt, Spawn, Tracker, shield_with, spawn_fn};

/// Scenario 63: a tracker counts a hook while it runs, even on the caller's side, where the shield
/// is dropped after the work ended. `drain` once returned `Ok` while such a hook was still running.
#[test]
fn hook_on_the_callers_side() {
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

/// Scenario 64: an entry once left the total, then woke, and only then left its location, so that a
/// waker saw one too many.
#[test]
fn waker_sees_no_ended_work() {
    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    let (work, open) = gated();
    work.shield(&tracker).detach(); // A
    let inside = tracker.clone();
    let seen = Arc::new(Mutex::new(None));
    let sees = Arc::clone(&seen);
    let waker = callback_waker(
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

/// Scenario 63: when a hook runs because its shield was dropped, the caller is gone. A hook that
/// waited for a helper task, which waited for `gone()`, once deadlocked in the drop of the shield.
#[test]
fn hook_sees_its_caller_gone() {
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

/// Scenario 65: the future and the timer of a grace period were dropped in one drop glue, and if
/// both panicked, the process aborted.
#[test]
fn future_and_timer_drops_panic() {
    let crank = Crank::new();
    let shield = shield_with(crank.spawner(), async |caller: Caller| {
        let future = HoldsUntilDrop::new(Bomb("the future"), pending::<()>());
        let clock = || HoldsUntilDrop::new(Bomb("the clock"), pending::<()>());
        caller.run_with_grace(future, clock).await
    });
    let (hook, mut call) = hook();
    drop(shield.on_orphan(hook));
    crank.run(); // the caller has gone: the clock is made, and both are pending
    crank.shut_down(); // Work::cancel contains ONE panic
    assert!(call.outcome().unwrap_err().is_cancelled());
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

/// Scenario 65: the eager functions dropped the spawner after the return value was made. If that
/// drop panicked, rustc leaked the value (rust-lang/rust#47949), and nobody got the outcome.
#[test]
fn spawner_drop_panics() {
    let crank = Crank::new();
    let drops = Drops::new();
    let output = drops.one();
    let _ = catch_unwind(AssertUnwindSafe(|| {
        drop(async move { output }.shield(LastOwner(crank.spawner())));
    }));
    crank.run();
    assert_eq!(drops.count(), 1);
}

/// Scenario 67: the published location is for the spawner, and not for work, drops or hooks that it
/// runs inside its call.
#[test]
fn direct_spawn_inside_a_call() {
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

/// Scenario 67: the same for a drop that spawns on a tracker.
#[cfg(feature = "tokio")]
#[test]
fn drop_inside_a_call() {
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
