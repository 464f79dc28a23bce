//! bevy_tasks: a pool of threads.
//!
//! A `Task` cancels when it is dropped, so the spawners detach it. An application has a global
//! pool, `AsyncComputeTaskPool::get()`. Here each check has a pool of its own.

use std::sync::Arc;

use bevy_tasks::{AsyncComputeTaskPool, TaskPool, TaskPoolBuilder, block_on};
use futures_shield::{BoxTask, ShieldExt, SpawnFn, spawn_fn};
use futures_shield_runtimes::Sent;
use futures_shield_runtimes::scenarios::{self, assert_cut_off, shut_down_under_an_orphan, within_deadline};
use futures_shield_spawner_checks::{Subject, spawn_rules};

/// The pool stops with its last clone, and the spawner has one.
fn start() -> Subject<SpawnFn<impl Fn(BoxTask) + Clone + Send + Sync>> {
    let pool = Arc::new(TaskPoolBuilder::new().num_threads(2).build());
    let spawns = Arc::clone(&pool);
    let spawner = spawn_fn(move |task| spawns.spawn(task).detach());
    Subject::new(spawner, move |caller| {
        let _pool = &pool;
        block_on(caller);
    })
    .kept_by_its_spawner()
}

#[test]
fn a_pool_keeps_every_rule() {
    spawn_rules(start).assert_kept();
}

#[test]
fn every_scenario() {
    scenarios::send(start);
}

#[test]
fn a_shutdown_cancels_orphans() {
    assert_cut_off(within_deadline(|| shut_down_under_an_orphan(start(), Sent)));
}

/// The line of the guide.
#[test]
fn the_global_pool() {
    AsyncComputeTaskPool::get_or_init(TaskPool::new);
    let spawner = spawn_fn(|task| AsyncComputeTaskPool::get().spawn(task).detach());
    assert_eq!(within_deadline(|| block_on(async { 7 }.shield(spawner))), 7);
}
