//! Errors and trackers name the file and line of the user's call, whatever stands between it and
//! the executor (scenario 58b).

use std::future::Future;
use std::panic::Location;
use std::rc::Rc;
use std::sync::{Arc, Mutex, mpsc};

use futures_executor::LocalPool;
use futures_shield::{
    BoxTask, DynSpawner, Shield, ShieldError, ShieldExt, Spawn, SpawnLocal, Tracker, cleanup, shield, shield_local,
    shield_with, shield_with_local, spawn_fn, spawn_local_fn, spawn_location,
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

/// A future that is spawned directly on an erased spawner does not see the call, even if it is polled
/// inside of it.
#[test]
fn direct_spawn_hides_the_call() {
    let (tell, told) = std::sync::mpsc::channel();
    let spawner = DynSpawner::new(spawn_fn(|task: BoxTask| {
        assert!(spawn_location().is_some());
        task.now_or_never().unwrap();
    }));
    spawner.spawn_detached(async move { tell.send(spawn_location()).unwrap() });
    assert_eq!(told.recv(), Ok(None));
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

/// Scenario 83: inside each kind of call to a spawner, `spawn_location()` is the call of the user.
#[test]
fn published_inside_each_kind_of_call() {
    let (tell, told) = mpsc::channel();
    let tell_local = tell.clone();
    let here = spawn_fn(move |task: BoxTask| {
        tell.send(spawn_location()).unwrap();
        drop(task);
    });
    let local = spawn_local_fn(move |task| {
        tell_local.send(spawn_location()).unwrap();
        drop(task);
    });
    let (tracker, erased) = (Tracker::new(here.clone()), DynSpawner::new(Mine(here.clone())));
    let first = line!() + 1;
    drop(pending::<()>().shield(&here));
    drop(shield(&here, pending::<()>()));
    drop(shield_with(&here, |_| pending::<()>()));
    drop(pending::<()>().shield_local(&local));
    drop(shield_with_local(&local, |_| pending::<()>()));
    drop(pending::<()>().shield(&tracker));
    drop(pending::<()>().shield(&erased));
    drop(cleanup(&here, (), |()| pending::<()>()));
    drop(polled_once(pending::<()>().shield_on_drop(&here)));
    drop(polled_once(pending::<()>().shield_on_drop_local(&local)));
    drop(polled_once(pending::<()>().shield_on_drop(&erased)));
    drop(polled_once(cleanup(&tracker, (), |()| pending::<()>()).run()));
    tracker.spawn_detached(pending());
    erased.spawn_detached(pending());
    assert_eq!(spawn_location(), None);
    let lines: Vec<_> = told.try_iter().map(|at| at.map(Location::line)).collect();
    assert_eq!(lines, (first..first + 14).map(Some).collect::<Vec<_>>());
}

fn polled_once<F: Future + Unpin>(mut future: F) -> F {
    assert!(poll(&mut future).is_pending());
    future
}

/// Scenario 83: a call inside a call has its own location, and the outer one has its location again
/// after it.
#[test]
fn published_again_after_an_inner_call() {
    let (tell, told) = mpsc::channel();
    let inner = {
        let tell = tell.clone();
        spawn_fn(move |_: BoxTask| tell.send(spawn_location()).unwrap())
    };
    let outer = spawn_fn(move |_: BoxTask| {
        drop(ready(()).shield(&inner));
        tell.send(spawn_location()).unwrap();
    });
    let inner_line = line!() - 3;
    drop(ready(()).shield(&outer));
    let outer_line = line!() - 1;
    let lines: Vec<_> = told.try_iter().map(|at| at.unwrap().line()).collect();
    assert_eq!(lines, [inner_line, outer_line]);
}

/// Scenario 83: what happens to run inside the call does not see it: the work, its drop, the hook of
/// an orphan, the drop of that hook.
#[test]
fn hidden_from_what_runs_inside_a_call() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let look = |what: &'static str| {
        let seen = Arc::clone(&seen);
        move || locked(&seen).push((what, spawn_location()))
    };
    let runs = spawn_fn(|task: BoxTask| block_on(task));
    let (polled, dropped) = (look("the poll of the work"), look("the drop of the work"));
    let work = HoldsUntilDrop::new(OnDrop::new(dropped), async move { polled() });
    work.shield(&runs).detach();

    let (hooked, dropped) = (look("the hook"), OnDrop::new(look("the drop of the hook")));
    let inline = pending::<()>().shield_on_drop(closed()).on_orphan(move |_| {
        hooked();
        drop(dropped);
    });
    drop(polled_once(inline));

    let closure = look("the closure of `shield_with`");
    drop(shield_with(closed(), |_| {
        closure();
        ready(())
    }));
    let nowhere = [
        "the poll of the work",
        "the drop of the work",
        "the hook",
        "the drop of the hook",
        "the closure of `shield_with`",
    ];
    assert_eq!(*locked(&seen), nowhere.map(|what| (what, None)));
}
