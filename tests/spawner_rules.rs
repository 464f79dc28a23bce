//! Scenario 78: every spawner of this crate keeps the rules of `Spawn` and `SpawnLocal`.
//!
//! The checks stand in `tests/spawner-checks`, with a spawner for each rule that breaks it. That
//! crate is not published, so this is a test of its own, which is not packaged.
#![cfg(not(shield_loom))]

use std::rc::Rc;
use std::sync::Arc;

use futures_executor::{LocalPool, ThreadPool};
use futures_shield::{DynSpawner, Spawn, SpawnLocal, Tracker, spawn_fn, spawn_local_fn};
use futures_shield_spawner_checks::{
    BoxCaller, Rule, Subject, spawn_local_rules, spawn_rules, wrapper_local_rules, wrapper_rules,
};
use futures_util::task::LocalSpawnExt;

/// The rules that do not apply to an executor that is never shut down.
const SHUTDOWN: [Rule; 4] = [
    Rule::RefusesWithoutPanic,
    Rule::DropsWhatItRefuses,
    Rule::DuringShutdown,
    Rule::ShutdownDropsFutures,
];

/// Runs a caller on an executor that has threads of its own.
fn elsewhere(caller: BoxCaller<'_>) {
    futures_executor::block_on(caller);
}

#[test]
fn spawn_fn_over_a_thread_pool() {
    spawn_rules(|| {
        let pool = ThreadPool::builder().pool_size(2).create().unwrap();
        // Each of its futures keeps the pool.
        Subject::new(spawn_fn(move |task| pool.spawn_ok(task)), elsewhere).never_shut_down()
    })
    .assert_kept_but(&SHUTDOWN);
}

#[test]
fn spawn_local_fn_over_a_local_pool() {
    spawn_local_rules(|| {
        let mut pool = LocalPool::new();
        let here = pool.spawner();
        Subject::new(
            spawn_local_fn(move |task| here.spawn_local(task).unwrap_or_default()),
            move |caller| pool.run_until(caller),
        )
    })
    .assert_kept_but(&[]);
}

#[test]
fn spawners_that_wrap_another_one() {
    wrapper_rules(|inner| inner).assert_kept();
    wrapper_rules(|inner| &*Box::leak(Box::new(inner))).assert_kept();
    wrapper_rules(Box::new).assert_kept();
    wrapper_rules(Rc::new).assert_kept();
    wrapper_rules(Arc::new).assert_kept();
    wrapper_rules(DynSpawner::new).assert_kept();
    wrapper_rules(Tracker::new).assert_kept();
}

#[test]
fn spawners_of_local_futures_that_wrap_another_one() {
    wrapper_local_rules(|inner| inner).assert_kept();
    wrapper_local_rules(|inner| &*Box::leak(Box::new(inner))).assert_kept();
    wrapper_local_rules(Box::new).assert_kept();
    wrapper_local_rules(Rc::new).assert_kept();
    wrapper_local_rules(Arc::new).assert_kept();
    wrapper_local_rules(Tracker::new).assert_kept();
}

/// As the docs of `Spawn` say: write `Tracker::new(spawn_fn(..))`.
#[test]
fn a_closure_cannot_forward_track_inline() {
    let exception = [Rule::ForwardsTrackInline];
    wrapper_rules(|inner| spawn_fn(move |task| inner.spawn_detached(task))).assert_broken(&exception);
    wrapper_local_rules(|inner| spawn_local_fn(move |task| inner.spawn_local_detached(task))).assert_broken(&exception);
}

#[cfg(feature = "futures")]
mod futures {
    use futures_shield::FuturesSpawner;

    use super::*;

    #[test]
    fn futures_spawner_of_a_thread_pool() {
        spawn_rules(|| {
            let pool = ThreadPool::builder().pool_size(2).create().unwrap();
            Subject::new(FuturesSpawner::new(pool), elsewhere).never_shut_down()
        })
        .assert_kept_but(&SHUTDOWN);
    }

    #[test]
    fn futures_spawner_of_a_local_pool() {
        spawn_local_rules(|| {
            let mut pool = LocalPool::new();
            Subject::new(FuturesSpawner::new(pool.spawner()), move |caller| {
                pool.run_until(caller);
            })
        })
        .assert_kept_but(&[]);
    }
}

#[cfg(feature = "async-task")]
mod async_task {
    use std::sync::mpsc;
    use std::thread;

    use futures_shield::{Runnable, schedule_fn};

    use super::*;

    #[test]
    fn schedule_fn_over_a_queue_and_a_thread() {
        spawn_rules(|| {
            let (queue, orders) = mpsc::channel::<Option<Runnable>>();
            let thread = thread::spawn(move || {
                while let Ok(Some(runnable)) = orders.recv() {
                    runnable.run();
                }
            });
            let stop = Stop(queue.clone(), Some(thread));
            let spawner = schedule_fn(move |runnable| drop(queue.send(Some(runnable))));
            Subject::new(spawner, move |caller| {
                let _stop = &stop;
                elsewhere(caller);
            })
            .drops_when_woken()
        })
        .assert_kept_but(&[]);
    }

    /// Ends the thread, and waits for that.
    struct Stop(mpsc::Sender<Option<Runnable>>, Option<thread::JoinHandle<()>>);

    impl Drop for Stop {
        fn drop(&mut self) {
            drop(self.0.send(None));
            if let Some(thread) = self.1.take() {
                thread.join().unwrap();
            }
        }
    }
}

#[cfg(feature = "tokio")]
mod tokio {
    use ::tokio::runtime::{Builder, Runtime};
    use ::tokio::task::LocalSet;
    use futures_shield::{Tokio, TokioLocal};

    use super::*;

    fn multi_thread() -> Runtime {
        Builder::new_multi_thread().worker_threads(2).build().unwrap()
    }

    fn current_thread() -> Runtime {
        Builder::new_current_thread().build().unwrap()
    }

    #[test]
    fn tokio_multi_thread() {
        spawn_rules(|| {
            let runtime = multi_thread();
            Subject::new(Tokio::from(runtime.handle().clone()), move |caller| {
                runtime.block_on(caller);
            })
        })
        .assert_kept_but(&[]);
    }

    #[test]
    fn tokio_current_thread() {
        spawn_rules(|| {
            let runtime = current_thread();
            Subject::new(runtime.block_on(async { Tokio::current() }), move |caller| {
                runtime.block_on(caller);
            })
        })
        .assert_kept_but(&[]);
    }

    #[test]
    fn handle_outside_of_its_runtime() {
        spawn_rules(|| {
            let runtime = multi_thread();
            Subject::new(runtime.handle().clone(), move |caller| {
                let _runtime = &runtime;
                elsewhere(caller);
            })
        })
        .assert_kept_but(&[]);
    }

    #[test]
    fn dyn_spawner_of_tokio() {
        spawn_rules(|| {
            let runtime = multi_thread();
            let spawner = DynSpawner::new(runtime.handle().clone());
            Subject::new(spawner, move |caller| runtime.block_on(caller))
        })
        .assert_kept_but(&[]);
    }

    #[test]
    fn tracker_of_tokio() {
        spawn_rules(|| {
            let runtime = multi_thread();
            let spawner = Tracker::new(runtime.handle().clone());
            Subject::new(spawner, move |caller| runtime.block_on(caller))
        })
        .assert_kept_but(&[]);
    }

    #[test]
    fn local_set() {
        spawn_local_rules(|| {
            let (runtime, local) = (current_thread(), Rc::new(LocalSet::new()));
            Subject::new(Rc::clone(&local), move |caller| local.block_on(&runtime, caller)).kept_by_its_spawner()
        })
        .assert_kept_but(&KEPT_BY_ITS_SPAWNER);
    }

    #[test]
    fn tracker_of_a_local_set() {
        spawn_local_rules(|| {
            let (runtime, local) = (current_thread(), Rc::new(LocalSet::new()));
            Subject::new(Tracker::new(Rc::clone(&local)), move |caller| {
                local.block_on(&runtime, caller);
            })
            .kept_by_its_spawner()
        })
        .assert_kept_but(&KEPT_BY_ITS_SPAWNER);
    }

    /// It looks up the set at each call, and says so.
    #[test]
    fn tokio_local_has_its_documented_exceptions() {
        let report = spawn_local_rules(|| {
            let (runtime, local) = (current_thread(), LocalSet::new());
            Subject::new(TokioLocal, move |caller| local.block_on(&runtime, caller))
        });
        report.assert_broken(&[Rule::OutsideTheRuntime, Rule::RefusesWithoutPanic]);
        assert_eq!(report.not_applicable(), []);
    }
}

/// The rules that do not apply to an executor that is its own spawner.
#[cfg(any(feature = "tokio", feature = "async-executor"))]
const KEPT_BY_ITS_SPAWNER: [Rule; 3] = [
    Rule::RefusesWithoutPanic,
    Rule::DropsWhatItRefuses,
    Rule::DuringShutdown,
];

#[cfg(feature = "async-executor")]
mod async_executor {
    use ::async_executor::{Executor, LocalExecutor};
    use futures_executor::block_on;

    use super::*;

    #[test]
    fn executor() {
        spawn_rules(|| {
            let executor = Arc::new(Executor::new());
            Subject::new(Arc::clone(&executor), move |caller| block_on(executor.run(caller))).kept_by_its_spawner()
        })
        .assert_kept_but(&KEPT_BY_ITS_SPAWNER);
    }

    #[test]
    fn local_executor() {
        spawn_local_rules(|| {
            let executor = Rc::new(LocalExecutor::new());
            Subject::new(Rc::clone(&executor), move |caller| block_on(executor.run(caller))).kept_by_its_spawner()
        })
        .assert_kept_but(&KEPT_BY_ITS_SPAWNER);
    }
}

#[cfg(feature = "smol")]
#[test]
fn smol() {
    spawn_rules(|| Subject::new(futures_shield::Smol, elsewhere).never_shut_down()).assert_kept_but(&SHUTDOWN);
}

#[cfg(feature = "async-std")]
#[test]
fn async_std() {
    spawn_rules(|| Subject::new(futures_shield::AsyncStd, elsewhere).never_shut_down()).assert_kept_but(&SHUTDOWN);
}

#[cfg(any(feature = "tokio", feature = "smol", feature = "async-std"))]
mod current_runtime {
    use futures_shield::current_runtime;

    use super::*;

    #[cfg(feature = "tokio")]
    #[test]
    fn in_a_tokio_runtime() {
        spawn_rules(|| {
            let runtime = ::tokio::runtime::Runtime::new().unwrap();
            let spawner = runtime.block_on(async { current_runtime() });
            Subject::new(spawner, move |caller| runtime.block_on(caller))
        })
        .assert_kept_but(&[]);
    }

    #[cfg(any(feature = "smol", feature = "async-std"))]
    #[test]
    fn in_none() {
        spawn_rules(|| Subject::new(current_runtime(), elsewhere).never_shut_down()).assert_kept_but(&SHUTDOWN);
    }
}
