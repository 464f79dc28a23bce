//! Errors and trackers name the file and line of the user's call, whatever stands between it and
//! the executor (scenario 58b).

use std::future::Future;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

use futures_executor::LocalPool;
use futures_shield::{
    BoxTask, DynSpawner, Shield, ShieldError, ShieldExt, Spawn, SpawnLocal, Tracker, shield, shield_local, spawn_fn,
    spawn_local_fn,
};
use futures_util::FutureExt;
use futures_util::future::{pending, ready};
use futures_util::task::LocalSpawnExt;
use tokio::sync::oneshot;

use crate::support::*;

/// Returns the error of work that its executor refused.
fn refused<T>(shield: Shield<T>) -> ShieldError {
    match shield.fallible().now_or_never() {
        Some(Err(error)) => error,
        _ => panic!("the executor takes nothing"),
    }
}

fn assert_at(error: &ShieldError, line: u32) {
    let location: &'static Location<'static> = error.location();
    assert_eq!((location.file(), location.line()), (file!(), line));
    let place = format!("the work shielded at {}:{line}:{} ", file!(), location.column());
    assert!(error.to_string().starts_with(&place), "{error}");
}

/// A user's own spawner, around another.
#[derive(Clone)]
struct Mine<S>(S);

impl<S: Spawn> Spawn for Mine<S> {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        self.0.spawn_detached(async {
            tokio::task::yield_now().await;
            future.await;
        });
    }
}

/// Asserts that the error of a refused shield has the line of the macro's call.
macro_rules! assert_refused_here {
    ($shield:expr) => {
        assert_at(&refused($shield), line!())
    };
}

#[test]
fn through_every_kind_of_spawner() {
    let inner = closed();
    assert_refused_here!(ready(()).shield(&inner));
    assert_refused_here!(ready(()).shield(DynSpawner::new(inner.clone())));
    assert_refused_here!(ready(()).shield(spawn_fn(|task: BoxTask| inner.spawn_detached(task))));
    assert_refused_here!(ready(()).shield(Mine(DynSpawner::new(Mine(inner.clone())))));
    assert_refused_here!(ready(()).shield(Box::new(Rc::new(Arc::new(&inner)))));
    assert_refused_here!(ready(Rc::new(())).shield_local(spawn_local_fn(drop)));
    assert_refused_here!(shield(&inner, ready(())));
    assert_refused_here!(shield_local(spawn_local_fn(drop), ready(Rc::new(()))));
}

#[test]
fn in_a_drop() {
    let spawner = closed();
    let (tell, told) = oneshot::channel();
    let line = line!() + 1;
    let guard = OnDrop::new(move || drop(tell.send(ready(()).shield(spawner))));
    drop(guard);
    assert_at(&refused(told.now_or_never().unwrap().unwrap()), line);
}

#[test]
fn through_track_caller_helpers() {
    #[track_caller]
    fn helper(spawner: impl Spawn) -> Shield<()> {
        ready(()).shield(spawner)
    }

    #[track_caller]
    fn other_helper(spawner: impl Spawn) -> Shield<()> {
        shield(spawner, ready(()))
    }

    assert_refused_here!(helper(closed()));
    assert_refused_here!(other_helper(closed()));
}

#[test]
fn shielded_inside_a_spawner() {
    // A spawner that shields the task that it is given.
    let (tell, told) = std::sync::mpsc::channel();
    let inner = closed();
    let inner_line = line!() + 1;
    let reshield = move |task: BoxTask| tell.send(task.shield(&inner)).unwrap();
    let spawner = spawn_fn(reshield);
    let line = line!() + 1;
    let outer = pending::<()>().shield(&spawner);
    assert_at(&refused(outer), line);
    assert_at(&refused(told.recv().unwrap()), inner_line);
}

/// Work that is spawned directly on a tracker has no shield: the call of the spawner is its
/// location.
#[test]
fn direct_spawns_name_their_line() {
    fn each_once(first: u32, count: u32) -> Vec<(&'static str, u32, usize)> {
        (first..first + count).map(|line| (file!(), line, 1)).collect()
    }

    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    let (erased, boxed) = (DynSpawner::new(tracker.clone()), Box::new(tracker.clone()));
    let (rc, arc) = (Rc::new(tracker.clone()), Arc::new(tracker.clone()));
    let first = line!() + 1;
    tracker.spawn_detached(pending());
    Spawn::spawn_detached(&&tracker, pending());
    Spawn::spawn_detached(&boxed, pending());
    Spawn::spawn_detached(&rc, pending());
    Spawn::spawn_detached(&arc, pending());
    Spawn::spawn_detached(&erased, pending());
    Spawn::spawn_detached(&Arc::new(erased), pending());
    assert_eq!(lines(&tracker.unfinished()), each_once(first, 7));

    let pool = LocalPool::new();
    let local = pool.spawner();
    let tracker = Tracker::new(spawn_local_fn(move |task| local.spawn_local(task).unwrap()));
    let (boxed, rc) = (Box::new(tracker.clone()), Rc::new(tracker.clone()));
    let first = line!() + 1;
    tracker.spawn_local_detached(pending());
    SpawnLocal::spawn_local_detached(&&tracker, pending());
    SpawnLocal::spawn_local_detached(&boxed, pending());
    SpawnLocal::spawn_local_detached(&rc, pending());
    assert_eq!(lines(&tracker.unfinished()), each_once(first, 4));
}
