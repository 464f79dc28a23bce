//! `shield_with`, `Caller`, and the futures that end when the caller is gone.

use std::cell::Cell;
use std::future::{Future, pending, poll_fn, ready};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures_shield::{BoxTask, Caller, Shield, ShieldError, Spawn, shield_with, shield_with_local, spawn_fn};
use futures_util::FutureExt;
use futures_util::future::join_all;
use tokio::sync::{mpsc, oneshot};

use crate::support::*;

/// Pending until it was polled `at` times. It counts its polls, and nobody wakes it.
struct ReadyAt {
    polls: Rc<Cell<usize>>,
    at: usize,
}

impl Future for ReadyAt {
    type Output = usize;

    fn poll(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<usize> {
        self.polls.set(self.polls.get() + 1);
        if self.polls.get() < self.at {
            return Poll::Pending;
        }
        Poll::Ready(self.polls.get())
    }
}

fn ready_at(at: usize) -> (ReadyAt, Rc<Cell<usize>>) {
    let polls = Rc::default();
    let future = ReadyAt {
        polls: Rc::clone(&polls),
        at,
    };
    (future, polls)
}

on_every_rig! {
    not_gone_while_awaited,
    drop_resolves_gone,
    detach_resolves_gone,
    gone_before_the_first_question,
    delivery_resolves_gone,
    open_window_closes_when_gone,
    window_after_gone_never_opens,
    work_rolls_back,
    grace_begins_when_gone,
    many_tasks_wait,
}

/// Scenarios 1 and 45: nobody leaves.
fn not_gone_while_awaited<R: AnyRig>(rig: R) {
    let (open, gate) = oneshot::channel::<()>();
    let shield = rig.shield_with(async |caller: Caller| {
        let before = caller.is_gone();
        let inside = caller.run_until_gone(async { gate.await.unwrap() }).await;
        (before, inside, caller.is_gone())
    });
    open.send(()).unwrap();
    assert_eq!(rig.run(shield), (false, Some(()), false));
}

/// Scenario 45.
fn drop_resolves_gone<R: AnyRig>(rig: R) {
    let (asks, asked) = oneshot::channel();
    let (tell, told) = oneshot::channel();
    let shield = rig.shield_with(async move |caller: Caller| {
        asks.send(caller.is_gone()).unwrap();
        caller.gone().await;
        tell.send(caller.is_gone()).unwrap();
    });
    rig.run(async {
        assert_eq!(asked.await, Ok(false));
        drop(shield);
        assert_eq!(told.await, Ok(true));
    });
}

/// Scenario 45: a detached shield is gone.
fn detach_resolves_gone<R: AnyRig>(rig: R) {
    let (tell, told) = oneshot::channel();
    let shield = rig.shield_with(async move |caller: Caller| {
        caller.gone().await;
        tell.send(()).unwrap();
    });
    shield.fallible().detach();
    assert_eq!(rig.run(told), Ok(()));
}

/// Scenario 46: level-triggered, however often the work asks.
fn gone_before_the_first_question<R: AnyRig>(rig: R) {
    let (open, gate) = oneshot::channel::<()>();
    let (tell, told) = oneshot::channel();
    let shield = rig.shield_with(async move |caller: Caller| {
        gate.await.unwrap();
        caller.gone().await;
        caller.clone().gone().await;
        tell.send((caller.is_gone(), caller.is_gone())).unwrap();
    });
    drop(shield);
    rig.run(async {
        open.send(()).unwrap();
        assert_eq!(told.await, Ok((true, true)));
    });
}

/// Scenario 51b: a helper that outlives the work resolves once the outcome has been delivered, and
/// not before.
fn delivery_resolves_gone<R: AnyRig>(rig: R) {
    let (hand, handed) = oneshot::channel();
    let mut shield = rig.shield_with(async |caller: Caller| hand.send(caller).unwrap());
    rig.run(async {
        let caller = handed.await.unwrap();
        let mut gone = caller.gone();
        assert!(poll(&mut gone).is_pending());
        assert!(!caller.is_gone(), "the work has ended, but nobody has been told");
        (&mut shield).await;
        gone.await;
        assert!(caller.is_gone());
    });
    drop(shield);
}

/// Scenario 47: the window's future is dropped, and the work continues with `None`.
fn open_window_closes_when_gone<R: AnyRig>(rig: R) {
    let (begins, begun) = oneshot::channel();
    let (tell, told) = oneshot::channel();
    let drops = Drops::new();
    let (held, seen) = (drops.one(), drops.clone());
    let shield = rig.shield_with(async move |caller: Caller| {
        let window = caller.run_until_gone(async move {
            let _held = held;
            begins.send(()).unwrap();
            pending::<()>().await;
        });
        let answer = window.await;
        tell.send((answer, seen.count())).unwrap();
    });
    rig.run(async {
        begun.await.unwrap();
        drop(shield);
        assert_eq!(told.await, Ok((None, 1)));
    });
}

/// Scenario 48.
fn window_after_gone_never_opens<R: AnyRig>(rig: R) {
    let (open, gate) = oneshot::channel::<()>();
    let (tell, told) = oneshot::channel();
    let shield = rig.shield_with(async move |caller: Caller| {
        gate.await.unwrap();
        let answer: Option<()> = caller.run_until_gone(async { unreachable!("it must not begin") }).await;
        tell.send(answer.is_none()).unwrap();
    });
    drop(shield);
    rig.run(async {
        open.send(()).unwrap();
        assert_eq!(told.await, Ok(true));
    });
}

/// Scenario 51: what was charged is refunded, because the caller was gone before it confirmed.
fn work_rolls_back<R: AnyRig>(rig: R) {
    let (ledger, mut booked) = mpsc::unbounded_channel();
    let (tell, told) = oneshot::channel();
    let shield = rig.shield_with(async move |caller: Caller| {
        ledger.send("charged").unwrap();
        let confirmed = caller.run_until_gone(pending::<()>()).await;
        ledger
            .send(if confirmed.is_some() { "recorded" } else { "refunded" })
            .unwrap();
        confirmed.ok_or("refunded")
    });
    let shield = shield.on_orphan(|outcome: Result<_, ShieldError>| tell.send(outcome.unwrap()).unwrap());
    rig.run(async {
        assert_eq!(booked.recv().await, Some("charged"));
        drop(shield);
        assert_eq!(booked.recv().await, Some("refunded"));
        assert_eq!(told.await, Ok(Err("refunded")));
    });
}

/// Scenario 50: the clock is made once the caller is gone; when it ends, the work continues without
/// the future.
fn grace_begins_when_gone<R: AnyRig>(rig: R) {
    let (begins, begun) = oneshot::channel();
    let (made, clock_made) = oneshot::channel();
    let (ring, bell) = oneshot::channel::<()>();
    let (tell, told) = oneshot::channel();
    let shield = rig.shield_with(async move |caller: Caller| {
        let slow = async {
            begins.send(()).unwrap();
            pending::<()>().await;
        };
        let at = caller.clone();
        let clock = move || {
            made.send(at.is_gone()).unwrap();
            bell
        };
        tell.send(caller.run_with_grace(slow, clock).await).unwrap();
    });
    rig.run(async {
        begun.await.unwrap();
        drop(shield);
        assert_eq!(clock_made.await, Ok(true));
        ring.send(()).unwrap();
        assert_eq!(told.await, Ok(None));
    });
}

/// Scenario 49.
fn many_tasks_wait<R: AnyRig>(rig: R) {
    const WAITERS: usize = 100;
    let (hand, handed) = oneshot::channel();
    let shield = rig.shield_with(async move |caller: Caller| {
        hand.send(caller.clone()).unwrap();
        caller.gone().await;
    });
    let caller = rig.run(handed).unwrap();
    let (waits, mut waiting) = mpsc::unbounded_channel();
    let (tell, mut told) = mpsc::unbounded_channel();
    for _ in 0..WAITERS {
        let (mut gone, waits, tell) = (caller.gone(), waits.clone(), tell.clone());
        let waiter = rig.shield(async move {
            poll_fn(|cx| {
                let polled = Pin::new(&mut gone).poll(cx);
                let _ = waits.send(());
                polled
            })
            .await;
            tell.send(()).unwrap();
        });
        waiter.detach();
    }
    rig.run(async {
        for _ in 0..WAITERS {
            waiting.recv().await.unwrap();
        }
        assert!(told.try_recv().is_err());
        drop(shield);
        for _ in 0..WAITERS {
            told.recv().await.unwrap();
        }
    });
}

// Step by step, by hand.

/// Scenario 45, for every way to be gone.
#[test]
fn every_way_to_be_gone() {
    let ways: [fn(Shield<()>); 6] = [
        drop,
        Shield::detach,
        |shield| shield.fallible().detach(),
        |shield| drop(shield.fallible()),
        |shield| drop(shield.on_orphan(|_| {})),
        |shield| drop_while_unwinding(shield),
    ];
    for leave in ways {
        let (shield, caller) = caller_by_hand();
        let mut gone = caller.gone();
        let (wakes, waker) = Wakes::new();
        assert!(!caller.is_gone());
        assert!(poll_with(&mut gone, &waker).is_pending());
        assert_eq!(wakes.count(), 0);
        leave(shield);
        assert_eq!(wakes.count(), 1);
        assert!(caller.is_gone() && caller.clone().is_gone());
        assert!(poll_with(&mut gone, &waker).is_ready());
        assert!(poll(&mut caller.gone()).is_ready());
    }
}

/// Scenario 51b: the caller is gone after delivery, whatever was delivered.
#[test]
fn gone_after_every_outcome() {
    let crank = Crank::new();
    for ending in ["value", "panic", "cancelled"] {
        let (shield, caller) = shield_and_caller(crank.spawner(), async move {
            match ending {
                "panic" => panic!("overboard"),
                "cancelled" => pending().await,
                _ => {}
            }
        });
        let mut shield = shield.fallible();
        let (wakes, waker) = Wakes::new();
        let mut gone = caller.gone();
        assert!(poll_with(&mut gone, &waker).is_pending());
        crank.run();
        if ending == "cancelled" {
            crank.shut_down();
        }
        assert!(!caller.is_gone(), "{ending}: not before it has been delivered");
        assert_eq!(
            poll(&mut shield).map(|outcome| outcome.is_ok()),
            Poll::Ready(ending == "value")
        );
        assert!(caller.is_gone(), "{ending}");
        assert_eq!(wakes.count(), 1, "{ending}");
        drop(shield);
        assert_eq!(wakes.count(), 1, "{ending}");
    }
}

/// A leaked caller is never gone.
#[test]
fn leaked_shield_is_never_gone() {
    let (shield, caller) = caller_by_hand();
    std::mem::forget(shield);
    assert!(!caller.is_gone());
    assert!(poll(&mut caller.gone()).is_pending());
}

/// A spawner that panics returns no shield, so there is no caller: work that it has taken must see
/// that it is gone.
#[test]
fn spawner_panic_resolves_gone() {
    let crank = Crank::new();
    let spawner = crank.spawner();
    let panics = spawn_fn(move |task: BoxTask| {
        spawner.spawn_detached(task);
        panic!("too late");
    });
    let (tell, mut told) = oneshot::channel();
    let text = panics_with(|| {
        shield_with(panics, async |caller: Caller| {
            caller.gone().await;
            tell.send(()).unwrap();
        })
    });
    assert_eq!(text, "too late");
    crank.run();
    assert_eq!(told.try_recv(), Ok(()));
}

/// A closure that panics returns no future: nothing is spawned, and its panic passes through.
#[test]
fn closure_panic_passes_through() {
    let crank = Crank::new();
    let closure = |_: Caller| -> std::future::Ready<()> { panic!("the closure's") };
    assert_eq!(panics_with(|| shield_with(crank.spawner(), closure)), "the closure's");
    assert_eq!(crank.len(), 0);
}

/// The closure is called immediately, on this thread.
#[test]
fn closure_is_called_immediately() {
    let crank = Crank::new();
    let called = Cell::new(false);
    let shield = shield_with(crank.spawner(), |_| {
        called.set(true);
        ready(7)
    });
    assert!(called.get());
    crank.run();
    assert_eq!(shield.now_or_never(), Some(7));
}

/// Scenario 49: each waiter is woken, even if one waker panics and another one drops waiters.
#[test]
fn every_waiter_is_woken() {
    on_a_thread(|| {
        let (shield, caller) = caller_by_hand();
        let (wakes, counting) = Wakes::new();
        let dropped = Arc::new(std::sync::Mutex::new(Vec::new()));
        let waiters = Arc::clone(&dropped);
        let wakers = [
            callback_waker(|| panic!("the waker's"), || {}),
            callback_waker(move || drop(std::mem::take(&mut *locked(&waiters))), || {}),
        ];
        let mut all = Vec::new();
        for round in 0..9 {
            let mut gone = caller.gone();
            let waker = wakers.get(round % 3).unwrap_or(&counting);
            assert!(poll_with(&mut gone, waker).is_pending());
            all.push(gone);
            let mut gone = caller.gone();
            assert!(poll(&mut gone).is_pending());
            locked(&dropped).push(gone);
        }
        drop(shield);
        assert_eq!(wakes.count(), 3);
        assert!(locked(&dropped).is_empty());
        assert!(all.iter_mut().all(|gone| poll(gone).is_ready()));
    });
}

/// A waker whose clone or drop drops the shield finds no lock held.
#[test]
fn waker_that_drops_the_shield() {
    on_a_thread(|| {
        let (shield, caller) = caller_by_hand();
        let waker = CloneCounter::waker();
        let mut gone = caller.gone();
        CloneCounter::on_clone(move || drop(shield));
        assert!(
            poll_with(&mut gone, &waker).is_ready(),
            "it left while the waiter registered"
        );
        assert_eq!(CloneCounter::alive(), 1, "and leaves nothing behind");

        let (shield, caller) = caller_by_hand();
        let mut gone = caller.gone();
        assert!(poll_with(&mut gone, &waker).is_pending());
        CloneCounter::on_drop(move || drop(shield));
        assert!(poll(&mut gone).is_ready(), "it left while the waker was replaced");
        assert!(caller.is_gone());
    });
}

/// Scenario 47: both in one poll, and the value wins.
#[test]
fn value_wins_the_tie() {
    let (shield, caller) = caller_by_hand();
    let (open, gate) = oneshot::channel();
    let mut window = pin!(caller.run_until_gone(gate));
    assert!(poll(&mut window).is_pending());
    drop(shield);
    open.send(7).unwrap();
    assert_eq!(poll(&mut window), Poll::Ready(Some(Ok(7))));

    // Without a value, the future is polled once more before it is dropped.
    let (shield, caller) = caller_by_hand();
    let (future, polls) = ready_at(3);
    let mut window = pin!(caller.run_until_gone(future));
    assert!(poll(&mut window).is_pending());
    drop(shield);
    assert_eq!(poll(&mut window), Poll::Ready(None));
    assert_eq!(polls.get(), 2);
}

/// Scenario 48: a window that was made before, but not polled, has not opened yet. Its future is
/// not polled.
#[test]
fn window_opens_at_first_poll() {
    let (shield, caller) = caller_by_hand();
    let (future, polls) = ready_at(1);
    let drops = Drops::new();
    let held = drops.one();
    let mut window = pin!(caller.run_until_gone(async move {
        let _held = held;
        future.await
    }));
    drop(shield);
    assert_eq!(poll(&mut window), Poll::Ready(None));
    assert_eq!((polls.get(), drops.count()), (0, 1));
}

/// Scenario 47: the window's future is dropped when the window ends, and not when it is dropped.
#[test]
fn window_drops_its_future() {
    let (_shield, caller) = caller_by_hand();
    let drops = Drops::new();
    let mut window = pin!(caller.run_until_gone(HoldsUntilDrop::new(drops.one(), ready(7))));
    assert_eq!(poll(&mut window), Poll::Ready(Some(7)));
    assert_eq!(drops.count(), 1);

    let mut grace = pin!(caller.run_with_grace(HoldsUntilDrop::new(drops.one(), ready(7)), || ready(())));
    assert_eq!(poll(&mut grace), Poll::Ready(Some(7)));
    assert_eq!(drops.count(), 2);

    let (shield, caller) = caller_by_hand();
    let drops = Drops::new();
    let mut grace = pin!(caller.run_with_grace(HoldsUntilDrop::new(drops.one(), pending::<()>()), || ready(())));
    assert!(poll(&mut grace).is_pending());
    drop(shield);
    assert_eq!(poll(&mut grace), Poll::Ready(None));
    assert_eq!(drops.count(), 1);
}

/// Scenario 50: no clock runs before the caller is gone. It is made once, at the poll that finds
/// the caller gone, and then polled.
#[test]
fn no_clock_before_gone() {
    let (shield, caller) = caller_by_hand();
    let made = Cell::new(0);
    let (clock, ticks) = ready_at(3);
    let clock = Cell::new(Some(clock));
    let (future, polls) = ready_at(usize::MAX);
    let mut grace = pin!(caller.run_with_grace(future, || {
        made.set(made.get() + 1);
        clock.take().unwrap()
    }));
    for _ in 0..3 {
        assert!(poll(&mut grace).is_pending());
    }
    assert_eq!((made.get(), ticks.get(), polls.get()), (0, 0, 3));
    drop(shield);
    assert!(poll(&mut grace).is_pending());
    assert_eq!((made.get(), ticks.get()), (1, 1));
    assert!(poll(&mut grace).is_pending());
    assert_eq!(poll(&mut grace), Poll::Ready(None));
    assert_eq!((made.get(), ticks.get(), polls.get()), (1, 3, 6));
}

/// Scenario 50: a future that ends within its grace is in time, even at the clock's last tick.
#[test]
fn value_within_grace() {
    let (shield, caller) = caller_by_hand();
    let (clock, ticks) = ready_at(2);
    let clock = Cell::new(Some(clock));
    let (future, _) = ready_at(3);
    let mut grace = pin!(caller.run_with_grace(future, || clock.take().unwrap()));
    assert!(poll(&mut grace).is_pending());
    drop(shield);
    assert!(poll(&mut grace).is_pending());
    assert_eq!(poll(&mut grace), Poll::Ready(Some(3)));
    assert_eq!(ticks.get(), 1);
}

/// Scenario 50: grace is given even if the caller was gone before.
#[test]
fn grace_after_gone() {
    let (shield, caller) = caller_by_hand();
    drop(shield);
    assert_eq!(
        caller.run_with_grace(ready(7), || ready(())).now_or_never(),
        Some(Some(7))
    );
    assert_eq!(
        caller.run_with_grace(pending::<()>(), || ready(())).now_or_never(),
        Some(None)
    );
    let later = caller.run_with_grace(pending::<()>(), pending::<()>);
    assert_eq!(later.now_or_never(), None);
}

/// The closure that makes the clock panics: the panic is the work's. If the grace is polled again, its time is up.
#[test]
fn clock_closure_panics() {
    let (shield, caller) = caller_by_hand();
    let drops = Drops::new();
    let future = HoldsUntilDrop::new(drops.one(), pending::<()>());
    let mut grace = Box::pin(caller.run_with_grace(future, || -> std::future::Ready<()> { panic!("no clock") }));
    assert!(poll(&mut grace).is_pending());
    drop(shield);
    assert_eq!(panics_with(|| poll(&mut grace)), "no clock");
    assert_eq!(poll(&mut grace), Poll::Ready(None), "without a clock the time is up");
    assert_eq!(drops.count(), 1);
}

/// The clock panics when it is polled: the panic is the work's.
#[test]
fn clock_poll_panics() {
    let (shield, caller) = caller_by_hand();
    drop(shield);
    let clock = || poll_fn(|_| -> Poll<()> { panic!("the clock's") });
    let mut grace = pin!(caller.run_with_grace(pending::<()>(), clock));
    assert_eq!(panics_with(|| poll(&mut grace)), "the clock's");
}

/// The drop of the clock panics, with the value at hand and when its time is up.
#[test]
fn clock_drop_panics() {
    let (shield, caller) = caller_by_hand();
    drop(shield);
    let drops = Drops::new();
    let (work, open) = gated();
    let mut grace = Box::pin(caller.run_with_grace(HoldsUntilDrop::new(drops.one(), work), || {
        HoldsUntilDrop::new(Bomb("the clock's drop"), pending::<()>())
    }));
    assert!(poll(&mut grace).is_pending());
    open.send(7).unwrap();
    // It may end in the value or in the panic, but it neither hangs nor aborts, and the future is
    // dropped once.
    let _ = catch_unwind(AssertUnwindSafe(move || {
        let ended = poll(&mut grace);
        drop(grace);
        ended
    }));
    assert_eq!(drops.count(), 1);

    let drops = Drops::new();
    let future = HoldsUntilDrop::new(drops.one(), pending::<()>());
    let mut grace =
        Box::pin(caller.run_with_grace(future, || HoldsUntilDrop::new(Bomb("the clock's drop"), ready(()))));
    let _ = catch_unwind(AssertUnwindSafe(move || {
        let ended = poll(&mut grace);
        drop(grace);
        ended
    }));
    assert_eq!(drops.count(), 1);
}

/// Scenario 21: work that drops its own shield while it waits for `gone()`, which resolves inside
/// that drop.
#[test]
fn work_drops_its_own_shield() {
    on_a_thread(|| {
        let crank = Crank::new();
        let slot = Arc::new(Mutex::new(None::<Shield<bool>>));
        let own = Arc::clone(&slot);
        let (hook, mut call) = hook();
        let shield = shield_with(crank.spawner(), async move |caller: Caller| {
            let mut gone = caller.gone();
            assert!(futures_util::poll!(&mut gone).is_pending());
            let shield = locked(&own).take();
            drop(shield);
            gone.await;
            caller.is_gone()
        });
        *locked(&slot) = Some(shield.on_orphan(hook));
        crank.run();
        assert!(call.outcome().unwrap());
    });
}

/// Scenario 50: the clock wakes the work.
#[test]
fn clock_wakes_the_work() {
    let (shield, caller) = caller_by_hand();
    let (ring, bell) = oneshot::channel::<()>();
    let bell = Cell::new(Some(bell));
    let mut grace = pin!(caller.run_with_grace(pending::<()>(), || bell.take().unwrap()));
    let (wakes, waker) = Wakes::new();
    assert!(poll_with(&mut grace, &waker).is_pending());
    drop(shield);
    assert_eq!(wakes.count(), 1);
    assert!(poll_with(&mut grace, &waker).is_pending());
    ring.send(()).unwrap();
    assert_eq!(wakes.count(), 2);
    assert_eq!(poll_with(&mut grace, &waker), Poll::Ready(None));
}

/// Scenario 58b: `shield_with` records its own location.
#[test]
fn location_is_known() {
    let (shield, line) = (shield_with(spawn_fn(drop::<BoxTask>), async |_| ()), line!());
    assert_eq!((shield.location().file(), shield.location().line()), (file!(), line));
    let local = futures_shield::spawn_local_fn(drop::<futures_shield::LocalBoxTask>);
    let (shield, line) = (shield_with_local(local, async |_| ()), line!());
    assert_eq!((shield.location().file(), shield.location().line()), (file!(), line));
}

/// Scenario 9.
#[test]
fn debug_shows_is_gone() {
    struct Opaque;

    let (shield, caller) = caller_by_hand();
    let (gone, window) = (caller.gone(), caller.run_until_gone(ready(Opaque)));
    let grace = caller.run_with_grace(ready(Opaque), || ready(Opaque));
    assert_eq!(format!("{caller:?}"), "Caller { is_gone: false }");
    assert_eq!(format!("{gone:?}"), "Gone { is_gone: false }");
    assert_eq!(
        format!("{window:?}"),
        "RunUntilGone { gone: Gone { is_gone: false }, .. }"
    );
    assert_eq!(
        format!("{grace:?}"),
        "RunWithGrace { gone: Gone { is_gone: false }, .. }"
    );
    drop(shield);
    assert_eq!(
        format!("{caller:?} {gone:?}"),
        "Caller { is_gone: true } Gone { is_gone: true }"
    );
}

/// Scenario 12: many threads wait and ask while the shield is dropped. All see it.
#[test]
fn threads_wait_for_gone() {
    for _ in 0..200 {
        let (shield, caller) = caller_by_hand();
        let told = Arc::new(AtomicUsize::new(0));
        let barrier = Arc::new(std::sync::Barrier::new(5));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (caller, told, barrier) = (caller.clone(), Arc::clone(&told), Arc::clone(&barrier));
                Thread::start(move || {
                    barrier.wait();
                    block_on(join_all([caller.gone(), caller.gone()]));
                    assert!(caller.is_gone());
                    told.fetch_add(1, Ordering::SeqCst);
                })
            })
            .collect();
        barrier.wait();
        drop(shield);
        threads.into_iter().for_each(Thread::join);
        assert_eq!(told.load(Ordering::SeqCst), 4);
    }
}

/// The future wins in its grace and is kept: the timer is dropped at once.
#[test]
fn completed_grace_keeps_no_timer() {
    let (shield, caller) = caller_by_hand();
    drop(shield);
    let drops = Drops::new();
    let timer = HoldsUntilDrop::new(drops.one(), pending::<()>());
    let (future, _) = ready_at(2);
    let mut grace = Box::pin(caller.run_with_grace(future, || timer));
    assert!(poll(&mut grace).is_pending());
    assert_eq!(drops.count(), 0);
    assert_eq!(poll(&mut grace), Poll::Ready(Some(2)));
    assert_eq!(drops.count(), 1);
}
