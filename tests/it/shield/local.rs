//! `.shield_local` on every spawner of local futures: futures and outputs that are not `Send` stay
//! on their thread (scenario 61).

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use futures_shield::{Shield, ShieldError, ShieldExt};
use futures_util::future::{Either, join_all, pending, ready, select};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::support::*;

on_every_local_spawner! {
    output_that_is_not_send,
    stays_on_its_thread,
    woken_from_another_thread,
    dropped_partway_finishes_once,
    dropped_before_its_first_poll,
    kept_and_never_polled,
    err_passes_through,
    panic_reaches_the_caller,
    orphan_panic_reaches_the_hook,
    timed_out_by_reference,
    nested_and_joined,
    awaited_at_shutdown,
    orphan_at_shutdown,
    permits_are_free_at_delivery,
    location_is_known,
}

/// Asserts that it is dropped on its own thread. Not `Send`.
struct Here(Rc<Cell<u32>>, thread::ThreadId);

impl Here {
    fn new(drops: &Rc<Cell<u32>>) -> Self {
        Self(Rc::clone(drops), thread::current().id())
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        assert_eq!(self.1, thread::current().id());
        self.0.set(self.0.get() + 1);
    }
}

/// Scenarios 1 and 61.
fn output_that_is_not_send<R: LocalRig>(rig: R) {
    let value = rig.run(async { async { Rc::new(7) }.shield_local(rig.spawner()).await });
    assert_eq!(*value, 7);
}

/// Scenarios 61 and 62.
fn stays_on_its_thread<R: LocalRig>(rig: R) {
    let drops = Rc::new(Cell::new(0));
    let (captured, output) = (Here::new(&drops), Here::new(&drops));
    let here = thread::current().id();
    rig.run(async {
        let shield = async move {
            let captured = captured;
            tokio::task::yield_now().await;
            assert_eq!(thread::current().id(), here);
            drop(captured);
            output
        };
        let output = shield.shield_local(rig.spawner()).await;
        assert_eq!(drops.get(), 1);
        drop(output);
    });
    assert_eq!(drops.get(), 2);

    // The output of an orphan, too.
    let output = Here::new(&drops);
    let (tell, told) = oneshot::channel();
    rig.run(async {
        let shield = async { output }.shield_local(rig.spawner());
        drop(shield.on_orphan(move |outcome| {
            drop(outcome);
            tell.send(thread::current().id()).unwrap();
        }));
        assert_eq!(told.await, Ok(here));
    });
    assert_eq!(drops.get(), 3);
}

/// Scenario 2.
fn woken_from_another_thread<R: LocalRig>(rig: R) {
    let (open, opened) = oneshot::channel();
    let (start, started) = oneshot::channel();
    let opener = Thread::start(move || {
        block_on(started).unwrap();
        open.send(7).unwrap();
    });
    let value = rig.run(async {
        async {
            start.send(()).unwrap();
            Rc::new(opened.await)
        }
        .shield_local(rig.spawner())
        .await
    });
    assert_eq!(*value, Ok(7));
    opener.join();
}

/// Scenario 4.
fn dropped_partway_finishes_once<R: LocalRig>(rig: R) {
    let effects = Rc::new(Cell::new(0));
    let effect = Rc::clone(&effects);
    let (open, opened) = oneshot::channel::<()>();
    let (start, started) = oneshot::channel();
    let (tell, mut told) = mpsc::unbounded_channel();
    rig.run(async {
        let mut shield = async move {
            start.send(()).unwrap();
            opened.await.unwrap();
            effect.set(effect.get() + 1);
            Rc::new("done")
        }
        .shield_local(rig.spawner())
        .on_orphan(move |outcome| tell.send(*outcome.unwrap()).unwrap());
        assert!(futures_util::poll!(&mut shield).is_pending());
        started.await.unwrap();
        drop(shield);
        open.send(()).unwrap();
        assert_eq!(told.recv().await, Some("done"));
        assert_eq!(told.recv().await, None);
    });
    assert_eq!(effects.get(), 1);
}

/// Scenario 5.
fn dropped_before_its_first_poll<R: LocalRig>(rig: R) {
    let (tell, told) = oneshot::channel();
    rig.run(async {
        let kept = Rc::new(());
        drop(
            async move {
                drop(kept);
                tell.send(()).unwrap();
            }
            .shield_local(rig.spawner()),
        );
        assert_eq!(told.await, Ok(()));
    });
}

/// Scenario 6.
fn kept_and_never_polled<R: LocalRig>(rig: R) {
    let (tell, told) = oneshot::channel();
    rig.run(async {
        let shield = async {
            tell.send(()).unwrap();
            Rc::new(7)
        }
        .shield_local(rig.spawner());
        assert_eq!(told.await, Ok(()));
        assert_eq!(*shield.await, 7);
    });
}

/// Scenario 3.
fn err_passes_through<R: LocalRig>(rig: R) {
    let called = Arc::new(AtomicBool::new(false));
    let calls = Arc::clone(&called);
    rig.run(async {
        let shield = async { Err::<(), _>(Rc::new("sold out")) }.shield_local(rig.spawner());
        let outcome = shield.on_orphan(move |_| calls.store(true, Ordering::SeqCst)).await;
        assert_eq!(outcome, Err(Rc::new("sold out")));
        assert_eq!(Arc::strong_count(&called), 1, "the hook is dropped at delivery");
    });
    assert!(!called.load(Ordering::SeqCst));
}

/// Scenario 24.
fn panic_reaches_the_caller<R: LocalRig>(rig: R) {
    let caught = catch_unwind(AssertUnwindSafe(|| {
        rig.run(async {
            let shield: Shield<Rc<()>> = async { panic_any(7) }.shield_local(rig.spawner());
            shield.await
        })
    }));
    assert_eq!(caught.unwrap_err().downcast_ref(), Some(&7));
    let value = rig.run(async { async { Rc::new(7) }.shield_local(rig.spawner()).await });
    assert_eq!(*value, 7);
}

/// Scenario 25.
fn orphan_panic_reaches_the_hook<R: LocalRig>(rig: R) {
    let (tell, told) = oneshot::channel();
    rig.run(async {
        let shield: Shield<Rc<()>> = async { panic_any(7) }.shield_local(rig.spawner());
        drop(shield.on_orphan(|outcome| tell.send(outcome.unwrap_err().into_panic()).unwrap()));
        assert_eq!(told.await.unwrap().downcast_ref(), Some(&7));
    });
}

/// Scenario 34.
fn timed_out_by_reference<R: LocalRig>(rig: R) {
    let (open, opened) = oneshot::channel::<()>();
    let value = rig.run(async {
        let mut shield = async { opened.await.map(Rc::new) }.shield_local(rig.spawner());
        match select(&mut shield, ready(())).await {
            Either::Left(_) => panic!("the gate is shut"),
            Either::Right(((), _)) => open.send(()).unwrap(),
        }
        shield.await
    });
    assert_eq!(value, Ok(Rc::new(())));
}

/// Scenarios 36 and 38.
fn nested_and_joined<R: LocalRig>(rig: R) {
    let values = rig.run(async {
        let shields = (0..10).map(|number| {
            let inner = async move { Rc::new(number) }.shield_local(rig.spawner());
            async { *inner.await + 1 }.shield_local(rig.spawner())
        });
        join_all(shields.collect::<Vec<_>>()).await
    });
    assert_eq!(values, (1..=10).collect::<Vec<_>>());
}

/// Scenario 54.
fn awaited_at_shutdown<R: LocalRig>(rig: R) {
    let drops = Rc::new(Cell::new(0));
    let held = Here::new(&drops);
    let mut kept = Vec::new();
    rig.run(async {
        let (start, started) = oneshot::channel();
        let work = HoldsUntilDrop::new(held, async {
            start.send(()).unwrap();
            pending::<Rc<()>>().await
        });
        kept.push(work.shield_local(rig.spawner()).fallible());
        started.await.unwrap();
        // The executor may or may not poll this one before `run` returns.
        kept.push(pending::<Rc<()>>().shield_local(rig.spawner()).fallible());
    });
    drop(rig);
    assert_eq!(drops.get(), 1);
    let errors: Vec<_> = block_on(join_all(kept)).into_iter().map(Result::unwrap_err).collect();
    assert!(errors.iter().all(|error| error.is_cancelled() && !error.is_panic()));
    assert!(errors[0].was_started());
}

/// Scenario 55.
fn orphan_at_shutdown<R: LocalRig>(rig: R) {
    let (tell, mut told) = mpsc::unbounded_channel();
    rig.run(async {
        let (start, started) = oneshot::channel();
        let shield = async {
            start.send(()).unwrap();
            pending::<Rc<()>>().await
        }
        .shield_local(rig.spawner());
        drop(shield.on_orphan(move |outcome| tell.send(outcome.unwrap_err()).unwrap()));
        started.await.unwrap();
    });
    assert!(told.try_recv().is_err());
    drop(rig);
    let error: ShieldError = told.try_recv().unwrap();
    assert!(error.is_cancelled() && error.was_started());
    assert!(told.try_recv().is_err());
}

/// Scenario 58c.
fn permits_are_free_at_delivery<R: LocalRig>(rig: R) {
    // Leaked, so that a hook, which is `Send`, can read it.
    let take = || {
        let permits: &'static Semaphore = Box::leak(Box::new(Semaphore::new(1)));
        (permits, permits.try_acquire().unwrap())
    };
    rig.run(async {
        let (permits, permit) = take();
        assert_eq!(
            *HoldsUntilDrop::new(permit, async { Rc::new(7) })
                .shield_local(rig.spawner())
                .await,
            7
        );
        assert_eq!(permits.available_permits(), 1);

        let (permits, permit) = take();
        let (tell, told) = oneshot::channel();
        let shield = HoldsUntilDrop::new(permit, async { Rc::new(7) }).shield_local(rig.spawner());
        drop(shield.on_orphan(|_| tell.send(permits.available_permits()).unwrap()));
        assert_eq!(told.await, Ok(1));
    });
    let (permits, permit) = take();
    let (tell, told) = oneshot::channel();
    rig.run(async {
        let shield = HoldsUntilDrop::new(permit, pending::<Rc<()>>()).shield_local(rig.spawner());
        drop(shield.on_orphan(|_| tell.send(permits.available_permits()).unwrap()));
    });
    drop(rig);
    assert_eq!(block_on(told), Ok(1));
}

/// Scenario 58b.
fn location_is_known<R: LocalRig>(rig: R) {
    let error = rig.run(async {
        let line = line!() + 1;
        let shield = async { panic_any(Payload) }.shield_local(rig.spawner()).fallible();
        assert_eq!(shield.location().line(), line);
        let outcome: Result<Rc<()>, ShieldError> = shield.await;
        let error = outcome.unwrap_err();
        assert_eq!((error.location().file(), error.location().line()), (file!(), line));
        error
    });
    assert!(error.to_string().contains(file!()));
}

/// A payload that is no text.
struct Payload;
