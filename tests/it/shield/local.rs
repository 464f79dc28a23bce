//! Scenario 61: `.shield_local`, on every spawner of local futures. Futures and outputs that are not `Send` stay on their thread.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::rc::Rc;
use std::thread;

use futures_shield::{Shield, ShieldError, ShieldExt};
use futures_util::future::{Either, join_all, pending, ready, select};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::support::{Drops, Holding, LocalRig, block_on, join};

on_every_local_spawner! {
    an_output_that_is_not_send,
    it_stays_on_its_thread,
    woken_from_another_thread,
    dropped_half_way_it_finishes_once,
    dropped_before_its_first_poll_it_runs,
    kept_and_never_polled_it_runs,
    an_err_passes_through_and_the_hook_stays_unheard,
    a_panic_reaches_the_caller_and_the_executor_lives,
    a_panic_of_an_orphan_reaches_the_hook,
    timed_out_then_awaited_it_gives_the_value,
    nested_and_joined,
    its_executor_goes_while_it_is_awaited,
    its_executor_goes_and_it_is_an_orphan,
    permits_are_free_when_the_outcome_arrives,
    the_call_site_is_known,
}

/// Says on which thread it is dropped. Not `Send`.
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
fn an_output_that_is_not_send<R: LocalRig>(rig: R) {
    let value = rig.run(async { async { Rc::new(7) }.shield_local(rig.spawner()).await });
    assert_eq!(*value, 7);
}

/// Scenarios 61 and 62.
fn it_stays_on_its_thread<R: LocalRig>(rig: R) {
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
    let opener = thread::spawn(move || {
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
    join(opener);
}

/// Scenario 4.
fn dropped_half_way_it_finishes_once<R: LocalRig>(rig: R) {
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
fn dropped_before_its_first_poll_it_runs<R: LocalRig>(rig: R) {
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
fn kept_and_never_polled_it_runs<R: LocalRig>(rig: R) {
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
fn an_err_passes_through_and_the_hook_stays_unheard<R: LocalRig>(rig: R) {
    let drops = Drops::new();
    let held = drops.one();
    rig.run(async {
        let shield = async { Err::<(), _>(Rc::new("sold out")) }.shield_local(rig.spawner());
        let outcome = shield
            .on_orphan(move |_| {
                let _held = held;
                panic!("it was delivered");
            })
            .await;
        assert_eq!(outcome, Err(Rc::new("sold out")));
        assert_eq!(drops.count(), 1);
    });
}

/// Scenario 24.
fn a_panic_reaches_the_caller_and_the_executor_lives<R: LocalRig>(rig: R) {
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
fn a_panic_of_an_orphan_reaches_the_hook<R: LocalRig>(rig: R) {
    let (tell, told) = oneshot::channel();
    rig.run(async {
        let shield: Shield<Rc<()>> = async { panic_any(7) }.shield_local(rig.spawner());
        drop(shield.on_orphan(|outcome| tell.send(outcome.unwrap_err().into_panic()).unwrap()));
        assert_eq!(told.await.unwrap().downcast_ref(), Some(&7));
    });
}

/// Scenario 34.
fn timed_out_then_awaited_it_gives_the_value<R: LocalRig>(rig: R) {
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
fn its_executor_goes_while_it_is_awaited<R: LocalRig>(rig: R) {
    let drops = Rc::new(Cell::new(0));
    let held = Here::new(&drops);
    let mut kept = Vec::new();
    rig.run(async {
        let (start, started) = oneshot::channel();
        let work = Holding::new(held, async {
            start.send(()).unwrap();
            pending::<Rc<()>>().await
        });
        kept.push(work.shield_local(rig.spawner()).fallible());
        started.await.unwrap();
        // Whether this one is polled on the way out of `run` is the executor's business.
        kept.push(pending::<Rc<()>>().shield_local(rig.spawner()).fallible());
    });
    drop(rig);
    assert_eq!(drops.get(), 1);
    let errors: Vec<_> = block_on(join_all(kept)).into_iter().map(Result::unwrap_err).collect();
    assert!(errors.iter().all(|error| error.is_cancelled() && !error.is_panic()));
    assert!(errors[0].was_started());
}

/// Scenario 55.
fn its_executor_goes_and_it_is_an_orphan<R: LocalRig>(rig: R) {
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
fn permits_are_free_when_the_outcome_arrives<R: LocalRig>(rig: R) {
    // Leaked, so that a hook, which is `Send`, can look at it.
    let take = || {
        let permits: &'static Semaphore = Box::leak(Box::new(Semaphore::new(1)));
        (permits, permits.try_acquire().unwrap())
    };
    rig.run(async {
        let (permits, permit) = take();
        assert_eq!(
            *Holding::new(permit, async { Rc::new(7) })
                .shield_local(rig.spawner())
                .await,
            7
        );
        assert_eq!(permits.available_permits(), 1);

        let (permits, permit) = take();
        let (tell, told) = oneshot::channel();
        let shield = Holding::new(permit, async { Rc::new(7) }).shield_local(rig.spawner());
        drop(shield.on_orphan(|_| tell.send(permits.available_permits()).unwrap()));
        assert_eq!(told.await, Ok(1));
    });
    let (permits, permit) = take();
    let (tell, told) = oneshot::channel();
    rig.run(async {
        let shield = Holding::new(permit, pending::<Rc<()>>()).shield_local(rig.spawner());
        drop(shield.on_orphan(|_| tell.send(permits.available_permits()).unwrap()));
    });
    drop(rig);
    assert_eq!(block_on(told), Ok(1));
}

/// Scenario 58b.
fn the_call_site_is_known<R: LocalRig>(rig: R) {
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

/// What somebody panics with that is no text.
struct Payload;
