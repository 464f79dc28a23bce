//! compio: a runtime for each thread.
//!
//! A `JoinHandle` cancels when it is dropped, so the spawners detach it.

use std::time::Duration;

use compio::runtime::Runtime;
use futures_shield::{LocalBoxTask, ShieldExt, SpawnLocalFn, spawn_local_fn};
use futures_shield_runtimes::Local;
use futures_shield_runtimes::scenarios::{
    self, assert_cut_off, dropped_outside, shut_down_under_an_orphan, within_deadline,
};
use futures_shield_spawner_checks::{Rule, Subject, spawn_local_rules};
use futures_util::poll;
use tokio::sync::oneshot;

/// Spawns on the runtime that this thread is in. In none, it drops the future.
fn here() -> SpawnLocalFn<impl Fn(LocalBoxTask) + Clone> {
    spawn_local_fn(|task| drop(Runtime::try_with_current(|runtime| runtime.spawn(task).detach())))
}

fn by_current() -> Subject<SpawnLocalFn<impl Fn(LocalBoxTask) + Clone>> {
    let runtime = Runtime::new().unwrap();
    Subject::new(here(), move |caller| runtime.block_on(caller))
}

/// A clone of the runtime can be called outside of its context, but it keeps the runtime.
#[test]
fn the_runtime_itself_keeps_every_rule() {
    let report = spawn_local_rules(|| {
        let runtime = Runtime::new().unwrap();
        let spawns = runtime.clone();
        let spawner = spawn_local_fn(move |task| spawns.spawn(task).detach());
        Subject::new(spawner, move |caller| runtime.block_on(caller)).kept_by_its_spawner()
    });
    report.assert_kept();
}

/// Outside of a runtime it drops the future, which is a cancellation. With debug assertions, a call
/// from a drop makes the runtime's own drop panic ("assertion failed: inner.map.is_empty()",
/// compio-executor 0.1).
#[test]
fn the_current_runtime_must_be_there_and_must_not_be_called_by_a_drop_of_its_shutdown() {
    let mut broken = vec![Rule::OutsideTheRuntime];
    if cfg!(debug_assertions) {
        broken.push(Rule::DuringShutdown);
    }
    let report = spawn_local_rules(by_current);
    report.assert_broken(&broken);
    assert_eq!(report.not_applicable(), []);
}

#[test]
fn every_scenario() {
    scenarios::local(by_current);
}

#[test]
fn a_shutdown_cancels_orphans() {
    assert_cut_off(within_deadline(|| shut_down_under_an_orphan(by_current(), Local)));
}

/// A spawner that is called outside of its runtime, in a drop: the work is cancelled, and nothing
/// panics.
#[test]
fn inline_work_that_is_dropped_outside_is_cancelled() {
    assert_cut_off(within_deadline(|| dropped_outside(by_current(), Local)));
}

/// A timer that was polled in its caller goes on in the task.
#[test]
fn a_timer_moves_with_its_future() {
    within_deadline(|| {
        Runtime::new().unwrap().block_on(async {
            let (tell, told) = oneshot::channel();
            let mut work = Box::pin(
                async move {
                    compio::time::sleep(Duration::from_millis(5)).await;
                    tell.send("done").unwrap();
                }
                .shield_on_drop_local(here()),
            );
            assert!(poll!(&mut work).is_pending());
            drop(work);
            assert_eq!(told.await, Ok("done"));
        });
    });
}
