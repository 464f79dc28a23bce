//! async-global-executor: a global executor, and one for each thread.

use std::future::pending;
use std::thread;
use std::time::Duration;

use async_global_executor::block_on;
use async_io::Timer;
use futures_shield::{BoxTask, LocalBoxTask, ShieldExt, SpawnFn, SpawnLocalFn, spawn_fn, spawn_local_fn};
use futures_shield_runtimes::scenarios::{self, within_deadline};
use futures_shield_spawner_checks::{Rule, Subject, spawn_local_rules, spawn_rules};
use futures_util::{FutureExt, poll};
use tokio::sync::oneshot;

const SHUTDOWN: [Rule; 4] = [
    Rule::RefusesWithoutPanic,
    Rule::DropsWhatItRefuses,
    Rule::DuringShutdown,
    Rule::ShutdownDropsFutures,
];

fn globally() -> SpawnFn<impl Fn(BoxTask) + Clone + Send + Sync> {
    spawn_fn(|task| async_global_executor::spawn(task).detach())
}

fn here() -> SpawnLocalFn<impl Fn(LocalBoxTask) + Clone> {
    spawn_local_fn(|task| async_global_executor::spawn_local(task).detach())
}

#[test]
fn the_global_executor_keeps_every_rule() {
    spawn_rules(|| Subject::new(globally(), |caller| block_on(caller)).never_shut_down()).assert_kept_but(&SHUTDOWN);
}

#[test]
fn the_local_executor_keeps_every_rule_while_its_thread_lives() {
    let report = spawn_local_rules(|| Subject::new(here(), |caller| block_on(caller)).never_shut_down());
    report.assert_kept();
}

#[test]
fn every_scenario() {
    scenarios::send(|| Subject::new(globally(), |caller| block_on(caller)));
    scenarios::local(|| Subject::new(here(), |caller| block_on(caller)));
}

/// A timer that was polled in its caller goes on in the task.
#[test]
fn a_timer_moves_with_its_future() {
    within_deadline(|| {
        block_on(async {
            let (tell, told) = oneshot::channel();
            let mut work = Box::pin(
                async move {
                    Timer::after(Duration::from_millis(5)).await;
                    tell.send("done").unwrap();
                }
                .shield_on_drop(globally()),
            );
            assert!(poll!(&mut work).is_pending());
            drop(work);
            assert_eq!(told.await, Ok("done"));
        });
    });
}

/// The local executor goes with its thread, and drops its futures: their outcomes are
/// cancellations.
#[test]
fn the_end_of_a_thread_cancels_its_local_orphans() {
    let (tell, told) = oneshot::channel();
    thread::spawn(|| {
        block_on(async {
            let (start, started) = oneshot::channel();
            let shield = async move {
                start.send(()).unwrap();
                pending::<()>().await;
            }
            .shield_local(here());
            drop(shield.on_orphan(|outcome| tell.send(outcome.unwrap_err()).unwrap()));
            started.await.unwrap();
        });
    })
    .join()
    .unwrap();
    let error = told.now_or_never().unwrap().unwrap();
    assert!(error.is_cancelled() && error.was_started());
}
