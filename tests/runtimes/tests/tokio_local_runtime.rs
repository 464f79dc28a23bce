//! Tokio's `LocalRuntime`.
//!
//! Its `Handle` takes `Send` futures from any thread. For local futures there is `TokioLocal`, and
//! the runtime itself.

use std::rc::Rc;

use futures_shield::{TokioLocal, spawn_local_fn};
use futures_shield_runtimes::scenarios::{
    self, assert_cut_off, dropped_outside, shut_down_under_an_orphan, within_deadline,
};
use futures_shield_runtimes::{Local, Sent};
use futures_shield_spawner_checks::{Rule, Subject, spawn_local_rules, spawn_rules};
use tokio::runtime::{Builder, Handle, LocalOptions, LocalRuntime};

fn runtime() -> LocalRuntime {
    Builder::new_current_thread()
        .build_local(LocalOptions::default())
        .unwrap()
}

fn by_handle() -> Subject<Handle> {
    let runtime = runtime();
    Subject::new(runtime.handle().clone(), move |caller| runtime.block_on(caller))
}

fn by_tokio_local() -> Subject<TokioLocal> {
    let runtime = runtime();
    Subject::new(TokioLocal, move |caller| runtime.block_on(caller))
}

#[test]
fn its_handle_keeps_every_rule() {
    spawn_rules(by_handle).assert_kept_but(&[]);
}

/// The runtime itself can be called outside of its context, but what holds it keeps it.
#[test]
fn the_runtime_itself_keeps_every_rule() {
    let report = spawn_local_rules(|| {
        let runtime = Rc::new(runtime());
        let spawns = Rc::clone(&runtime);
        let spawner = spawn_local_fn(move |task| drop(spawns.spawn_local(task)));
        Subject::new(spawner, move |caller| runtime.block_on(caller)).kept_by_its_spawner()
    });
    report.assert_kept();
}

/// As in a `LocalSet`.
#[test]
fn tokio_local_has_its_documented_exceptions() {
    let report = spawn_local_rules(by_tokio_local);
    report.assert_broken(&[Rule::OutsideTheRuntime, Rule::RefusesWithoutPanic]);
    assert_eq!(report.not_applicable(), []);
}

#[test]
fn every_scenario() {
    scenarios::send(by_handle);
    scenarios::local(by_tokio_local);
}

#[test]
fn a_shutdown_cancels_orphans() {
    let outcomes = within_deadline(|| {
        [
            shut_down_under_an_orphan(by_handle(), Sent),
            shut_down_under_an_orphan(by_tokio_local(), Local),
        ]
    });
    outcomes.into_iter().for_each(assert_cut_off);
}

/// A spawner that is called outside of its runtime, in a drop: the work is cancelled, and nothing
/// panics.
#[test]
fn inline_work_that_is_dropped_outside_is_cancelled() {
    assert_cut_off(within_deadline(|| dropped_outside(by_tokio_local(), Local)));
}
