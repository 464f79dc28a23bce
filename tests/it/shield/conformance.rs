//! What has to be the same on every spawner: the starred scenarios, and the promises that a runtime could break.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;

use futures_shield::{Shield, ShieldError, ShieldExt, shield};
use futures_util::FutureExt;
use futures_util::future::{Either, join, join_all, pending, ready, select};
use tokio::sync::{Semaphore, mpsc, oneshot};

use crate::support::{
    DropTeller, Drops, Holding, Rig, Shutdown, Wakes, block_on, join as join_thread, panics_with, poll, poll_with,
    telling_hook,
};

on_every_spawner! {
    ready_at_the_first_poll,
    pending_then_woken_by_its_end,
    an_err_passes_through_and_the_hook_is_dropped_unheard,
    dropped_half_way_it_finishes_once,
    dropped_before_its_first_poll_it_runs,
    kept_and_never_polled_it_runs,
    moved_to_another_thread_half_way,
    leaked_it_finishes,
    a_panic_reaches_the_caller_with_its_payload_and_the_executor_lives,
    a_panic_of_an_orphan_reaches_the_hook_and_the_executor_lives,
    the_loser_of_a_select_finishes,
    timed_out_by_reference_then_awaited_it_gives_the_value,
    timed_out_by_value_it_goes_on,
    a_dropped_join_of_shields_goes_on,
    a_dropped_shield_of_a_join_goes_on,
    nested_shields_with_the_outer_one_dropped,
    many_waiters_of_which_one_leaves,
    spawned_after_shutdown_it_is_cancelled_unpolled,
    shut_down_while_awaited_it_is_cancelled_or_goes_on,
    shut_down_as_an_orphan_the_hook_gets_it,
    shut_down_before_its_first_poll_it_has_not_started,
    the_call_site_is_known_in_every_ending,
    permits_are_free_when_the_outcome_arrives,
    the_spawner_can_be_called_from_anywhere,
    many_at_once_each_gets_its_own,
}

/// A gate: whoever awaits the second half waits for the first to be used.
fn gate() -> (oneshot::Sender<()>, oneshot::Receiver<()>) {
    oneshot::channel()
}

/// The executor still runs what it is given.
fn assert_lives<R: Rig>(rig: &R) {
    assert_eq!(rig.run(async { "alive" }.shield(rig.spawner())), "alive");
}

/// Scenario 1.
fn ready_at_the_first_poll<R: Rig>(rig: R) {
    assert_eq!(rig.run(async { 7 }.shield(rig.spawner())), 7);
    assert_eq!(rig.run(shield(rig.spawner(), ready("done"))), "done");
}

/// Scenario 2.
fn pending_then_woken_by_its_end<R: Rig>(rig: R) {
    let (open, opened) = gate();
    let (wakes, waker) = Wakes::new();
    let mut shield = async { opened.await.map(|()| 7) }.shield(rig.spawner());
    assert!(poll_with(&mut shield, &waker).is_pending());
    assert!(!shield.is_finished());

    open.send(()).unwrap();
    assert_eq!(rig.run(&mut shield), Ok(7));
    assert!(shield.is_finished());
    // `run` has put its own waker in the place of this one, unless the work ended before.
    assert!(wakes.count() <= 1);
}

/// Scenario 3.
fn an_err_passes_through_and_the_hook_is_dropped_unheard<R: Rig>(rig: R) {
    let drops = Drops::new();
    let held = drops.one();
    let heard = Arc::new(AtomicBool::new(false));
    let hears = Arc::clone(&heard);
    let mut shield = async { Err::<u8, _>("sold out") }
        .shield(rig.spawner())
        .on_orphan(move |_| {
            hears.store(true, Ordering::SeqCst);
            drop(held);
        });
    assert_eq!(rig.run(&mut shield), Err("sold out"));
    assert_eq!(drops.count(), 1, "the hook is dropped at delivery");
    drop(shield);
    assert!(!heard.load(Ordering::SeqCst));
}

/// Scenario 4.
fn dropped_half_way_it_finishes_once<R: Rig>(rig: R) {
    let effects = Arc::new(AtomicUsize::new(0));
    let effect = Arc::clone(&effects);
    let (hook, mut orphaned) = telling_hook();
    let (start, started) = gate();
    let (open, opened) = gate();
    let mut shield = async move {
        start.send(()).unwrap();
        opened.await.unwrap();
        effect.fetch_add(1, Ordering::SeqCst) + 1
    }
    .shield(rig.spawner())
    .on_orphan(hook);

    rig.run(async {
        started.await.unwrap();
        assert_eq!(futures_util::poll!(&mut shield), Poll::Pending);
    });
    drop(shield);
    assert!(orphaned.try_recv().is_err());
    open.send(()).unwrap();
    assert_eq!(rig.run(orphaned.recv()).unwrap().unwrap(), 1);
    assert_eq!(effects.load(Ordering::SeqCst), 1);
    assert!(rig.run(orphaned.recv()).is_none());
}

/// Scenario 5.
fn dropped_before_its_first_poll_it_runs<R: Rig>(rig: R) {
    let (tell, told) = oneshot::channel();
    drop(async { tell.send("ran").unwrap() }.shield(rig.spawner()));
    assert_eq!(rig.run(told), Ok("ran"));

    let (hook, mut orphaned) = telling_hook();
    async { 7 }.shield(rig.spawner()).on_orphan(hook).detach();
    assert_eq!(rig.run(orphaned.recv()).unwrap().unwrap(), 7);
}

/// Scenario 6.
fn kept_and_never_polled_it_runs<R: Rig>(rig: R) {
    let drops = Drops::new();
    let output = drops.one();
    let (tell, told) = oneshot::channel();
    let shield = async {
        tell.send("ran").unwrap();
        output
    }
    .shield(rig.spawner());
    assert_eq!(rig.run(told), Ok("ran"));
    assert_eq!(drops.count(), 0, "its output waits for it");
    let output = rig.run(shield);
    assert_eq!(drops.count(), 0);
    drop(output);
    assert_eq!(drops.count(), 1);
}

/// Scenario 22.
fn moved_to_another_thread_half_way<R: Rig>(rig: R) {
    let (open, opened) = gate();
    let (wakes, waker) = Wakes::new();
    let mut shield = async { opened.await.map(|()| 7) }.shield(rig.spawner());
    assert!(poll_with(&mut shield, &waker).is_pending());

    let (tell, told) = oneshot::channel();
    let (mut moved, has_moved) = (shield, gate());
    let there = thread::spawn(move || {
        assert!(poll(&mut moved).is_pending());
        has_moved.0.send(()).unwrap();
        tell.send(block_on(moved)).unwrap();
    });
    rig.run(has_moved.1).unwrap();
    open.send(()).unwrap();
    assert_eq!(rig.run(told), Ok(Ok(7)));
    join_thread(there);
    assert_eq!(wakes.count(), 0, "only the latest waker is woken");
}

/// Scenario 23.
fn leaked_it_finishes<R: Rig>(rig: R) {
    let drops = Drops::new();
    let output = drops.one();
    let (open, opened) = gate();
    let (tell, told) = oneshot::channel();
    let shield = async {
        opened.await.unwrap();
        tell.send("ran").unwrap();
        output
    }
    .shield(rig.spawner());
    std::mem::forget(shield);
    open.send(()).unwrap();
    assert_eq!(rig.run(told), Ok("ran"));
    assert_lives(&rig);
    drop(rig);
    assert_eq!(drops.count(), 0, "a shield that is leaked keeps its outcome");
}

/// Scenario 24.
fn a_panic_reaches_the_caller_with_its_payload_and_the_executor_lives<R: Rig>(rig: R) {
    #[derive(Debug, PartialEq)]
    struct Payload(u32);

    let shield: Shield<()> = async { panic_any(Payload(7)) }.shield(rig.spawner());
    let payload = catch_unwind(AssertUnwindSafe(|| rig.run(shield))).expect_err("it panicked");
    assert_eq!(payload.downcast_ref(), Some(&Payload(7)));

    // The same after the caller has begun to wait.
    let (open, opened) = gate();
    let mut shield = async {
        opened.await.unwrap();
        panic_any(Payload(8))
    }
    .shield(rig.spawner())
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
fn a_panic_of_an_orphan_reaches_the_hook_and_the_executor_lives<R: Rig>(rig: R) {
    let (hook, mut orphaned) = telling_hook::<()>();
    let (open, opened) = gate();
    let shield = async {
        opened.await.unwrap();
        panic!("out of paper")
    }
    .shield(rig.spawner())
    .on_orphan(hook);
    drop(shield);
    open.send(()).unwrap();
    let error = rig.run(orphaned.recv()).unwrap().unwrap_err();
    assert!(error.is_panic() && !error.is_cancelled());
    assert!(error.to_string().ends_with("panicked: out of paper"), "{error}");
    assert!(rig.run(orphaned.recv()).is_none());
    assert_lives(&rig);
}

/// Scenario 33.
fn the_loser_of_a_select_finishes<R: Rig>(rig: R) {
    let (open, opened) = gate();
    let (tell, told) = oneshot::channel();
    let shield = async {
        opened.await.unwrap();
        tell.send("recorded").unwrap();
    }
    .shield(rig.spawner());
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
fn timed_out_by_reference_then_awaited_it_gives_the_value<R: Rig>(rig: R) {
    let (open, opened) = gate();
    let mut shield = async { opened.await.map(|()| String::from("the original")) }.shield(rig.spawner());
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
fn timed_out_by_value_it_goes_on<R: Rig>(rig: R) {
    let (open, opened) = gate();
    let (hook, mut orphaned) = telling_hook();
    let shield = async { opened.await.map(|()| 7) }.shield(rig.spawner()).on_orphan(hook);
    rig.run(async {
        match select(shield, ready(())).await {
            Either::Left(_) => panic!("the gate is shut"),
            Either::Right(((), shield)) => drop(shield),
        }
    });
    open.send(()).unwrap();
    assert_eq!(rig.run(orphaned.recv()).unwrap().unwrap(), Ok(7));
}

/// Scenario 36, the first half.
fn a_dropped_join_of_shields_goes_on<R: Rig>(rig: R) {
    let (tell, mut told) = mpsc::unbounded_channel();
    let mut gates = Vec::new();
    let work: Vec<Shield<()>> = (0..3)
        .map(|number| {
            let (open, opened) = gate();
            gates.push(open);
            let tell = tell.clone();
            async move {
                opened.await.unwrap();
                tell.send(number).unwrap();
            }
            .shield(rig.spawner())
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
fn a_dropped_shield_of_a_join_goes_on<R: Rig>(rig: R) {
    let (open, opened) = gate();
    let (open_too, opened_too) = gate();
    let (hook, mut orphaned) = telling_hook();
    let work = join(opened.map(|_| 1), opened_too.map(|_| 2));
    let mut shield = work.shield(rig.spawner()).on_orphan(hook);
    rig.run(async { assert!(futures_util::poll!(&mut shield).is_pending()) });
    open.send(()).unwrap();
    drop(shield);
    open_too.send(()).unwrap();
    assert_eq!(rig.run(orphaned.recv()).unwrap().unwrap(), (1, 2));
}

/// Scenario 38.
fn nested_shields_with_the_outer_one_dropped<R: Rig>(rig: R) {
    let (open, opened) = gate();
    let (start, started) = gate();
    let (hook, mut orphaned) = telling_hook();
    // Not a spawner of its own: a task that kept its executor would keep itself.
    let inner = async {
        start.send(()).unwrap();
        opened.await.map(|()| 7)
    }
    .shield(rig.spawner());
    let outer = async { inner.await.map(|seven| seven + 1) }
        .shield(rig.spawner())
        .on_orphan(hook);
    rig.run(started).unwrap();
    drop(outer);
    open.send(()).unwrap();
    assert_eq!(rig.run(orphaned.recv()).unwrap().unwrap(), Ok(8));

    let nested = async { 1 }
        .shield(rig.spawner())
        .shield(rig.spawner())
        .shield(rig.spawner());
    assert_eq!(rig.run(nested), 1);
}

/// Scenario 40.
fn many_waiters_of_which_one_leaves<R: Rig>(rig: R) {
    let (open, opened) = gate();
    let first = async { opened.await.map(|()| 7).map_err(drop) }
        .shield(rig.spawner())
        .shared();
    let second = first.clone();
    let mut third = first.clone();
    let values = rig.run(async {
        assert!(futures_util::poll!(&mut third).is_pending());
        drop(third);
        join(join(first, second), async { open.send(()).unwrap() }).await.0
    });
    assert_eq!(values, (Ok(7), Ok(7)));
}

/// Scenario 53.
fn spawned_after_shutdown_it_is_cancelled_unpolled<R: Rig>(rig: R) {
    if R::SHUTDOWN == Shutdown::Never {
        return;
    }
    let polled = Arc::new(AtomicBool::new(false));
    let polls = Arc::clone(&polled);
    let drops = Drops::new();
    let spawner = rig.spawner();
    rig.shut_down();

    let work = Holding::new(drops.one(), async move { polls.store(true, Ordering::SeqCst) });
    let mut shield = work.shield(spawner).fallible();
    assert!(shield.is_finished(), "nothing to wait for");
    assert_eq!(drops.count(), 1);
    let error = block_on(&mut shield).unwrap_err();
    assert!(error.is_cancelled() && !error.is_panic() && !error.was_started());
    assert!(!polled.load(Ordering::SeqCst));
}

/// Scenario 54. Which executors do not drop what they hold, the rigs say: [`Rig::SHUTDOWN`].
fn shut_down_while_awaited_it_is_cancelled_or_goes_on<R: Rig>(rig: R) {
    let drops = Drops::new();
    let (start, started) = gate();
    let (open, opened) = gate();
    let work = Holding::new(drops.one(), async {
        start.send(()).unwrap();
        opened.await.is_ok()
    });
    let mut shield = work.shield(rig.spawner()).fallible();
    rig.run(started).unwrap();
    let (wakes, waker) = Wakes::new();
    assert!(poll_with(&mut shield, &waker).is_pending());

    rig.shut_down();
    match R::SHUTDOWN {
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
fn shut_down_as_an_orphan_the_hook_gets_it<R: Rig>(rig: R) {
    let (hook, mut orphaned) = telling_hook();
    let (start, started) = gate();
    let (open, opened) = gate();
    let shield = async {
        start.send(()).unwrap();
        opened.await.is_ok()
    }
    .shield(rig.spawner())
    .on_orphan(hook);
    rig.run(started).unwrap();
    drop(shield);
    rig.shut_down();
    if R::SHUTDOWN != Shutdown::Drops {
        open.send(()).unwrap();
    }
    let outcome = block_on(orphaned.recv()).unwrap();
    if R::SHUTDOWN == Shutdown::Never {
        assert!(outcome.unwrap());
    } else {
        let error = outcome.unwrap_err();
        assert!(error.is_cancelled() && !error.is_panic() && error.was_started());
    }
    assert!(block_on(orphaned.recv()).is_none(), "once");
}

/// Scenarios 53 and 54, and promise 4: what was handed over and never polled may be retried.
fn shut_down_before_its_first_poll_it_has_not_started<R: Rig>(rig: R) {
    if R::SHUTDOWN == Shutdown::Never {
        return;
    }
    // Whether an executor with threads gets to it first is open. So it says itself.
    let polled = Arc::new(AtomicBool::new(false));
    let polls = Arc::clone(&polled);
    let (keep, kept) = gate();
    let shield = async move {
        polls.store(true, Ordering::SeqCst);
        kept.await.is_ok()
    }
    .shield(rig.spawner())
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

/// Scenario 58b.
fn the_call_site_is_known_in_every_ending<R: Rig>(rig: R) {
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
    let by_method = jam().shield(rig.spawner());
    assert_eq!(
        (by_method.location().file(), by_method.location().line()),
        (file!(), line)
    );
    let by_method = by_method.fallible();
    assert_eq!(by_method.location().line(), line);
    assert_here(&rig.run(by_method).unwrap_err(), line);

    let line = line!() + 1;
    let by_function = shield(rig.spawner(), jam());
    assert_here(&rig.run(by_function.fallible()).unwrap_err(), line);

    let (hook, mut orphaned) = telling_hook();
    let line = line!() + 1;
    let orphan = jam().shield(rig.spawner());
    drop(orphan.on_orphan(hook));
    assert_here(&rig.run(orphaned.recv()).unwrap().unwrap_err(), line);

    if R::SHUTDOWN == Shutdown::Drops {
        let line = line!() + 1;
        let cancelled = pending::<()>().shield(rig.spawner());
        rig.shut_down();
        assert_here(&block_on(cancelled.fallible()).unwrap_err(), line);
    }
}

/// Scenario 58c.
fn permits_are_free_when_the_outcome_arrives<R: Rig>(rig: R) {
    let permits = Arc::new(Semaphore::new(1));
    let take = || {
        Arc::clone(&permits)
            .try_acquire_owned()
            .expect("the one before has given it back")
    };

    // Many times, for on some of these it is a race.
    for round in 0..50 {
        // Finished, and panicked.
        let work = Holding::new(take(), async move { round });
        assert_eq!(rig.run(work.shield(rig.spawner())), round);
        let work = Holding::new(take(), async { panic_any(7) });
        let error = rig.run(
            work.shield(rig.spawner())
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
            Holding::new(take(), ready(round))
                .shield(rig.spawner())
                .on_orphan(move |_| here()),
        );
        assert_eq!(rig.run(told.recv()), Some(1));
        let here = look();
        drop(
            Holding::new(take(), async { panic_any(7) })
                .shield(rig.spawner())
                .on_orphan(move |_: Result<(), _>| here()),
        );
        assert_eq!(rig.run(told.recv()), Some(1));

        // Its drop panics, once it has finished.
        let held = (take(), DropTeller::new(|| panic!("on its way out")));
        let error = rig
            .run(Holding::new(held, ready(7)).shield(rig.spawner()).fallible())
            .unwrap_err();
        assert!(error.to_string().ends_with("panicked: on its way out"), "{error}");
    }

    // Cancelled.
    if R::SHUTDOWN == Shutdown::Drops {
        let work = Holding::new(take(), pending::<()>());
        let mut shield = work.shield(rig.spawner()).fallible();
        let seen = Arc::clone(&permits);
        let (tell, told) = oneshot::channel();
        let elsewhere = thread::spawn(move || {
            tell.send(()).unwrap();
            let error = block_on(&mut shield).unwrap_err();
            (error.is_cancelled(), seen.available_permits())
        });
        rig.run(told).unwrap();
        rig.shut_down();
        assert_eq!(join_thread(elsewhere), (true, 1));
    }
}

/// "A spawner can be called from anywhere": any thread, in another runtime, in `Drop`, while unwinding.
fn the_spawner_can_be_called_from_anywhere<R: Rig>(rig: R) {
    let (tell, mut told) = mpsc::unbounded_channel();
    let work = |place: &'static str| {
        let tell = tell.clone();
        async move { tell.send(place).unwrap() }
    };

    let (spawner, there) = (rig.spawner(), work("a thread"));
    join_thread(thread::spawn(move || there.shield(spawner).detach()));
    assert_eq!(rig.run(told.recv()), Some("a thread"));

    let foreign = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let (spawner, there) = (rig.spawner(), work("another runtime"));
    let poll_there = async { there.shield(spawner).detach() };
    foreign.block_on(poll_there);
    drop(foreign);
    assert_eq!(rig.run(told.recv()), Some("another runtime"));

    let (spawner, there) = (rig.spawner(), work("a drop"));
    let guard = DropTeller::new(move || there.shield(spawner).detach());
    let unwound = panics_with(|| {
        let _guard = guard;
        panic!("while it unwinds")
    });
    assert_eq!(unwound, "while it unwinds");
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

/// Promises 2 and 3, with every worker of the executor busy.
fn many_at_once_each_gets_its_own<R: Rig>(rig: R) {
    let shields: Vec<_> = (0..500_usize)
        .map(|number| {
            async move {
                if number % 7 == 0 {
                    panic_any(number);
                }
                number
            }
            .shield(rig.spawner())
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
