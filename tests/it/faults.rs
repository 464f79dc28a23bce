//! Faults that were reported, each as it was reported. The tests of their kinds are with the other
//! tests.

use std::future::pending;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use crate::support::*;
use futures_shield::{Caller, ShieldExt, Spawn, Tracker, shield_with};

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

/// Scenario 65: the eager functions dropped the spawner after the return value was made. If that
/// drop panicked, rustc leaked the value (rust-lang/rust#47949), and nobody got the outcome.
#[test]
fn spawner_drop_panics() {
    let crank = Crank::new();
    let drops = Drops::new();
    let output = drops.one();
    let _ = catch_unwind(AssertUnwindSafe(|| {
        drop(async move { output }.shield(BombSpawner::new(crank.spawner())));
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
    async move {
        inside.spawn_detached(pending());
        tell.store(line!() as usize - 1, Ordering::SeqCst);
    }
    .shield(at_once())
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
