//! Runtimes that do not exist or shut down.

use std::sync::mpsc;

use futures_shield::{BoxTask, Shield, ShieldExt, Spawn, cleanup, shield_with, spawn_fn};
use futures_util::FutureExt;
use futures_util::future::{pending, ready};

use crate::support::*;

/// Scenario 54: an executor that keeps a task and never runs it keeps its shield waiting; dropping
/// the task ends the wait.
#[test]
fn kept_task_is_released() {
    let (tasks, kept) = mpsc::channel();
    let spawner = futures_shield::spawn_fn(move |task| tasks.send(task).unwrap());
    let drops = Drops::new();
    let mut shield = HoldsUntilDrop::new(drops.one(), ready(7)).shield(&spawner).fallible();
    assert!(poll(&mut shield).is_pending());
    assert!(!shield.is_finished());
    let task = kept.recv().unwrap();
    assert!(!shield.is_finished());
    drop(task);
    assert_eq!(drops.count(), 1);
    let error = shield.now_or_never().unwrap().unwrap_err();
    assert!(error.is_cancelled() && !error.was_started());
}

/// Scenario 79: a spawner that wraps the work, polls its wrapper and drops the work unpolled. What
/// never started may be retried.
#[test]
fn wrapper_drops_the_work_unpolled() {
    let crank = Crank::new();
    let inner = crank.spawner();
    let wrapper = spawn_fn(move |task: BoxTask| {
        inner.spawn_detached(async move {
            std::future::ready(()).await;
            drop(task);
        });
    });
    let eager = ready(7).shield(&wrapper).fallible();
    let with_caller = shield_with(&wrapper, |_| ready(7)).fallible();
    let (cleanup_hook, mut cleanup_call) = hook();
    drop(cleanup(&wrapper, 7, ready).on_orphan(cleanup_hook));
    let (inline_hook, mut inline_call) = hook();
    let mut inline = pending::<u32>().shield_on_drop(&wrapper).on_orphan(inline_hook);
    assert!(poll(&mut inline).is_pending());
    drop(inline);
    assert_eq!(crank.run(), 4);
    for (error, started) in [
        (eager.now_or_never().unwrap().unwrap_err(), false),
        (with_caller.now_or_never().unwrap().unwrap_err(), false),
        (cleanup_call.outcome().unwrap_err(), false),
        // It was polled inside its caller.
        (inline_call.outcome().unwrap_err(), true),
    ] {
        assert!(error.is_cancelled());
        assert_eq!(error.was_started(), started, "{error}");
    }
}

/// Scenario 55: each of many hooks is called once, and shields again on the executor that shuts
/// down.
#[test]
fn hooks_shield_again_at_shutdown() {
    let crank = Crank::new();
    let (tell, told) = mpsc::channel();
    for number in 0..10 {
        let tell = tell.clone();
        let spawner = crank.spawner();
        let shield: Shield<()> = pending().shield(&spawner);
        let shield = shield.on_orphan(move |outcome| {
            assert!(outcome.unwrap_err().is_cancelled());
            let again = ready(()).shield(&spawner).fallible();
            let error = again.now_or_never().unwrap().unwrap_err();
            tell.send((number, error.was_started())).unwrap();
        });
        drop(shield);
    }
    drop(tell);
    crank.run();
    crank.shut_down();
    let mut hooked: Vec<_> = told.try_iter().collect();
    hooked.sort_unstable();
    assert_eq!(hooked, (0..10).map(|number| (number, false)).collect::<Vec<_>>());
}

/// Scenario 53: an executor that returns an error has dropped the work.
#[cfg(feature = "futures")]
#[test]
fn adapter_of_an_executor_that_refuses() {
    struct Refuses;

    impl futures_util::task::Spawn for Refuses {
        fn spawn_obj(
            &self,
            _: futures_util::task::FutureObj<'static, ()>,
        ) -> Result<(), futures_util::task::SpawnError> {
            Err(futures_util::task::SpawnError::shutdown())
        }
    }

    let drops = Drops::new();
    let work = HoldsUntilDrop::new(drops.one(), ready(7));
    let shield = work.shield(futures_shield::FuturesSpawner::new(Refuses)).fallible();
    assert_eq!(drops.count(), 1);
    let error = shield.now_or_never().unwrap().unwrap_err();
    assert!(error.is_cancelled() && !error.was_started());
}

#[cfg(feature = "tokio")]
mod tokio_runtime {
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};

    use futures_shield::{Tokio, TokioLocal};
    use tokio::runtime::{Builder, Handle, Runtime};
    use tokio::sync::oneshot;

    use super::*;
    use crate::support::{panics_with, timely};

    fn current_thread() -> Runtime {
        Builder::new_current_thread().enable_all().build().unwrap()
    }

    /// Scenario 52.
    #[test]
    fn no_runtime() {
        let text = panics_with(Tokio::current);
        assert!(
            text.contains("`Tokio::current()` was called outside of a Tokio runtime"),
            "{text}"
        );
        assert!(text.contains("Tokio::from(handle)"), "it says what to do: {text}");
        assert!(Tokio::try_current().is_err());

        let runtime = current_thread();
        let _context = runtime.enter();
        assert!(Tokio::try_current().is_ok());
        let _: Tokio = Tokio::current();
    }

    /// Scenario 52: the panic names the user's line.
    #[test]
    fn no_runtime_names_the_line() {
        static PLACE: std::sync::Mutex<Option<(String, u32)>> = std::sync::Mutex::new(None);
        let _alone = locked(&PANIC_HOOK);
        let before = std::panic::take_hook();
        std::panic::set_hook(Box::new(move |info| {
            let is_ours = info
                .payload_as_str()
                .is_some_and(|text| text.contains("`Tokio::current()`"));
            let place = info.location().map(|place| (place.file().to_owned(), place.line()));
            // The other test of this text runs at the same time, perhaps.
            if is_ours
                && place
                    .as_ref()
                    .is_some_and(|(file, line)| file == file!() && *line == LINE)
            {
                *locked(&PLACE) = place;
            }
            before(info);
        }));
        const LINE: u32 = line!() + 1;
        let _ = panics_with(|| Tokio::current());
        assert_eq!(*locked(&PLACE), Some((file!().to_owned(), LINE)));
    }

    /// Scenario 52, for the spawner that cannot be called from anywhere.
    #[test]
    fn tokio_local_without_local_set() {
        let drops = Drops::new();
        let work = HoldsUntilDrop::new(drops.one(), ready(()));
        let _ = panics_with(|| work.shield_local(TokioLocal));
        assert_eq!(drops.count(), 1);
    }

    /// The runtime is looked up once, at `Tokio::current()`, and not when the spawner is used.
    #[test]
    fn tokio_is_looked_up_once() {
        let (one, other) = (current_thread(), current_thread());
        let spawner = one.block_on(async { Tokio::current() });
        let (shield, ()) = other.block_on(async {
            let shield = async { Handle::current().id() }.shield(spawner);
            (shield, tokio::task::yield_now().await)
        });
        assert!(!shield.is_finished());
        assert_eq!(one.block_on(timely(shield)), one.handle().id());
    }

    /// Orphans on a current-thread runtime stop when `block_on` returns, and continue in the next
    /// one.
    #[test]
    fn orphan_waits_for_block_on() {
        let runtime = current_thread();
        let steps = Arc::new(AtomicUsize::new(0));
        let counts = Arc::clone(&steps);
        let (open, opened) = oneshot::channel::<()>();
        let (tell, told) = oneshot::channel();
        runtime.block_on(async {
            async move {
                counts.fetch_add(1, Ordering::SeqCst);
                opened.await.unwrap();
                counts.fetch_add(1, Ordering::SeqCst);
                tell.send(()).unwrap();
            }
            .shield(Tokio::current())
            .detach();
            tokio::task::yield_now().await;
        });
        assert_eq!(steps.load(Ordering::SeqCst), 1);
        open.send(()).unwrap();
        assert_eq!(steps.load(Ordering::SeqCst), 1, "nobody runs it");
        runtime.block_on(timely(told)).unwrap();
        assert_eq!(steps.load(Ordering::SeqCst), 2);
    }

    /// Scenario 54: every way to shut a Tokio runtime down.
    #[test]
    fn every_kind_of_shutdown() {
        let shut_down: [fn(Runtime); 3] = [
            drop,
            |runtime| runtime.shutdown_timeout(crate::support::DEADLINE),
            Runtime::shutdown_background,
        ];
        for shut_down in shut_down {
            let runtime = Builder::new_multi_thread().worker_threads(2).build().unwrap();
            let (start, started) = oneshot::channel();
            let shield = async {
                start.send(()).unwrap();
                pending::<()>().await;
            }
            .shield(runtime.handle());
            block_on(started).unwrap();
            shut_down(runtime);
            let error = block_on(shield.fallible()).unwrap_err();
            assert!(error.is_cancelled() && !error.is_panic() && error.was_started());
        }
    }

    /// Scenario 54: the caller waits in another runtime.
    #[test]
    fn awaited_in_another_runtime() {
        let (worker, waiter) = (
            Builder::new_multi_thread().worker_threads(1).build().unwrap(),
            Builder::new_multi_thread().worker_threads(1).build().unwrap(),
        );
        let shield = pending::<()>().shield(worker.handle()).fallible();
        let (waits, waiting) = mpsc::channel();
        let mut shield = shield;
        let awaited = waiter.spawn(futures_util::future::poll_fn(move |cx| {
            let polled = shield.poll_unpin(cx);
            waits.send(()).unwrap();
            polled
        }));
        waiting.recv_timeout(crate::support::DEADLINE).unwrap();
        drop(worker);
        let error = waiter.block_on(timely(awaited)).unwrap().unwrap_err();
        assert!(error.is_cancelled());
    }

    /// Scenario 54: work that holds its own spawner does not keep the runtime.
    #[test]
    fn work_that_holds_its_spawner() {
        let runtime = Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let spawner = Tokio::from(runtime.handle().clone());
        let held = spawner.clone();
        let shield = async move {
            pending::<()>().await;
            drop(held);
        }
        .shield(&spawner)
        .fallible();
        drop(runtime);
        assert!(block_on(shield).unwrap_err().is_cancelled());
        let late = ready(()).shield(spawner).fallible();
        assert!(!block_on(late).unwrap_err().was_started());
    }
}

#[cfg(any(feature = "tokio", feature = "smol", feature = "async-std"))]
mod current {
    use futures_shield::current_runtime;

    use super::*;

    /// A Tokio context wins if the thread is in one.
    #[cfg(feature = "tokio")]
    #[test]
    fn inside_a_tokio_context() {
        let runtime = tokio::runtime::Runtime::new().unwrap();
        let spawner = runtime.block_on(async { current_runtime() });
        let shield = async { tokio::runtime::Handle::current().id() }.shield(spawner.clone());
        assert_eq!(block_on(shield), runtime.handle().id());
        assert!(format!("{spawner:?}").contains("Tokio"), "{spawner:?}");
    }

    /// Without a context it is smol, or else async-std.
    #[cfg(any(feature = "smol", feature = "async-std"))]
    #[test]
    fn without_a_tokio_context() {
        let spawner = current_runtime();
        let in_tokio = async { tokio::runtime::Handle::try_current().is_ok() }.shield(spawner.clone());
        assert!(!block_on(in_tokio));
        let name = if cfg!(feature = "smol") { "Smol" } else { "AsyncStd" };
        assert!(format!("{spawner:?}").contains(name), "{spawner:?}");
    }

    /// Scenario 52: with `tokio` alone and no context it panics with a message.
    #[cfg(all(feature = "tokio", not(any(feature = "smol", feature = "async-std"))))]
    #[test]
    fn tokio_alone_without_context() {
        let text = panics_with(current_runtime);
        assert!(
            text.contains("`current_runtime()` was called outside of a Tokio runtime"),
            "{text}"
        );
    }
}

/// Scenario 53, for `schedule_fn`: a runnable that is dropped instead of run cancels the work, at
/// each point of its life.
#[cfg(feature = "async-task")]
mod schedule {
    use std::sync::{Arc, Mutex};
    use std::task::Poll;

    use futures_shield::{Runnable, schedule_fn};
    use futures_util::future::poll_fn;
    use tokio::sync::oneshot;

    use super::*;
    use crate::support::{Wakes, poll_with};

    #[test]
    fn dropped_runnable() {
        let (queue, runnables) = mpsc::channel::<Runnable>();
        let spawner = schedule_fn(move |runnable| drop(queue.send(runnable)));

        // Before the first run.
        let shield = pending::<()>().shield(&spawner).fallible();
        drop(runnables.recv().unwrap());
        let error = shield.now_or_never().unwrap().unwrap_err();
        assert!(error.is_cancelled() && !error.was_started());

        // After it, when it is woken.
        let (open, opened) = oneshot::channel::<()>();
        let mut shield = opened.shield(&spawner).fallible();
        runnables.recv().unwrap().run();
        let (wakes, waker) = Wakes::new();
        assert!(poll_with(&mut shield, &waker).is_pending());
        assert!(runnables.try_recv().is_err(), "it sleeps");
        open.send(()).unwrap();
        drop(runnables.recv().unwrap());
        assert_eq!(wakes.count(), 1);
        let error = shield.now_or_never().unwrap().unwrap_err();
        assert!(error.is_cancelled() && error.was_started());

        // When the last waker that could wake it is dropped.
        let waker = Arc::new(Mutex::new(None));
        let keep = Arc::clone(&waker);
        let work = poll_fn(move |cx| {
            *locked(&keep) = Some(cx.waker().clone());
            Poll::<()>::Pending
        });
        let shield = work.shield(&spawner).fallible();
        runnables.recv().unwrap().run();
        assert!(!shield.is_finished());
        *locked(&waker) = None;
        runnables.recv().unwrap().run();
        let error = shield.now_or_never().unwrap().unwrap_err();
        assert!(error.is_cancelled() && error.was_started());
    }

    /// The closure panics: at first in the call, and its panic passes through; later in a wake, where
    /// it is the panic of whoever wakes. The work is cancelled, and dropped once.
    #[test]
    fn closure_panics() {
        let drops = Drops::new();
        let broken = schedule_fn(|_| panic!("no threads left"));
        let work = HoldsUntilDrop::new(drops.one(), pending::<()>());
        assert_eq!(panics_with(|| work.shield(&broken)), "no threads left");
        assert_eq!(drops.count(), 1);

        let (queue, runnables) = mpsc::channel::<Runnable>();
        let queue = Mutex::new(Some(queue));
        let spawner = schedule_fn(move |runnable| {
            let first = locked(&queue).take().expect("scheduled once");
            first.send(runnable).unwrap();
        });
        let (open, opened) = oneshot::channel::<()>();
        let shield = HoldsUntilDrop::new(drops.one(), opened).shield(&spawner).fallible();
        runnables.recv().unwrap().run();
        assert!(!shield.is_finished());
        assert_eq!(panics_with(|| open.send(())), "scheduled once");
        assert_eq!(drops.count(), 2);
        let error = shield.now_or_never().unwrap().unwrap_err();
        assert!(error.is_cancelled() && error.was_started());
    }

    /// A closure that runs the work before it returns, which it must not: work that wakes nobody in
    /// its polls does not notice.
    #[test]
    fn closure_runs_immediately() {
        let spawner = schedule_fn(Runnable::run);
        let shield = ready(7).shield(&spawner);
        assert!(shield.is_finished());
        assert_eq!(shield.now_or_never(), Some(7));

        let (open, opened) = oneshot::channel::<()>();
        let shield = opened.shield(&spawner);
        assert!(!shield.is_finished());
        open.send(()).unwrap();
        assert_eq!(shield.now_or_never(), Some(Ok(())));
    }
}
