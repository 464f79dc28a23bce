//! Errors and trackers name the file and line of the user's call, whatever stands between it and
//! the executor (scenario 58b).

use std::future::Future;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

use futures_executor::LocalPool;
use futures_shield::{
    BoxTask, DynSpawner, Shield, ShieldError, ShieldExt, Spawn, SpawnLocal, Tracker, Unfinished, shield, spawn_fn,
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

#[test]
fn through_every_kind_of_spawner() {
    let inner = closed();

    let line = line!() + 1;
    let plain = ready(()).shield(&inner);
    assert_at(&refused(plain), line);

    let erased = DynSpawner::new(inner.clone());
    let line = line!() + 1;
    let by_dyn = ready(()).shield(&erased);
    assert_at(&refused(by_dyn), line);

    let closure = spawn_fn(|task: BoxTask| inner.spawn_detached(task));
    let line = line!() + 1;
    let by_fn = ready(()).shield(&closure);
    assert_at(&refused(by_fn), line);

    let mine = Mine(DynSpawner::new(Mine(inner.clone())));
    let line = line!() + 1;
    let by_mine = ready(()).shield(mine);
    assert_at(&refused(by_mine), line);

    let line = line!() + 1;
    let by_box = ready(()).shield(Box::new(Rc::new(Arc::new(&inner))));
    assert_at(&refused(by_box), line);

    let local = spawn_local_fn(drop);
    let line = line!() + 1;
    let by_local = ready(Rc::new(())).shield_local(local);
    assert_at(&refused(by_local), line);

    let line = line!() + 1;
    let by_function = shield(&inner, ready(()));
    assert_at(&refused(by_function), line);
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

    let line = line!() + 1;
    let helped = helper(closed());
    assert_at(&refused(helped), line);
    let line = line!() + 1;
    let helped = other_helper(closed());
    assert_at(&refused(helped), line);
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
    fn lines(unfinished: &Unfinished) -> Vec<u32> {
        assert!(unfinished.locations().iter().all(|at| at.location().file() == file!()));
        unfinished.locations().iter().map(|at| at.location().line()).collect()
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
    assert_eq!(lines(&tracker.unfinished()), (first..first + 7).collect::<Vec<_>>());

    let pool = LocalPool::new();
    let local = pool.spawner();
    let tracker = Tracker::new(spawn_local_fn(move |task| local.spawn_local(task).unwrap()));
    let (boxed, rc) = (Box::new(tracker.clone()), Rc::new(tracker.clone()));
    let first = line!() + 1;
    tracker.spawn_local_detached(pending());
    SpawnLocal::spawn_local_detached(&&tracker, pending());
    SpawnLocal::spawn_local_detached(&boxed, pending());
    SpawnLocal::spawn_local_detached(&rc, pending());
    assert_eq!(lines(&tracker.unfinished()), (first..first + 4).collect::<Vec<_>>());
}
