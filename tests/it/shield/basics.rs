//! The plain uses: custom spawners, endings and their texts, Debug.

use std::error::Error;
use std::fmt::Debug;
use std::future::Future;
use std::io;
use std::mem::size_of;
use std::panic::panic_any;
use std::pin::Pin;
use std::rc::Rc;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_shield::{
    BoxTask, DynSpawner, FallibleShield, LocalBoxTask, Shield, ShieldError, ShieldExt, Spawn, SpawnLocal, shield,
    spawn_fn, spawn_local_fn,
};
use futures_util::FutureExt;
use futures_util::future::{pending, ready};
use futures_util::task::LocalSpawnExt;
use tokio::sync::oneshot;

use crate::support::*;

/// Scenario 7.
#[test]
fn zero_sized_future_and_output() {
    struct Nothing;

    impl Future for Nothing {
        type Output = ();

        fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<()> {
            Poll::Ready(())
        }
    }

    assert_eq!(size_of::<Nothing>(), 0);
    let crank = Crank::new();
    let mut shield = Nothing.shield(crank.spawner());
    assert_eq!(crank.run(), 1);
    assert_eq!(poll(&mut shield), Poll::Ready(()));
}

/// Scenario 9.
#[test]
fn debug_shows_location_and_progress() {
    struct Opaque;

    fn text(name: &str, line: u32, column: u32, work: &str) -> String {
        let file = file!();
        format!("{name} {{ location: {file}:{line}:{column}, work: {work} }}")
    }

    let crank = Crank::new();
    let line = line!() + 1;
    let mut shield = async { Opaque }.shield(crank.spawner());
    let column = shield.location().column();
    assert_eq!(format!("{shield:?}"), text("Shield", line, column, "running"));
    crank.run();
    assert_eq!(format!("{shield:?}"), text("Shield", line, column, "finished"));
    assert!(poll(&mut shield).is_ready());
    assert_eq!(format!("{shield:?}"), text("Shield", line, column, "delivered"));

    let line = line!() + 1;
    let mut shield = async { Opaque }.shield(crank.spawner()).fallible();
    let column = shield.location().column();
    assert_eq!(format!("{shield:?}"), text("FallibleShield", line, column, "running"));
    crank.shut_down();
    assert_eq!(format!("{shield:?}"), text("FallibleShield", line, column, "finished"));
    assert!(poll(&mut shield).is_ready());
    assert_eq!(format!("{shield:?}"), text("FallibleShield", line, column, "delivered"));
}

/// Scenario 10.
#[test]
fn generic_repository() {
    struct Pending<T> {
        shield: Option<Shield<T>>,
    }

    #[derive(Clone)]
    struct Repo<S> {
        spawner: S,
    }

    impl<S: Spawn + Clone + Send + Sync + 'static> Repo<S> {
        async fn save(&self, row: u32) -> Result<u32, String> {
            async move { Ok(row + 1) }.shield(&self.spawner).await
        }

        fn begin(&self, row: u32) -> Pending<u32> {
            Pending {
                shield: Some(async move { row }.shield(self.spawner.clone())),
            }
        }

        async fn twice(&self) -> Result<u32, String> {
            let repo = self.clone();
            shield(self.spawner.clone(), async move { repo.save(1).await }).await
        }
    }

    fn is_send<F: Future + Send>(future: F) -> F {
        future
    }

    let crank = Crank::new();
    let repo = Repo {
        spawner: crank.spawner(),
    };
    assert_eq!(block_on(crank.drive(is_send(repo.save(1)))), Ok(2));
    assert_eq!(block_on(crank.drive(is_send(repo.twice()))), Ok(2));
    let mut pending = repo.begin(5);
    crank.run();
    assert_eq!(pending.shield.take().unwrap().now_or_never(), Some(5));

    let erased = Repo {
        spawner: DynSpawner::new(ThreadPerTask),
    };
    assert_eq!(block_on(erased.save(1)), Ok(2));
}

/// Scenario 11, and the forwarding through pointers.
#[test]
fn custom_spawner_through_pointers() {
    #[derive(Clone)]
    struct Mine(CrankSpawner);

    impl Spawn for Mine {
        fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
            self.0.spawn_detached(future);
        }
    }

    let crank = Crank::new();
    let mine = Mine(crank.spawner());
    let shields = [
        async { 1 }.shield(&mine),
        async { 2 }.shield(Box::new(&mine)),
        async { 3 }.shield(Box::new(mine.clone())),
        async { 4 }.shield(Rc::new(mine.clone())),
        async { 5 }.shield(Arc::new(mine.clone())),
        async { 6 }.shield(Arc::new(Box::new(&mine))),
        async { 7 }.shield(spawn_fn(|task| mine.spawn_detached(task))),
        async { 8 }.shield(DynSpawner::new(mine.clone())),
        async { 9 }.shield(DynSpawner::new(Arc::new(DynSpawner::new(mine.clone())))),
        shield(mine, async { 10 }),
    ];
    assert_eq!(crank.len(), 10, "handed over when the call returns");
    crank.run();
    let values: Vec<u8> = shields
        .into_iter()
        .map(|shield| shield.now_or_never().unwrap())
        .collect();
    assert_eq!(values, [1, 2, 3, 4, 5, 6, 7, 8, 9, 10]);
}

/// Scenario 11, for local futures.
#[test]
fn custom_local_spawner_through_pointers() {
    struct Mine(futures_executor::LocalSpawner);

    impl SpawnLocal for Mine {
        fn spawn_local_detached<F: Future<Output = ()> + 'static>(&self, future: F) {
            self.0.spawn_local(future).unwrap_or_default();
        }
    }

    let mut pool = futures_executor::LocalPool::new();
    #[allow(
        clippy::arc_with_non_send_sync,
        reason = "a pointer is forwarded through, whatever it is good for"
    )]
    let mine = Arc::new(Mine(pool.spawner()));
    let local = |number: u8| async move { *Rc::new(number) };
    let shields = [
        local(1).shield_local(&*mine),
        local(2).shield_local(Box::new(&*mine)),
        local(3).shield_local(Rc::new(Arc::clone(&mine))),
        local(4).shield_local(Arc::clone(&mine)),
        local(5).shield_local(spawn_local_fn(|task: LocalBoxTask| mine.spawn_local_detached(task))),
    ];
    pool.run_until_stalled();
    let values: Vec<u8> = shields
        .into_iter()
        .map(|shield| shield.now_or_never().unwrap())
        .collect();
    assert_eq!(values, [1, 2, 3, 4, 5]);
}

/// An executor that runs a task inside the call to the spawner: the work has ended when the shield
/// is made.
#[test]
fn executor_that_runs_immediately() {
    let at_once = spawn_fn(futures_executor::block_on);
    let shield = async { 7 }.shield(&at_once);
    assert!(shield.is_finished());
    assert_eq!(shield.now_or_never(), Some(7));

    let drops = Drops::new();
    let output = drops.one();
    drop(async { output }.shield(&at_once));
    assert_eq!(drops.count(), 1);
}

#[test]
fn is_finished_after_the_end() {
    let crank = Crank::new();
    let (open, opened) = oneshot::channel::<()>();
    let mut shield = async { opened.await.is_ok() }.shield(crank.spawner());
    assert!(!shield.is_finished());
    crank.run();
    assert!(!shield.is_finished());
    open.send(()).unwrap();
    assert!(!shield.is_finished());
    crank.run();
    assert!(shield.is_finished());
    assert!(poll(&mut shield).is_ready());
    assert!(shield.is_finished());

    let panicked = async { panic_any(7) }.shield(crank.spawner());
    let panicked: FallibleShield<()> = panicked.fallible();
    assert!(!panicked.is_finished());
    crank.run();
    assert!(panicked.is_finished());

    let cancelled = pending::<()>().shield(crank.spawner());
    assert!(!cancelled.is_finished());
    crank.shut_down();
    assert!(cancelled.is_finished());
}

/// Three endings, each with its queries and its message.
#[test]
fn three_endings_and_their_texts() {
    #[derive(Debug)]
    struct Payload;

    fn outcome<T: Send + 'static>(
        crank: &Crank,
        work: impl Future<Output = T> + Send + 'static,
    ) -> Result<T, ShieldError> {
        let mut shield = work.shield(crank.spawner()).fallible();
        crank.run();
        if !shield.is_finished() {
            crank.shut_down();
        }
        match poll(&mut shield) {
            Poll::Ready(outcome) => outcome,
            Poll::Pending => panic!("it has ended"),
        }
    }

    let crank = Crank::new();
    assert!(matches!(outcome(&crank, ready(7)), Ok(7)));

    let cases: [(ShieldError, &str); 3] = [
        (
            outcome::<()>(&crank, async { panic!("out of {}", String::from("paper")) }).unwrap_err(),
            "panicked: out of paper",
        ),
        (
            outcome::<()>(&crank, async { panic!("out of paper") }).unwrap_err(),
            "panicked: out of paper",
        ),
        (
            outcome::<()>(&crank, async { panic_any(Payload) }).unwrap_err(),
            "panicked with a payload that is not text",
        ),
    ];
    for (error, ending) in cases {
        let site = error.location();
        assert_eq!(error.to_string(), format!("the work shielded at {site} {ending}"));
        assert_eq!(format!("{error:?}"), format!("ShieldError({error})"));
        assert!(error.is_panic() && !error.is_cancelled() && error.was_started());
        assert!(error.source().is_none());
        assert!(error.try_into_panic().is_ok());
    }

    let started = outcome(&crank, pending::<()>()).unwrap_err();
    let unstarted = outcome(&crank, pending::<()>()).unwrap_err();
    for (error, was_started, ending) in [
        (started, true, "was cancelled by its executor after it had started"),
        (unstarted, false, "was cancelled by its executor before it started"),
    ] {
        let site = error.location();
        let text = format!("the work shielded at {site} {ending}");
        assert_eq!(error.to_string(), text);
        assert_eq!(format!("{error:?}"), format!("ShieldError({text})"));
        assert!(error.is_cancelled() && !error.is_panic());
        assert_eq!(error.was_started(), was_started);
        let error = error.try_into_panic().unwrap_err();
        assert!(error.is_cancelled());
        assert_eq!((error.was_started(), error.location()), (was_started, site));
        assert_eq!(
            panics_with(|| error.into_panic()),
            format!("there is no panic to take: {text}")
        );
    }
}

#[test]
fn error_converts_into_io_error() {
    let crank = Crank::new();
    let shield = pending::<()>().shield(crank.spawner()).fallible();
    crank.shut_down();
    let error = shield.now_or_never().unwrap().unwrap_err();
    let text = error.to_string();
    let error = io::Error::from(error);
    assert_eq!(error.kind(), io::ErrorKind::Other);
    assert_eq!(error.to_string(), text);
    assert!(
        error
            .get_ref()
            .unwrap()
            .downcast_ref::<ShieldError>()
            .unwrap()
            .is_cancelled()
    );
}

/// Plain `.await` on cancelled work panics with the message of the error.
#[test]
fn awaiting_cancelled_work_panics() {
    let crank = Crank::new();
    let mut started = pending::<()>().shield(crank.spawner());
    crank.run();
    let mut unstarted = pending::<()>().shield(crank.spawner());
    crank.shut_down();
    for (shield, ending) in [
        (&mut started, "was cancelled by its executor after it had started"),
        (
            &mut unstarted,
            "was cancelled by its executor before it started. Its runtime may be gone already, for example that of an \
             earlier test if the spawner is in a `static`",
        ),
    ] {
        let site = shield.location();
        let text = panics_with(|| poll(shield));
        assert_eq!(text, format!("the work shielded at {site} {ending}"));
    }
}

/// The Debug output of spawners.
#[test]
fn debug_of_spawners() {
    let erased = DynSpawner::new(ThreadPerTask);
    assert!(format!("{erased:?}").contains("ThreadPerTask"), "{erased:?}");
    let closure = spawn_fn(drop::<BoxTask>);
    assert!(format!("{closure:?}").starts_with("SpawnFn("), "{closure:?}");
    let closure = spawn_local_fn(drop::<LocalBoxTask>);
    assert!(format!("{closure:?}").starts_with("SpawnLocalFn("), "{closure:?}");
    #[cfg(feature = "async-task")]
    {
        let closure = futures_shield::schedule_fn(futures_shield::Runnable::run);
        assert!(format!("{closure:?}").starts_with("ScheduleFn("), "{closure:?}");
    }
}
