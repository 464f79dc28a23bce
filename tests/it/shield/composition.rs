//! Shields inside combinators, and combinators inside shields.

use std::sync::Arc;
use std::task::Poll;
use std::time::Duration;

use futures_shield::{Shield, ShieldExt, Spawn, spawn_fn};
use futures_util::FutureExt;
use futures_util::future::{Aborted, abortable, join, pending, ready, try_join};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Mutex, Semaphore, oneshot};
use tokio::time::timeout;

use crate::support::*;

/// Returns a tokio runtime for callers that use its clock, and its spawner, which needs no feature
/// of this crate.
fn tokio() -> (Runtime, impl Spawn + Clone + Send + Sync + 'static) {
    let runtime = Builder::new_current_thread().enable_all().build().unwrap();
    let handle = runtime.handle().clone();
    (runtime, spawn_fn(move |task| drop(handle.spawn(task))))
}

/// Scenarios 34 and 35, with tokio's own clock.
#[test]
fn timed_out_by_tokio() {
    let (runtime, spawner) = tokio();
    runtime.block_on(timely(async {
        let (open, opened) = oneshot::channel::<()>();
        let mut shield = async { opened.await.map(|()| "the original") }.shield(&spawner);
        for _ in 0..3 {
            assert!(timeout(Duration::from_millis(1), &mut shield).await.is_err());
        }
        open.send(()).unwrap();
        assert_eq!(timeout(DEADLINE, shield).await, Ok(Ok("the original")));

        let (open, opened) = oneshot::channel::<()>();
        let (tell, told) = oneshot::channel();
        let shield = async { tell.send(opened.await.is_ok()).unwrap() }.shield(&spawner);
        assert!(timeout(Duration::from_millis(1), shield).await.is_err());
        open.send(()).unwrap();
        assert_eq!(told.await, Ok(true));
    }));
}

/// Scenario 36: an outcome that a combinator has taken was delivered, and is dropped with the
/// combinator.
#[test]
fn dropped_join_with_one_delivery() {
    let crank = Crank::new();
    let (hook, mut call) = hook();
    let (late_hook, mut late_call) = crate::support::hook();
    let (open, opened) = oneshot::channel::<()>();
    let mut both = join(
        ready(1).shield(crank.spawner()).on_orphan(hook),
        async { opened.await.is_ok() }
            .shield(crank.spawner())
            .on_orphan(late_hook),
    );
    crank.run();
    assert!(poll(&mut both).is_pending());
    drop(both);
    open.send(()).unwrap();
    crank.run();
    assert!(call.is_dropped_uncalled());
    assert!(late_call.outcome().unwrap());
}

/// Scenario 37.
#[test]
fn sibling_fails_in_try_join() {
    let crank = Crank::new();
    let (open, opened) = oneshot::channel::<()>();
    let (tell, told) = oneshot::channel();
    let going_on = async {
        opened.await.unwrap();
        tell.send("recorded").unwrap();
        Ok::<_, &str>(())
    }
    .shield(crank.spawner());
    let failing = ready(Err::<(), _>("declined")).shield(crank.spawner());
    let mut both = try_join(going_on, failing);
    crank.run();
    assert_eq!(poll(&mut both), Poll::Ready(Err("declined")));
    drop(both);
    open.send(()).unwrap();
    crank.run();
    assert_eq!(told.now_or_never(), Some(Ok("recorded")));
}

/// Scenario 38.
#[test]
fn nested_endings_pass_through() {
    let crank = Crank::new();
    let spawner = crank.spawner();
    let value = ready(7).shield(&spawner).shield(&spawner).shield(&spawner);
    let panic: Shield<()> = async { panic!("the innermost") }.shield(&spawner).shield(&spawner);
    let fallible = pending::<()>().shield(&spawner).fallible().shield(&spawner);
    crank.run();
    assert_eq!(value.now_or_never(), Some(7));
    assert_eq!(panics_with(|| panic.now_or_never()), "the innermost");
    crank.shut_down();
    let error = fallible.fallible().now_or_never().unwrap().unwrap_err();
    assert!(error.is_cancelled());
}

/// Scenario 44 (Oxide's RFD 609): the caller loses a `select!` on `&mut work`, keeps it, and waits
/// for the lock that the work queues for. Without a shield, the work is first in the queue and is
/// never polled again; with one, it takes its turn.
#[test]
fn no_futurelock() {
    async fn work(lock: Arc<Mutex<u32>>) {
        *lock.lock().await += 1;
    }

    // The same without a shield stands still.
    let lock = Arc::new(Mutex::new(0));
    let held = lock.clone().try_lock_owned().unwrap();
    let mut unshielded = Box::pin(work(Arc::clone(&lock)));
    assert!(poll(&mut unshielded).is_pending());
    let (wakes, waker) = Wakes::new();
    let mut waiting = Box::pin(lock.lock());
    assert!(poll_with(&mut waiting, &waker).is_pending());
    drop(held);
    assert_eq!(wakes.count(), 0, "the lock has gone to a future that nobody polls");
    assert!(poll_with(&mut waiting, &waker).is_pending());
    drop((waiting, unshielded));

    let crank = Crank::new();
    let lock = Arc::new(Mutex::new(0));
    let held = lock.clone().try_lock_owned().unwrap();
    let mut shield = work(Arc::clone(&lock)).shield(crank.spawner());
    let caller = async {
        tokio::select! {
            biased;
            () = &mut shield => panic!("the lock is held"),
            () = tokio::task::yield_now() => {}
        }
        drop(held);
        // The shield is kept and not polled.
        let count = *lock.lock().await;
        (count, shield)
    };
    let (count, shield) = crank
        .drive(caller)
        .now_or_never()
        .unwrap_or_else(|| panic!("futurelock"));
    assert_eq!(count, 1, "it was first in the queue");
    assert!(shield.is_finished());
}

/// An output that is a guard stays held until its shield is polled or dropped.
#[test]
fn output_that_is_a_guard() {
    let crank = Crank::new();
    let lock = Arc::new(Mutex::new(7));
    let take = || Arc::clone(&lock).lock_owned().shield(crank.spawner());

    let shield = take();
    crank.run();
    assert!(shield.is_finished());
    assert!(lock.try_lock().is_err());
    drop(shield);
    assert!(lock.try_lock().is_ok());

    let mut shield = take();
    crank.run();
    let Poll::Ready(guard) = poll(&mut shield) else {
        panic!("it has ended");
    };
    assert!(lock.try_lock().is_err());
    drop(guard);
    assert!(lock.try_lock().is_ok());
}

/// Abort from outside: `abortable`, inside the shield.
#[test]
fn aborted_from_outside() {
    let crank = Crank::new();
    let drops = Drops::new();
    let (work, abort) = abortable(HoldsUntilDrop::new(drops.one(), pending::<()>()));
    let shield = work.shield(crank.spawner());
    crank.run();
    assert_eq!(drops.count(), 0);
    abort.abort();
    crank.run();
    assert_eq!(drops.count(), 1);
    assert_eq!(shield.now_or_never(), Some(Err(Aborted)));
}

/// A deadline on the work itself: `timeout`, inside the shield.
#[test]
fn deadline_on_the_work() {
    let (runtime, spawner) = tokio();
    let (tell, told) = oneshot::channel();
    let drops = Drops::new();
    let endless = HoldsUntilDrop::new(drops.one(), pending::<()>());
    runtime.block_on(timely(async {
        timeout(Duration::from_millis(1), endless)
            .shield(&spawner)
            .on_orphan(|outcome| tell.send(outcome.unwrap().is_err()).unwrap())
            .detach();
        assert_eq!(told.await, Ok(true));
    }));
    assert_eq!(drops.count(), 1);
}

/// A limit on orphans: the permit is taken inside the shielded future.
#[test]
fn a_limit_on_orphans() {
    let crank = Crank::new();
    let permits = Arc::new(Semaphore::new(2));
    let mut gates = Vec::new();
    for _ in 0..5 {
        let (open, opened) = oneshot::channel::<()>();
        gates.push(open);
        let permits = Arc::clone(&permits);
        async move {
            let _permit = permits.acquire().await.unwrap();
            opened.await.unwrap();
        }
        .shield(crank.spawner())
        .detach();
    }
    crank.run();
    assert_eq!(permits.available_permits(), 0);
    for open in gates {
        assert!(crank.len() > 0);
        open.send(()).unwrap();
        crank.run();
    }
    assert_eq!((permits.available_permits(), crank.len()), (2, 0));
}
