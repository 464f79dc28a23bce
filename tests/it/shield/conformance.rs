//! What must be the same on every spawner, of `Send` and of local futures: the scenarios with a
//! star, and the promises that a runtime could break.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;

use futures_shield::{Shield, ShieldError, ShieldExt};
use futures_util::FutureExt;
use futures_util::future::{Either, join, join_all, pending, ready, select};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::support::*;

on_every_rig! {
    every:
    ready_at_the_first_poll,
    woken_by_its_end,
    woken_from_another_thread,
    err_passes_through,
    dropped_partway_finishes_once,
    dropped_before_its_first_poll,
    kept_and_never_polled,
    moved_to_another_thread,
    leaked_shield_finishes,
    panic_reaches_the_caller,
    orphan_panic_reaches_the_hook,
    loser_of_select_finishes,
    timed_out_by_reference,
    timed_out_by_value,
    dropped_join_of_shields,
    dropped_shield_of_a_join,
    nested_outer_is_dropped,
    one_of_many_waiters_leaves,
    awaited_at_shutdown,
    orphan_at_shutdown,
    location_in_every_ending,
    permits_are_free_at_delivery,
    many_at_once;
    if_it_shuts_down:
    drop_panic_at_shutdown,
    shutdown_before_the_first_poll;
}

/// Returns a gate: the second half resolves when the first one is used.
fn gate() -> (oneshot::Sender<()>, oneshot::Receiver<()>) {
    oneshot::channel()
}

/// Asserts that the executor still runs tasks.
fn assert_lives<R: AnyRig>(rig: &R) {
    assert_eq!(rig.run(rig.shield(async { "alive" })), "alive");
}

/// Scenario 1.
fn ready_at_the_first_poll<R: AnyRig>(rig: R) {
    assert_eq!(rig.run(rig.shield(async { 7 })), 7);
    assert_eq!(rig.run(rig.shield(ready("done"))), "done");
}

/// Scenario 2: the shield is not polled again before its waker was woken.
fn woken_by_its_end<R: AnyRig>(rig: R) {
    let (open, opened) = gate();
    let (wake, mut woken) = mpsc::unbounded_channel();
    let waker = callback_waker(move || wake.send(()).unwrap(), || {});
    let mut shield = rig.shield(async { opened.await.map(|()| 7) });
    assert!(poll_with(&mut shield, &waker).is_pending());
    assert!(!shield.is_finished());

    open.send(()).unwrap();
    assert_eq!(rig.run(woken.recv()), Some(()));
    assert!(shield.is_finished());
    assert_eq!(poll_with(&mut shield, &waker), Poll::Ready(Ok(7)));
    drop((shield, waker));
    assert_eq!(rig.run(woken.recv()), None, "woken once");
}

/// Scenario 2: the executor sleeps until then.
fn woken_from_another_thread<R: AnyRig>(rig: R) {
    let (open, opened) = gate();
    let (start, started) = gate();
    let opener = Thread::start(move || {
        block_on(started).unwrap();
        open.send(()).unwrap();
    });
    let shield = rig.shield(async {
        start.send(()).unwrap();
        opened.await
    });
    assert_eq!(rig.run(shield), Ok(()));
    opener.join();
}

/// Scenario 3.
fn err_passes_through<R: AnyRig>(rig: R) {
    let drops = Drops::new();
    let held = drops.one();
    let heard = Arc::new(AtomicBool::new(false));
    let hears = Arc::clone(&heard);
    let mut shield = rig.shield(async { Err::<u8, _>("sold out") }).on_orphan(move |_| {
        hears.store(true, Ordering::SeqCst);
        drop(held);
    });
    assert_eq!(rig.run(&mut shield), Err("sold out"));
    assert_eq!(drops.count(), 1, "the hook is dropped at delivery");
    drop(shield);
    assert!(!heard.load(Ordering::SeqCst));
}

/// Scenario 4.
fn dropped_partway_finishes_once<R: AnyRig>(rig: R) {
    let effects = Arc::new(AtomicUsize::new(0));
    let effect = Arc::clone(&effects);
    let (hook, mut orphaned) = hook();
    let (start, started) = gate();
    let (open, opened) = gate();
    let mut shield = rig
        .shield(async move {
            start.send(()).unwrap();
            opened.await.unwrap();
            effect.fetch_add(1, Ordering::SeqCst) + 1
        })
        .on_orphan(hook);

    rig.run(async {
        started.await.unwrap();
        assert_eq!(futures_util::poll!(&mut shield), Poll::Pending);
    });
    drop(shield);
    assert!(orphaned.is_waiting());
    open.send(()).unwrap();
    assert_eq!(rig.run(&mut orphaned).unwrap().unwrap(), 1);
    assert_eq!(effects.load(Ordering::SeqCst), 1);
}

/// Scenario 5.
fn dropped_before_its_first_poll<R: AnyRig>(rig: R) {
    let (tell, told) = oneshot::channel();
    drop(rig.shield(async { tell.send("ran").unwrap() }));
    assert_eq!(rig.run(told), Ok("ran"));

    let (hook, mut orphaned) = hook();
    rig.shield(async { 7 }).on_orphan(hook).detach();
    assert_eq!(rig.run(&mut orphaned).unwrap().unwrap(), 7);
}

/// Scenario 6.
fn kept_and_never_polled<R: AnyRig>(rig: R) {
    let drops = Drops::new();
    let output = drops.one();
    let (tell, told) = oneshot::channel();
    let shield = rig.shield(async {
        tell.send("ran").unwrap();
        output
    });
    assert_eq!(rig.run(told), Ok("ran"));
    assert_eq!(drops.count(), 0, "its output waits for it");
    let output = rig.run(shield);
    assert_eq!(drops.count(), 0);
    drop(output);
    assert_eq!(drops.count(), 1);
}

/// Scenario 22.
fn moved_to_another_thread<R: AnyRig>(rig: R) {
    let (open, opened) = gate();
    let (wakes, waker) = Wakes::new();
    let mut shield = rig.shield(async { opened.await.map(|()| 7) });
    assert!(poll_with(&mut shield, &waker).is_pending());

    let (tell, told) = oneshot::channel();
    let (mut moved, has_moved) = (shield, gate());
    let there = Thread::start(move || {
        assert!(poll(&mut moved).is_pending());
        has_moved.0.send(()).unwrap();
        tell.send(block_on(moved)).unwrap();
    });
    rig.run(has_moved.1).unwrap();
    open.send(()).unwrap();
    assert_eq!(rig.run(told), Ok(Ok(7)));
    there.join();
    assert_eq!(wakes.count(), 0, "only the latest waker is woken");
}

/// Scenario 23.
fn leaked_shield_finishes<R: AnyRig>(rig: R) {
    let drops = Drops::new();
    let output = drops.one();
    let (hook, mut orphaned) = hook();
    let (open, opened) = gate();
    let (tell, told) = oneshot::channel();
    let shield = rig.shield(async {
        opened.await.unwrap();
        tell.send("ran").unwrap();
        output
    });
    std::mem::forget(shield.on_orphan(hook));
    open.send(()).unwrap();
    assert_eq!(rig.run(told), Ok("ran"));
    assert_lives(&rig);
    drop(rig);
    assert_eq!(drops.count(), 0, "a shield that is leaked keeps its outcome");
    assert!(orphaned.is_waiting());
}

/// Scenario 24.
fn panic_reaches_the_caller<R: AnyRig>(rig: R) {
    #[derive(Debug, PartialEq)]
    struct Payload(u32);

    let shield: Shield<()> = rig.shield(async { panic_any(Payload(7)) });
    let payload = catch_unwind(AssertUnwindSafe(|| rig.run(shield))).expect_err("it panicked");
    assert_eq!(payload.downcast_ref(), Some(&Payload(7)));

    // The same after the caller has begun to wait.
    let (open, opened) = gate();
    let mut shield = rig
        .shield(async {
            opened.await.unwrap();
            panic_any(Payload(8))
        })
        .fallible();
    rig.run(async { assert!(futures_util::poll!(&mut shield).is_pending()) });
    open.send(()).unwrap();
    let error: ShieldError = match rig.run(shield) {
        Ok(()) => panic!("it did not panic"),
        Err(error) => error,
    };
    assert!(error.is_panic() && !error.is_cancelled() && error.was_started());
    assert_eq!(error.into_panic().downcast_ref(), Some(&Payload(8)));
    assert_lives(&rig);
}

/// Scenario 25.
fn orphan_panic_reaches_the_hook<R: AnyRig>(rig: R) {
    let (hook, mut orphaned) = hook::<()>();
    let (open, opened) = gate();
    let shield = rig
        .shield(async {
            opened.await.unwrap();
            panic!("out of paper")
        })
        .on_orphan(hook);
    drop(shield);
    open.send(()).unwrap();
    let error = rig.run(&mut orphaned).unwrap().unwrap_err();
    assert!(error.is_panic() && !error.is_cancelled());
    assert!(error.to_string().ends_with("panicked: out of paper"), "{error}");
    assert_lives(&rig);
}

/// Scenario 33.
fn loser_of_select_finishes<R: AnyRig>(rig: R) {
    let (open, opened) = gate();
    let (tell, told) = oneshot::channel();
    let shield = rig.shield(async {
        opened.await.unwrap();
        tell.send("recorded").unwrap();
    });
    rig.run(async {
        tokio::select! {
            biased;
            () = shield => panic!("the gate is shut"),
            () = ready(()) => {}
        }
    });
    open.send(()).unwrap();
    assert_eq!(rig.run(told), Ok("recorded"));
}

/// Scenario 34.
fn timed_out_by_reference<R: AnyRig>(rig: R) {
    let (open, opened) = gate();
    let mut shield = rig.shield(async { opened.await.map(|()| String::from("the original")) });
    let value = rig.run(async {
        for _ in 0..3 {
            match select(&mut shield, ready("the clock")).await {
                Either::Left(_) => panic!("the gate is shut"),
                Either::Right(("the clock", _)) => {}
                Either::Right(_) => unreachable!(),
            }
        }
        open.send(()).unwrap();
        shield.await
    });
    assert_eq!(value.as_deref(), Ok("the original"));
}

/// Scenario 35.
fn timed_out_by_value<R: AnyRig>(rig: R) {
    let (open, opened) = gate();
    let (hook, mut orphaned) = hook();
    let shield = rig.shield(async { opened.await.map(|()| 7) }).on_orphan(hook);
    rig.run(async {
        match select(shield, ready(())).await {
            Either::Left(_) => panic!("the gate is shut"),
            Either::Right(((), shield)) => drop(shield),
        }
    });
    open.send(()).unwrap();
    assert_eq!(rig.run(&mut orphaned).unwrap().unwrap(), Ok(7));
}

/// Scenario 36, the first half.
fn dropped_join_of_shields<R: AnyRig>(rig: R) {
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut gates = Vec::new();
    let work: Vec<Shield<()>> = (0..3)
        .map(|number| {
            let (open, opened) = gate();
            gates.push(open);
            let tell = tell.clone();
            rig.shield(async move {
                opened.await.unwrap();
                tell.send(number).unwrap();
            })
        })
        .collect();
    drop(tell);
    let mut join = join_all(work);
    rig.run(async { assert!(futures_util::poll!(&mut join).is_pending()) });
    drop(join);
    let mut seen = Vec::new();
    for open in gates {
        open.send(()).unwrap();
        seen.push(rig.run(told.recv()).unwrap());
    }
    assert_eq!(seen, [0, 1, 2]);
    assert_eq!(rig.run(told.recv()), None);
}

/// Scenario 36, the second half.
fn dropped_shield_of_a_join<R: AnyRig>(rig: R) {
    let (open, opened) = gate();
    let (open_too, opened_too) = gate();
    let (hook, mut orphaned) = hook();
    let work = join(opened.map(|_| 1), opened_too.map(|_| 2));
    let mut shield = rig.shield(work).on_orphan(hook);
    rig.run(async { assert!(futures_util::poll!(&mut shield).is_pending()) });
    open.send(()).unwrap();
    drop(shield);
    open_too.send(()).unwrap();
    assert_eq!(rig.run(&mut orphaned).unwrap().unwrap(), (1, 2));
}

/// Scenario 38.
fn nested_outer_is_dropped<R: AnyRig>(rig: R) {
    let (open, opened) = gate();
    let (start, started) = gate();
    let (hook, mut orphaned) = hook();
    // The inner work holds no spawner: a task that keeps its executor alive keeps itself alive.
    let inner = rig.shield(async {
        start.send(()).unwrap();
        opened.await.map(|()| 7)
    });
    let outer = rig.shield(async { inner.await.map(|seven| seven + 1) }).on_orphan(hook);
    rig.run(started).unwrap();
    drop(outer);
    open.send(()).unwrap();
    assert_eq!(rig.run(&mut orphaned).unwrap().unwrap(), Ok(8));

    let nested = rig.shield(rig.shield(rig.shield(async { 1 })));
    assert_eq!(rig.run(nested), 1);
}

/// Scenario 40.
fn one_of_many_waiters_leaves<R: AnyRig>(rig: R) {
    let (open, opened) = gate();
    let first = rig.shield(async { opened.await.map(|()| 7).map_err(drop) }).shared();
    let second = first.clone();
    let mut third = first.clone();
    let values = rig.run(async {
        assert!(futures_util::poll!(&mut third).is_pending());
        drop(third);
        join(join(first, second), async { open.send(()).unwrap() }).await.0
    });
    assert_eq!(values, (Ok(7), Ok(7)));
}

/// Scenario 54. [`AnyRig::SHUTDOWN`] says which executors drop the tasks that they hold.
fn awaited_at_shutdown<R: AnyRig>(rig: R) {
    let drops = Drops::new();
    let (start, started) = gate();
    let (open, opened) = gate();
    let work = HoldsUntilDrop::new(drops.one(), async {
        start.send(()).unwrap();
        opened.await.is_ok()
    });
    let mut shield = rig.shield(work).fallible();
    rig.run(started).unwrap();
    let (wakes, waker) = Wakes::new();
    assert!(poll_with(&mut shield, &waker).is_pending());

    let shutdown = rig.shutdown();
    rig.shut_down();
    match shutdown {
        Shutdown::Drops => {}
        Shutdown::DropsWhenWoken => {
            assert!(!shield.is_finished());
            open.send(()).unwrap();
        }
        Shutdown::Never => {
            assert!(!shield.is_finished());
            open.send(()).unwrap();
            assert!(block_on(shield).unwrap());
            return;
        }
    }
    assert_eq!(wakes.count(), 1, "whoever awaits it is woken");
    assert_eq!(drops.count(), 1);
    let error = block_on(shield).unwrap_err();
    assert!(error.is_cancelled() && !error.is_panic() && error.was_started());
    assert!(
        error
            .to_string()
            .ends_with("was cancelled by its executor after it had started"),
        "{error}"
    );
}

/// Scenario 55.
fn orphan_at_shutdown<R: AnyRig>(rig: R) {
    let (hook, mut orphaned) = hook();
    let (start, started) = gate();
    let (open, opened) = gate();
    let shield = rig
        .shield(async {
            start.send(()).unwrap();
            opened.await.is_ok()
        })
        .on_orphan(hook);
    rig.run(started).unwrap();
    drop(shield);
    let shutdown = rig.shutdown();
    rig.shut_down();
    if shutdown != Shutdown::Drops {
        open.send(()).unwrap();
    }
    let outcome = block_on(&mut orphaned).unwrap();
    if shutdown == Shutdown::Never {
        assert!(outcome.unwrap());
    } else {
        let error = outcome.unwrap_err();
        assert!(error.is_cancelled() && !error.is_panic() && error.was_started());
    }
}

/// Scenarios 53 and 54: work that was handed over and never polled may be retried.
fn shutdown_before_the_first_poll<R: AnyRig>(rig: R) {
    // An executor with threads may poll the work first or not, so the work records it.
    let polled = Arc::new(AtomicBool::new(false));
    let polls = Arc::clone(&polled);
    let (keep, kept) = gate();
    let shield = rig
        .shield(async move {
            polls.store(true, Ordering::SeqCst);
            kept.await.is_ok()
        })
        .fallible();
    rig.shut_down();
    drop(keep);
    match block_on(shield) {
        Ok(value) => assert!(!value && polled.load(Ordering::SeqCst)),
        Err(error) => {
            assert!(error.is_cancelled());
            assert_eq!(error.was_started(), polled.load(Ordering::SeqCst));
        }
    }
}

/// Scenario 28: the drop of the work panics when its executor drops it. A panic that left the task
/// would abort on some of these.
fn drop_panic_at_shutdown<R: AnyRig>(rig: R) {
    let (start, mut started) = mpsc::unbounded_channel();
    // What is woken after the shutdown is dropped then, if not before.
    let (open, opened) = tokio::sync::watch::channel(());
    let work = || {
        let (start, mut opened) = (start.clone(), opened.clone());
        HoldsUntilDrop::new(Bomb("a future"), async move {
            start.send(()).unwrap();
            let _ = opened.changed().await;
            pending::<()>().await;
        })
    };
    let awaited = rig.shield(work()).fallible();
    let (hook, orphaned) = hook();
    drop(rig.shield(work()).on_orphan(hook));
    for _ in 0..2 {
        rig.run(started.recv()).unwrap();
    }
    rig.shut_down();
    let _ = open.send(());
    for error in [block_on(awaited).unwrap_err(), block_on(orphaned).unwrap().unwrap_err()] {
        assert!(error.is_cancelled() && !error.is_panic() && error.was_started());
    }
}

/// Scenario 58b.
fn location_in_every_ending<R: AnyRig>(rig: R) {
    fn assert_here(error: &ShieldError, line: u32) {
        assert_eq!((error.location().file(), error.location().line()), (file!(), line));
        let text = format!("{}:{line}:", file!());
        assert!(error.to_string().contains(&text), "{error}");
        assert!(format!("{error:?}").contains(&text), "{error:?}");
    }

    async fn jam() {
        panic!("out of paper");
    }

    let line = line!() + 1;
    let awaited = rig.shield(jam());
    assert_eq!((awaited.location().file(), awaited.location().line()), (file!(), line));
    let awaited = awaited.fallible();
    assert_eq!(awaited.location().line(), line);
    assert_here(&rig.run(awaited).unwrap_err(), line);

    let (hook, mut orphaned) = hook();
    let line = line!() + 1;
    let orphan = rig.shield(jam());
    drop(orphan.on_orphan(hook));
    assert_here(&rig.run(&mut orphaned).unwrap().unwrap_err(), line);

    if rig.shutdown() == Shutdown::Drops {
        let line = line!() + 1;
        let cancelled = rig.shield(pending::<()>());
        rig.shut_down();
        assert_here(&block_on(cancelled.fallible()).unwrap_err(), line);
    }
}

/// Scenario 58c.
fn permits_are_free_at_delivery<R: AnyRig>(rig: R) {
    let permits = Arc::new(Semaphore::new(1));
    let take = || {
        Arc::clone(&permits)
            .try_acquire_owned()
            .expect("the one before has given it back")
    };

    // Many times, because it is a race on some of these executors.
    for round in 0..50 {
        // Finished, and panicked.
        let work = HoldsUntilDrop::new(take(), async move { round });
        assert_eq!(rig.run(rig.shield(work)), round);
        let work = HoldsUntilDrop::new(take(), async { panic_any(7) });
        let error = rig.run(
            rig.shield(work)
                .fallible()
                .map(|outcome: Result<(), _>| outcome.unwrap_err()),
        );
        assert!(error.is_panic());

        // The same as orphans: in the hook they are free.
        let (tell, mut told) = mpsc::unbounded_channel();
        let look = || {
            let (tell, permits) = (tell.clone(), Arc::clone(&permits));
            move || tell.send(permits.available_permits()).unwrap()
        };
        let here = look();
        drop(
            rig.shield(HoldsUntilDrop::new(take(), ready(round)))
                .on_orphan(move |_| here()),
        );
        assert_eq!(rig.run(told.recv()), Some(1));
        let here = look();
        drop(
            rig.shield(HoldsUntilDrop::new(take(), async { panic_any(7) }))
                .on_orphan(move |_: Result<(), _>| here()),
        );
        assert_eq!(rig.run(told.recv()), Some(1));

        // Its drop panics, once it has finished.
        let held = (take(), OnDrop::new(|| panic!("on its way out")));
        let error = rig
            .run(rig.shield(HoldsUntilDrop::new(held, ready(7))).fallible())
            .unwrap_err();
        assert!(error.to_string().ends_with("panicked: on its way out"), "{error}");
    }

    // Cancelled.
    if rig.shutdown() == Shutdown::Drops {
        let work = HoldsUntilDrop::new(take(), pending::<()>());
        let mut shield = rig.shield(work).fallible();
        let seen = Arc::clone(&permits);
        let (tell, told) = oneshot::channel();
        let elsewhere = Thread::start(move || {
            tell.send(()).unwrap();
            let error = block_on(&mut shield).unwrap_err();
            (error.is_cancelled(), seen.available_permits())
        });
        rig.run(told).unwrap();
        rig.shut_down();
        assert_eq!(elsewhere.join(), (true, 1));
    }
}

/// Every caller gets its own outcome, with every worker of the executor busy.
fn many_at_once<R: AnyRig>(rig: R) {
    let shields: Vec<_> = (0..500_usize)
        .map(|number| {
            rig.shield(async move {
                if number % 7 == 0 {
                    panic_any(number);
                }
                number
            })
            .fallible()
        })
        .collect();
    let outcomes = rig.run(join_all(shields));
    for (number, outcome) in outcomes.into_iter().enumerate() {
        match outcome {
            Ok(value) => assert!(value == number && number % 7 != 0),
            Err(error) => {
                let payload: Box<dyn Any + Send> = error.into_panic();
                assert_eq!(payload.downcast_ref(), Some(&number));
                assert_eq!(number % 7, 0);
            }
        }
    }
}

/// A spawner can be called from anywhere, and whenever. (Not one of local futures.)
mod spawner {
    use super::*;

    on_every_spawner! {
        every: works_from_anywhere;
        if_it_shuts_down: drops_work_after_shutdown;
    }

    /// From any thread, in another runtime, in `Drop`, while unwinding.
    fn works_from_anywhere(rig: Rig) {
        let (tell, mut told) = mpsc::unbounded_channel();
        let work = |place: &'static str| {
            let tell = tell.clone();
            async move { tell.send(place).unwrap() }
        };

        let (spawner, there) = (rig.spawner(), work("a thread"));
        on_a_thread(move || there.shield(spawner).detach());
        assert_eq!(rig.run(told.recv()), Some("a thread"));

        let foreign = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let (spawner, there) = (rig.spawner(), work("another runtime"));
        let poll_there = async { there.shield(spawner).detach() };
        foreign.block_on(poll_there);
        drop(foreign);
        assert_eq!(rig.run(told.recv()), Some("another runtime"));

        let (spawner, there) = (rig.spawner(), work("a drop"));
        let guard = OnDrop::new(move || there.shield(spawner).detach());
        drop_while_unwinding(guard);
        assert_eq!(rig.run(told.recv()), Some("a drop"));

        let (spawner, there) = (rig.spawner(), work("the work itself"));
        let (done, is_done) = gate();
        async move {
            there.shield(spawner).detach();
            done.send(()).unwrap();
        }
        .shield(rig.spawner())
        .detach();
        rig.run(is_done).unwrap();
        assert_eq!(rig.run(told.recv()), Some("the work itself"));
    }

    /// Scenario 53.
    fn drops_work_after_shutdown(Rig { new, .. }: Rig) {
        // Some executors are dropped with their last spawner, and others before.
        for spawner_of in [Rig::spawner, Rig::spawner_without_executor] {
            let rig = new();
            let polled = Arc::new(AtomicBool::new(false));
            let polls = Arc::clone(&polled);
            let drops = Drops::new();
            let spawner = spawner_of(&rig);
            rig.shut_down();

            let work = HoldsUntilDrop::new(drops.one(), async move { polls.store(true, Ordering::SeqCst) });
            let mut shield = work.shield(spawner).fallible();
            assert!(shield.is_finished(), "nothing to wait for");
            assert_eq!(drops.count(), 1);
            let error = block_on(&mut shield).unwrap_err();
            assert!(error.is_cancelled() && !error.is_panic() && !error.was_started());
            assert!(!polled.load(Ordering::SeqCst));
        }
    }
}
