//! actix-rt.
//!
//! An `ArbiterHandle` takes `Send` futures from any thread. For local futures, `actix_rt::spawn` is
//! Tokio's `spawn_local`.

use actix_rt::{Arbiter, ArbiterHandle, System, SystemRunner};
use futures_shield::{BoxTask, LocalBoxTask, SpawnFn, SpawnLocalFn, TokioLocal, spawn_fn, spawn_local_fn};
use futures_shield_runtimes::scenarios::{
    self, assert_cut_off, dropped_outside, shut_down_under_an_orphan, within_deadline,
};
use futures_shield_runtimes::{Local, Sent};
use futures_shield_spawner_checks::{Rule, Subject, spawn_local_rules, spawn_rules};

fn on_arbiter(arbiter: ArbiterHandle) -> SpawnFn<impl Fn(BoxTask) + Clone + Send + Sync> {
    spawn_fn(move |task| {
        arbiter.spawn(task);
    })
}

fn here() -> SpawnLocalFn<impl Fn(LocalBoxTask) + Clone> {
    spawn_local_fn(|task| drop(actix_rt::spawn(task)))
}

/// An arbiter with a thread of its own. Dropping it stops the thread.
struct Worker {
    arbiter: Option<Arbiter>,
    system: SystemRunner,
}

impl Drop for Worker {
    fn drop(&mut self) {
        if let Some(arbiter) = self.arbiter.take() {
            arbiter.stop();
            arbiter.join().unwrap();
        }
    }
}

#[test]
fn an_arbiter_with_a_thread_keeps_every_rule() {
    spawn_rules(|| {
        let system = System::new();
        let arbiter = Arbiter::new();
        let spawner = on_arbiter(arbiter.handle());
        let worker = Worker {
            arbiter: Some(arbiter),
            system,
        };
        Subject::new(spawner, move |caller| worker.system.block_on(caller))
    })
    .assert_kept_but(&[]);
}

macro_rules! start {
    (|$system:ident| $spawner:expr) => {
        || {
            let $system = System::new();
            let spawner = $spawner;
            Subject::new(spawner, move |caller| $system.block_on(caller))
        }
    };
}

#[test]
fn the_arbiter_of_a_system_keeps_every_rule() {
    spawn_rules(start!(|system| on_arbiter(
        system.block_on(async { Arbiter::current() })
    )))
    .assert_kept_but(&[]);
}

/// `actix_rt::spawn` asks for the current system at each call, as `TokioLocal` does.
#[test]
fn local_spawners_must_be_called_in_the_system() {
    let exceptions = [Rule::OutsideTheRuntime, Rule::RefusesWithoutPanic];
    spawn_local_rules(start!(|system| here())).assert_broken(&exceptions);
    spawn_local_rules(start!(|system| TokioLocal)).assert_broken(&exceptions);
}

#[test]
fn every_scenario() {
    scenarios::send(start!(|system| on_arbiter(
        system.block_on(async { Arbiter::current() })
    )));
    scenarios::local(start!(|system| here()));
    scenarios::local(start!(|system| TokioLocal));
}

#[test]
fn a_shutdown_cancels_orphans() {
    let outcomes = within_deadline(|| {
        let send = start!(|system| on_arbiter(system.block_on(async { Arbiter::current() })));
        let local = start!(|system| here());
        [
            shut_down_under_an_orphan(send(), Sent),
            shut_down_under_an_orphan(local(), Local),
        ]
    });
    outcomes.into_iter().for_each(assert_cut_off);
}

/// A spawner that is called outside of its runtime, in a drop: the work is cancelled, and nothing
/// panics.
#[test]
fn inline_work_that_is_dropped_outside_is_cancelled() {
    assert_cut_off(within_deadline(|| dropped_outside(start!(|system| here())(), Local)));
}
