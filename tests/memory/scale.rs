//! Very many: memory goes back to its baseline, and what comes and goes leaves nothing behind.

use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::time::{Duration, Instant};

use futures_shield::{BoxTask, Shield, ShieldExt, Spawn, spawn_fn};
use futures_util::FutureExt;
use futures_util::future::ready;
use tokio::sync::{Semaphore, oneshot};

use crate::support::{Crank, CrankSpawner, Drops, Wakes, block_on, locked, poll, poll_with};
use crate::{SLACK, allocations, keeps_nothing, memory};

/// Scenario 59; and the allocator sees all of it.
pub(crate) fn hundred_thousand_shields() {
    let run = |count: usize| -> (Duration, isize) {
        let crank = Crank::new();
        let gate = Arc::new(Semaphore::new(0));
        let start = Instant::now();
        let drops = Drops::new();
        let (wakes, waker) = Wakes::new();
        let mut shields: Vec<Shield<()>> = (0..count)
            .map(|_| {
                let gate = Arc::clone(&gate);
                let told = drops.one();
                async move {
                    drop(gate.acquire().await);
                    drop(told);
                }
                .shield(crank.spawner())
            })
            .collect();
        assert_eq!(crank.run(), count);
        for shield in &mut shields {
            assert!(poll_with(shield, &waker).is_pending());
        }
        let alive = memory();
        drop(shields);
        assert_eq!((wakes.count(), Arc::strong_count(&wakes)), (0, 2));
        assert_eq!((drops.count(), crank.len()), (0, count), "they go on");
        gate.close();
        crank.run();
        assert_eq!((drops.count(), crank.len()), (count, 0));
        (start.elapsed(), alive)
    };

    run(1_000);
    let baseline = memory();
    let (few, _) = run(10_000);
    let (many, alive) = run(100_000);
    assert!(alive - baseline > 100_000 * 100, "{alive} bytes when all were alive");
    let left = memory() - baseline;
    assert!(left < SLACK, "{left} bytes are left");
    // Ten times as many take ten times as long, or a few times that on a busy machine. If it were
    // quadratic, a hundred times.
    assert!(many < few * 40 + Duration::from_secs(1), "{few:?}, then {many:?}");
}

/// Scenario 59, with executors' own threads.
pub(crate) fn hundred_thousand_on_tokio() {
    let run = |count: usize| {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .unwrap();
        let handle = runtime.handle().clone();
        let spawner = spawn_fn(move |task| drop(handle.spawn(task)));
        let gate = Arc::new(Semaphore::new(0));
        let done = Arc::new(Semaphore::new(0));
        let shields: Vec<Shield<()>> = (0..count)
            .map(|_| {
                let (gate, done) = (Arc::clone(&gate), Arc::clone(&done));
                async move {
                    drop(gate.acquire().await);
                    done.add_permits(1);
                }
                .shield(&spawner)
            })
            .collect();
        drop(shields);
        assert_eq!(done.available_permits(), 0);
        gate.close();
        drop(block_on(done.acquire_many(u32::try_from(count).unwrap())).unwrap());
    };
    run(1_000);
    keeps_nothing(|| run(100_000));
}

/// Scenario 60: one long work, and a million callers that poll once, each with its own waker.
pub(crate) fn million_wakers() {
    let crank = Crank::new();
    let (open, opened) = oneshot::channel::<()>();
    let mut shield = async { opened.await.is_ok() }.shield(crank.spawner());
    crank.run();
    keeps_nothing(|| {
        for _ in 0..1_000_000 {
            let (_, waker) = Wakes::new();
            assert!(poll_with(&mut shield, &waker).is_pending());
        }
    });
    open.send(()).unwrap();
    crank.run();
    assert_eq!(poll(&mut shield), Poll::Ready(true));
}

/// Scenario 60: the same through `.shared()`, with a handle for each caller.
pub(crate) fn million_shared_handles() {
    let crank = Crank::new();
    let (open, opened) = oneshot::channel::<()>();
    let shared = async { opened.await.is_ok() }.shield(crank.spawner()).shared();
    crank.run();
    keeps_nothing(|| {
        for _ in 0..1_000_000 {
            let (_, waker) = Wakes::new();
            let mut handle = shared.clone();
            assert!(poll_with(&mut handle, &waker).is_pending());
        }
    });
    open.send(()).unwrap();
    crank.run();
    assert_eq!(shared.now_or_never(), Some(true));
}

/// Scenario 60, the reverse: a million short works, one after another, on one executor.
pub(crate) fn million_short_works() {
    let crank = Crank::new();
    let once = |number: usize| {
        let mut shield = ready(number).shield(crank.spawner());
        if number % 2 == 0 {
            crank.run();
            assert_eq!(poll(&mut shield), Poll::Ready(number));
        } else {
            drop(shield);
            crank.run();
        }
    };
    (0..1_000).for_each(once);
    keeps_nothing(|| (0..1_000_000).for_each(once));
}

/// Scenario 42: each is a task, so neither the end, nor the drop, nor the shutdown of one runs on
/// another's stack.
pub(crate) fn ten_thousand_nested() {
    const DEPTH: usize = 10_000;

    fn nest(spawner: &CrankSpawner, innermost: Shield<usize>) -> Shield<usize> {
        let mut shield = innermost;
        for _ in 0..DEPTH {
            shield = async { shield.await + 1 }.shield(spawner);
        }
        shield
    }

    // A value passes through all of them.
    let crank = Crank::new();
    let spawner = crank.spawner();
    let (open, opened) = oneshot::channel::<()>();
    let mut outermost = nest(&spawner, async { opened.await.map_or(1, |()| 0) }.shield(&spawner));
    crank.run();
    assert!(poll(&mut outermost).is_pending());
    open.send(()).unwrap();
    crank.run();
    assert_eq!(poll(&mut outermost), Poll::Ready(DEPTH));
    assert_eq!(crank.len(), 0);

    // The outermost is dropped partway: all of them continue.
    let (open, opened) = oneshot::channel::<()>();
    let (tell, told) = oneshot::channel();
    let outermost = nest(&spawner, async { opened.await.map_or(1, |()| 0) }.shield(&spawner));
    crank.run();
    drop(outermost.on_orphan(|outcome| tell.send(outcome.unwrap()).unwrap()));
    assert_eq!(crank.len(), DEPTH + 1);
    open.send(()).unwrap();
    crank.run();
    assert_eq!(told.now_or_never(), Some(Ok(DEPTH)));

    // The executor shuts down and drops all of them.
    let (_open, opened) = oneshot::channel::<()>();
    let outermost = nest(&spawner, async { opened.await.map_or(1, |()| 0) }.shield(&spawner));
    crank.run();
    crank.shut_down();
    let error = outermost.fallible().now_or_never().unwrap().unwrap_err();
    assert!(error.is_cancelled());

    // A panic passes through all of them unchanged.
    let crank = Crank::new();
    let spawner = crank.spawner();
    let outermost = nest(&spawner, async { std::panic::panic_any(7) }.shield(&spawner));
    let silent = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    crank.run();
    std::panic::set_hook(silent);
    let error = outermost.fallible().now_or_never().unwrap().unwrap_err();
    assert_eq!(error.into_panic().downcast_ref(), Some(&7));
}

/// Scenario 42, on a runtime with threads.
pub(crate) fn ten_thousand_nested_on_tokio() {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .build()
        .unwrap();
    let handle = runtime.handle().clone();
    let spawner = spawn_fn(move |task| drop(handle.spawn(task)));
    let (open, opened) = oneshot::channel::<()>();
    let mut shield = async { opened.await.map_or(1, |()| 0) }.shield(&spawner);
    for _ in 0..10_000 {
        shield = async { shield.await + 1 }.shield(&spawner);
    }
    open.send(()).unwrap();
    assert_eq!(block_on(shield), 10_000);
}

/// Two allocations, one of them the runtime's; and none more for a poll, an end, a hook that
/// captures nothing, or a drop.
pub(crate) fn allocations_of_a_shield() {
    let slot: Arc<Mutex<Option<BoxTask>>> = Arc::default();
    let keep = Arc::clone(&slot);
    // It boxes the task and allocates nothing else.
    let spawner = spawn_fn(move |task| *locked(&keep) = Some(task));
    let (_, waker) = Wakes::new();

    assert_eq!(
        allocations(|| (spawner.spawn_detached(ready(())), locked(&slot).take())),
        1
    );
    assert_eq!(allocations(|| (ready(7).shield(&spawner), locked(&slot).take())), 2);
    let through_its_life = || {
        let mut shield = ready(7).shield(&spawner).on_orphan(|_| {});
        assert!(poll_with(&mut shield, &waker).is_pending());
        let mut task = locked(&slot).take().unwrap();
        assert!(poll(&mut task).is_ready());
        assert_eq!(poll_with(&mut shield, &waker), Poll::Ready(7));
    };
    assert_eq!(allocations(through_its_life), 2);
    let as_an_orphan = || {
        drop(ready(7).shield(&spawner).on_orphan(|_| {}));
        let mut task = locked(&slot).take().unwrap();
        assert!(poll(&mut task).is_ready());
    };
    // With the feature `tracing`, the time at which the caller was gone.
    assert_eq!(allocations(as_an_orphan), 2 + usize::from(cfg!(feature = "tracing")));
}
