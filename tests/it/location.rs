//! Promise 10, scenario 58b: errors name the file and line of the user's call, whatever stands between it and the executor.

use std::future::Future;
use std::panic::Location;
use std::rc::Rc;
use std::sync::Arc;

use futures_shield::{
    BoxTask, DynSpawner, FallibleShield, Shield, ShieldError, ShieldExt, Spawn, shield, spawn_fn, spawn_local_fn,
};
use futures_util::FutureExt;
use futures_util::future::{pending, ready};
use tokio::sync::oneshot;

use crate::support::{Crank, CrankSpawner, DropTeller, panics_with};

/// The error of work that its executor refused.
fn refused<T>(shield: Shield<T>) -> ShieldError {
    match shield.fallible().now_or_never() {
        Some(Err(error)) => error,
        _ => panic!("the executor takes nothing"),
    }
}

/// An executor that takes nothing.
fn closed() -> Crank {
    let crank = Crank::new();
    crank.shut_down();
    crank
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
fn through_spawners_of_every_kind() {
    let crank = closed();
    let inner: CrankSpawner = crank.spawner();

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
    let crank = closed();
    let spawner = crank.spawner();
    let (tell, told) = oneshot::channel();
    let line = line!() + 1;
    let guard = DropTeller::new(move || drop(tell.send(ready(()).shield(spawner))));
    drop(guard);
    assert_at(&refused(told.now_or_never().unwrap().unwrap()), line);
}

#[test]
fn through_a_helper_that_tracks_its_caller() {
    #[track_caller]
    fn helper(spawner: impl Spawn) -> Shield<()> {
        ready(()).shield(spawner)
    }

    #[track_caller]
    fn other_helper(spawner: impl Spawn) -> Shield<()> {
        shield(spawner, ready(()))
    }

    let crank = closed();
    let line = line!() + 1;
    let helped = helper(crank.spawner());
    assert_at(&refused(helped), line);
    let line = line!() + 1;
    let helped = other_helper(crank.spawner());
    assert_at(&refused(helped), line);
}

#[test]
fn shielded_inside_a_spawner_each_has_its_own() {
    // A spawner that shields what it is given once more.
    let crank = closed();
    let (tell, told) = std::sync::mpsc::channel();
    let inner = crank.spawner();
    let inner_line = line!() + 1;
    let reshield = move |task: BoxTask| tell.send(task.shield(&inner)).unwrap();
    let spawner = spawn_fn(reshield);
    let line = line!() + 1;
    let outer = pending::<()>().shield(&spawner);
    assert_at(&refused(outer), line);
    assert_at(&refused(told.recv().unwrap()), inner_line);
}

#[test]
fn the_shield_knows_it_to_the_end() {
    let crank = Crank::new();
    let line = line!() + 1;
    let mut shield = ready(()).shield(crank.spawner());
    assert_eq!((shield.location().file(), shield.location().line()), (file!(), line));
    crank.run();
    assert!(crate::support::poll(&mut shield).is_ready());
    assert_eq!(shield.location().line(), line);
    let text = panics_with(|| crate::support::poll(&mut shield));
    assert!(text.contains(&format!("{}:{line}:", file!())), "{text}");

    let line = line!() + 1;
    let mut fallible: FallibleShield<()> = ready(()).shield(crank.spawner()).fallible();
    assert_eq!(fallible.location().line(), line);
    crank.run();
    assert!(crate::support::poll(&mut fallible).is_ready());
    assert_eq!(fallible.location().line(), line);
}

#[test]
fn in_each_ending() {
    async fn jam() {
        panic!("out of paper");
    }

    let crank = Crank::new();
    let line = line!() + 1;
    let panicked = jam().shield(crank.spawner());
    crank.run();
    assert_at(&refused(panicked), line);

    let held = crate::support::Holding::new(crate::support::Bomb("a future"), ready(()));
    let line = line!() + 1;
    let ended = held.shield(crank.spawner());
    crank.run();
    assert_at(&refused(ended), line);

    let line = line!() + 1;
    let started = pending::<()>().shield(crank.spawner());
    crank.run();
    crank.shut_down();
    let error = refused(started);
    assert_at(&error, line);
    // Also once it has been asked for a panic that it has not.
    assert_at(&error.try_into_panic().unwrap_err(), line);
}
