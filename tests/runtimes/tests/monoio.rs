//! monoio: a runtime for each thread.
//!
//! With its feature `sync`, without which no other thread can wake a task.

use std::time::Duration;

use futures_shield::{LocalBoxTask, ShieldExt, SpawnLocalFn, spawn_local_fn};
use futures_shield_runtimes::Local;
use futures_shield_runtimes::scenarios::{
    self, assert_cut_off, dropped_outside, shut_down_under_an_orphan, within_deadline,
};
use futures_shield_spawner_checks::{Rule, Subject, spawn_local_rules_within};
use futures_util::poll;
use monoio::time::sleep;
use monoio::{FusionDriver, RuntimeBuilder};
use tokio::sync::oneshot;

/// Some rules are broken by what never happens.
const DEADLINE: Duration = Duration::from_secs(5);

fn here() -> SpawnLocalFn<impl Fn(LocalBoxTask) + Clone> {
    spawn_local_fn(|task| drop(monoio::spawn(task)))
}

fn start() -> Subject<SpawnLocalFn<impl Fn(LocalBoxTask) + Clone>> {
    let mut runtime = RuntimeBuilder::<FusionDriver>::new().enable_timer().build().unwrap();
    Subject::new(here(), move |caller| runtime.block_on(caller))
}

/// Its tasks belong to their wakers, and not to the runtime: one that waits for something outside
/// is not dropped with it.
#[test]
fn it_must_be_called_in_the_runtime_and_its_shutdown_leaves_what_waits() {
    let report = spawn_local_rules_within(DEADLINE, start);
    report.assert_broken(&[
        Rule::OutsideTheRuntime,
        Rule::RefusesWithoutPanic,
        Rule::DuringShutdown,
        Rule::ShutdownDropsFutures,
        Rule::StaysOnItsThread,
    ]);
    assert_eq!(report.not_applicable(), []);
}

#[test]
fn every_scenario() {
    scenarios::local(start);
}

/// The hook of an orphan that waits for something outside is not called at shutdown.
#[test]
fn a_shutdown_leaves_orphans() {
    let outcome = within_deadline(|| shut_down_under_an_orphan(start(), Local));
    assert!(outcome.is_none());
}

/// A spawner that is called outside of its runtime, in a drop: the work is cancelled, and nothing
/// panics.
#[test]
fn inline_work_that_is_dropped_outside_is_cancelled() {
    assert_cut_off(within_deadline(|| dropped_outside(start(), Local)));
}

/// A timer that is polled in one task and moved to another never wakes that one.
#[test]
fn a_timer_that_moves_is_lost() {
    within_deadline(|| {
        let mut runtime = RuntimeBuilder::<FusionDriver>::new().enable_timer().build().unwrap();
        runtime.block_on(async {
            let (tell, mut told) = oneshot::channel();
            let mut work = Box::pin(
                async move {
                    sleep(Duration::from_millis(5)).await;
                    tell.send("done").unwrap();
                }
                .shield_on_drop_local(here()),
            );
            assert!(poll!(&mut work).is_pending());
            drop(work);
            sleep(Duration::from_millis(200)).await;
            assert!(
                told.try_recv().is_err(),
                "monoio has learnt to move a timer: change the guide"
            );
        });
    });
}

/// In a task of its own from the start, a timer is where it will stay.
#[test]
fn a_timer_in_eager_work_is_kept() {
    within_deadline(|| {
        let mut runtime = RuntimeBuilder::<FusionDriver>::new().enable_timer().build().unwrap();
        runtime.block_on(async {
            let (tell, told) = oneshot::channel();
            let work = async move {
                sleep(Duration::from_millis(5)).await;
                tell.send("done").unwrap();
            };
            drop(work.shield_local(here()));
            assert_eq!(told.await, Ok("done"));
        });
    });
}
