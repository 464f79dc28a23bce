//! `shield_with`, `Caller`, and the futures that end when the caller has gone.

use std::cell::{Cell, RefCell};
use std::fmt;
use std::future::{Future, pending, poll_fn, ready};
use std::pin::{Pin, pin};
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use futures_shield::future::{Gone, RunUntilGone, RunWithGrace};
use futures_shield::{BoxTask, Caller, Shield, ShieldError, Spawn, shield_with, shield_with_local, spawn_fn};
use futures_util::FutureExt;
use futures_util::future::{FusedFuture, join_all};
use tokio::sync::{mpsc, oneshot};

use crate::support::*;

/// A caller outside of its work, for tests that ask it by hand; and the shield, whose work is never run.
fn by_hand() -> (Shield<()>, Caller) {
    let caller = RefCell::new(None);
    let never = spawn_fn(std::mem::forget::<BoxTask>);
    let shield = shield_with(never, |given| {
        caller.replace(Some(given));
        ready(())
    });
    (shield, caller.take().unwrap())
}

fn poll_pinned<F: Future>(future: Pin<&mut F>) -> Poll<F::Output> {
    future.poll(&mut Context::from_waker(Waker::noop()))
}

/// Pending while its count is not reached, and counts its polls. It is woken by nobody.
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

on_every_spawner! {
    while_the_caller_waits_it_is_there,
    the_caller_leaves_and_gone_resolves,
    the_caller_detaches_and_gone_resolves,
    the_caller_left_before_the_work_asks,
    delivery_resolves_gone_for_a_helper,
    the_caller_leaves_an_open_window,
    a_window_opens_after_the_caller_has_left,
    the_work_rolls_back,
    grace_begins_when_the_caller_leaves,
    many_tasks_wait_for_one_caller,
}

/// Scenarios 1 and 45, where nobody leaves.
fn while_the_caller_waits_it_is_there<R: Rig>(rig: R) {
    let (open, gate) = oneshot::channel::<()>();
    let shield = shield_with(rig.spawner(), async |caller: Caller| {
        let before = caller.is_gone();
        let inside = caller.run_until_gone(async { gate.await.unwrap() }).await;
        (before, inside, caller.is_gone())
    });
    open.send(()).unwrap();
    assert_eq!(rig.run(shield), (false, Some(()), false));
}

/// Scenario 45.
fn the_caller_leaves_and_gone_resolves<R: Rig>(rig: R) {
    let (asks, asked) = oneshot::channel();
    let (tell, told) = oneshot::channel();
    let shield = shield_with(rig.spawner(), async move |caller: Caller| {
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

/// Scenario 45: detaching is leaving.
fn the_caller_detaches_and_gone_resolves<R: Rig>(rig: R) {
    let (tell, told) = oneshot::channel();
    let shield = shield_with(rig.spawner(), async move |caller: Caller| {
        caller.gone().await;
        tell.send(()).unwrap();
    });
    shield.fallible().detach();
    assert_eq!(rig.run(told), Ok(()));
}

/// Scenario 46: level-triggered, however often it is asked.
fn the_caller_left_before_the_work_asks<R: Rig>(rig: R) {
    let (open, gate) = oneshot::channel::<()>();
    let (tell, told) = oneshot::channel();
    let shield = shield_with(rig.spawner(), async move |caller: Caller| {
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

/// Scenario 51b: a helper that outlives the work is told once the outcome has been delivered, and not before.
fn delivery_resolves_gone_for_a_helper<R: Rig>(rig: R) {
    let (hand, handed) = oneshot::channel();
    let mut shield = shield_with(rig.spawner(), async |caller: Caller| hand.send(caller).unwrap());
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

/// Scenario 47: the window's future is dropped, and the work goes on with `None`.
fn the_caller_leaves_an_open_window<R: Rig>(rig: R) {
    let (begins, begun) = oneshot::channel();
    let (tell, told) = oneshot::channel();
    let drops = Drops::new();
    let (held, seen) = (drops.one(), drops.clone());
    let shield = shield_with(rig.spawner(), async move |caller: Caller| {
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
fn a_window_opens_after_the_caller_has_left<R: Rig>(rig: R) {
    let (open, gate) = oneshot::channel::<()>();
    let (tell, told) = oneshot::channel();
    let shield = shield_with(rig.spawner(), async move |caller: Caller| {
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

/// Scenario 51: what was charged is refunded, because the caller left before it confirmed.
fn the_work_rolls_back<R: Rig>(rig: R) {
    let (ledger, mut booked) = mpsc::unbounded_channel();
    let (tell, told) = oneshot::channel();
    let shield = shield_with(rig.spawner(), async move |caller: Caller| {
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

/// Scenario 50: the clock is made once the caller has left, and when it has run out the work goes on without the future.
fn grace_begins_when_the_caller_leaves<R: Rig>(rig: R) {
    let (begins, begun) = oneshot::channel();
    let (made, clock_made) = oneshot::channel();
    let (ring, bell) = oneshot::channel::<()>();
    let (tell, told) = oneshot::channel();
    let shield = shield_with(rig.spawner(), async move |caller: Caller| {
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
fn many_tasks_wait_for_one_caller<R: Rig>(rig: R) {
    const WAITERS: usize = 100;
    let spawner = rig.spawner();
    let (waits, mut waiting) = mpsc::unbounded_channel();
    let (tell, mut told) = mpsc::unbounded_channel();
    let shield = shield_with(rig.spawner(), async move |caller: Caller| {
        for _ in 0..WAITERS {
            let (gone, waits, tell) = (caller.gone(), waits.clone(), tell.clone());
            spawner.spawn_detached(async move {
                let mut gone = gone;
                poll_fn(|cx| {
                    let polled = Pin::new(&mut gone).poll(cx);
                    let _ = waits.send(());
                    polled
                })
                .await;
                tell.send(()).unwrap();
            });
        }
        caller.gone().await;
    });
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

mod local {
    use super::*;

    on_every_local_spawner! {
        the_caller_leaves_and_the_work_sees_it,
    }

    /// Scenarios 45 and 61.
    fn the_caller_leaves_and_the_work_sees_it<R: LocalRig>(rig: R) {
        rig.run(async {
            let seen = Rc::new(Cell::new(None));
            let sees = Rc::clone(&seen);
            let (tell, told) = oneshot::channel::<()>();
            let (begins, begun) = oneshot::channel();
            let shield = shield_with_local(rig.spawner(), async move |caller: Caller| {
                begins.send(()).unwrap();
                sees.set(Some(caller.run_until_gone(pending::<()>()).await));
                drop(tell);
                sees
            });
            begun.await.unwrap();
            assert_eq!(seen.get(), None);
            drop(shield);
            assert!(told.await.is_err());
            assert_eq!(seen.get(), Some(None));
        });
    }
}

// What is told apart by hand.

/// Scenario 45, of every way to leave.
#[test]
fn whichever_way_the_caller_leaves() {
    let ways: [fn(Shield<()>); 6] = [
        drop,
        Shield::detach,
        |shield| shield.fallible().detach(),
        |shield| drop(shield.fallible()),
        |shield| drop(shield.on_orphan(|_| {})),
        |shield| {
            panics_with(move || {
                let _shield = shield;
                panic!("the caller's own");
            });
        },
    ];
    for leave in ways {
        let (shield, caller) = by_hand();
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

/// Scenario 51b: delivered is gone, whatever was delivered.
#[test]
fn whichever_outcome_is_delivered() {
    let crank = Crank::new();
    for ending in ["value", "panic", "cancelled"] {
        let kept = RefCell::new(None);
        let shield = shield_with(crank.spawner(), |caller: Caller| {
            kept.replace(Some(caller));
            async move {
                match ending {
                    "panic" => panic!("overboard"),
                    "cancelled" => pending().await,
                    _ => {}
                }
            }
        });
        let caller = kept.take().unwrap();
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

/// A leaked caller never leaves.
#[test]
fn leaked_it_stays() {
    let (shield, caller) = by_hand();
    std::mem::forget(shield);
    assert!(!caller.is_gone());
    assert!(poll(&mut caller.gone()).is_pending());
}

/// A spawner that panics gives no shield, so there is no caller: work that it has taken all the same must see that.
#[test]
fn there_is_no_caller_where_the_spawner_panics() {
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

/// A closure that panics gives no future: nothing is spawned, and its panic passes through.
#[test]
fn a_closure_that_panics_passes_through() {
    let crank = Crank::new();
    let closure = |_: Caller| -> std::future::Ready<()> { panic!("the closure's") };
    assert_eq!(panics_with(|| shield_with(crank.spawner(), closure)), "the closure's");
    assert_eq!(crank.len(), 0);
}

/// The closure is called at once, on this thread.
#[test]
fn the_closure_is_called_at_once() {
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

/// Scenario 49: each waiter is woken, though one waker panics, and another drops waiters.
#[test]
fn every_waiter_is_woken_whatever_the_others_do() {
    let (shield, caller) = by_hand();
    let (wakes, counting) = Wakes::new();
    let dropped = Arc::new(std::sync::Mutex::new(Vec::new()));
    let waiters = Arc::clone(&dropped);
    let wakers = [
        act(|| panic!("the waker's"), || {}),
        act(move || drop(std::mem::take(&mut *locked(&waiters))), || {}),
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
}

/// Scenario 49: waiters that leave cost nothing after. They are not woken, and their wakers are dropped with them.
#[test]
fn a_waiter_that_leaves_is_not_woken() {
    let (shield, caller) = by_hand();
    let (left, left_waker) = Wakes::new();
    let (stayed, stayed_waker) = Wakes::new();
    let mut leaves = caller.gone();
    let mut stays = caller.gone();
    assert!(poll_with(&mut leaves, &left_waker).is_pending());
    assert!(poll_with(&mut stays, &stayed_waker).is_pending());
    drop(left_waker);
    assert_eq!(Arc::strong_count(&left), 2);
    drop(leaves);
    assert_eq!(Arc::strong_count(&left), 1);
    drop(shield);
    assert_eq!((left.count(), stayed.count()), (0, 1));
    drop((stays, stayed_waker));
    assert_eq!(Arc::strong_count(&stayed), 1);
}

/// Scenario 49: a window or a grace that has ended, or was dropped, waits no longer, though it lives on.
#[test]
fn a_window_that_is_dropped_leaves_nothing_behind() {
    let (shield, caller) = by_hand();
    let (wakes, waker) = Wakes::new();
    {
        let mut window = pin!(caller.run_until_gone(pending::<()>()));
        let mut grace = pin!(caller.run_with_grace(pending::<()>(), pending::<()>));
        assert!(window.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        assert!(grace.as_mut().poll(&mut Context::from_waker(&waker)).is_pending());
        drop(waker);
        assert_eq!(Arc::strong_count(&wakes), 3);
    }
    assert_eq!(Arc::strong_count(&wakes), 1);
    drop(shield);
    assert_eq!(wakes.count(), 0);
}

/// Scenarios 15 and 16: only the latest waker is woken, and the same one is not kept twice.
#[test]
fn a_waiter_changes_its_waker() {
    let (shield, caller) = by_hand();
    let mut gone = caller.gone();
    let (first, waker) = Wakes::new();
    assert!(poll_with(&mut gone, &waker).is_pending());
    drop(waker);
    let (second, waker) = Wakes::new();
    for _ in 0..3 {
        assert!(poll_with(&mut gone, &waker).is_pending());
        assert_eq!(Arc::strong_count(&second), 3);
    }
    assert_eq!(Arc::strong_count(&first), 1);
    drop(shield);
    assert_eq!((first.count(), second.count()), (0, 1));
}

/// Scenario 16.
#[test]
fn the_same_waker_is_not_cloned_again() {
    let (_shield, caller) = by_hand();
    let mut gone = caller.gone();
    let waker = Spy::waker();
    for _ in 0..3 {
        assert!(poll_with(&mut gone, &waker).is_pending());
    }
    assert_eq!(Spy::clones(), 1);
    drop((gone, waker));
    assert_eq!(Spy::alive(), 0);
}

/// Promise 8: a waker whose clone, or drop, drops the shield finds no lock held.
#[test]
fn a_waker_whose_clone_or_drop_drops_the_shield() {
    on_a_thread(|| {
        let (shield, caller) = by_hand();
        let waker = Spy::waker();
        let mut gone = caller.gone();
        Spy::on_clone(move || drop(shield));
        assert!(
            poll_with(&mut gone, &waker).is_ready(),
            "it left while the waiter registered"
        );
        assert_eq!(Spy::alive(), 1, "and leaves nothing behind");

        let (shield, caller) = by_hand();
        let mut gone = caller.gone();
        assert!(poll_with(&mut gone, &waker).is_pending());
        Spy::on_drop(move || drop(shield));
        assert!(poll(&mut gone).is_ready(), "it left while the waker was replaced");
        assert!(caller.is_gone());
    });
}

/// Scenario 47: both in one poll, and the value wins.
#[test]
fn a_value_wins_the_tie() {
    let (shield, caller) = by_hand();
    let (open, gate) = oneshot::channel();
    let mut window = pin!(caller.run_until_gone(gate));
    assert!(poll_pinned(window.as_mut()).is_pending());
    drop(shield);
    open.send(7).unwrap();
    assert_eq!(poll_pinned(window.as_mut()), Poll::Ready(Some(Ok(7))));

    // And without one, the future is polled once more before it is given up.
    let (shield, caller) = by_hand();
    let (future, polls) = ready_at(3);
    let mut window = pin!(caller.run_until_gone(future));
    assert!(poll_pinned(window.as_mut()).is_pending());
    drop(shield);
    assert_eq!(poll_pinned(window.as_mut()), Poll::Ready(None));
    assert_eq!(polls.get(), 2);
}

/// Scenario 48, at the window's first poll: the future is not polled. A window that was made before, but not polled, has not
/// opened yet.
#[test]
fn the_window_opens_when_it_is_polled() {
    let (shield, caller) = by_hand();
    let (future, polls) = ready_at(1);
    let drops = Drops::new();
    let held = drops.one();
    let mut window = pin!(caller.run_until_gone(async move {
        let _held = held;
        future.await
    }));
    drop(shield);
    assert_eq!(poll_pinned(window.as_mut()), Poll::Ready(None));
    assert_eq!((polls.get(), drops.count()), (0, 1));
}

/// Scenario 47: the window's future is dropped when it ends, not with the window.
#[test]
fn the_windows_future_is_dropped_when_it_ends() {
    let (_shield, caller) = by_hand();
    let drops = Drops::new();
    let mut window = pin!(caller.run_until_gone(Holding::new(drops.one(), ready(7))));
    assert_eq!(poll_pinned(window.as_mut()), Poll::Ready(Some(7)));
    assert_eq!(drops.count(), 1);

    let mut grace = pin!(caller.run_with_grace(Holding::new(drops.one(), ready(7)), || ready(())));
    assert_eq!(poll_pinned(grace.as_mut()), Poll::Ready(Some(7)));
    assert_eq!(drops.count(), 2);

    let (shield, caller) = by_hand();
    let drops = Drops::new();
    let mut grace = pin!(caller.run_with_grace(Holding::new(drops.one(), pending::<()>()), || ready(())));
    assert!(poll_pinned(grace.as_mut()).is_pending());
    drop(shield);
    assert_eq!(poll_pinned(grace.as_mut()), Poll::Ready(None));
    assert_eq!(drops.count(), 1);
    assert!(panics_with(|| poll_pinned(grace.as_mut())).contains("polled after completion"));
    assert!(panics_with(|| poll_pinned(window.as_mut())).contains("polled after completion"));
}

/// Scenario 50: while the caller waits, no clock runs. It is made once, at the poll that finds the caller gone, and then polled.
#[test]
fn no_clock_runs_while_the_caller_waits() {
    let (shield, caller) = by_hand();
    let made = Cell::new(0);
    let (clock, ticks) = ready_at(3);
    let clock = Cell::new(Some(clock));
    let (future, polls) = ready_at(usize::MAX);
    let mut grace = pin!(caller.run_with_grace(future, || {
        made.set(made.get() + 1);
        clock.take().unwrap()
    }));
    for _ in 0..3 {
        assert!(poll_pinned(grace.as_mut()).is_pending());
    }
    assert_eq!((made.get(), ticks.get(), polls.get()), (0, 0, 3));
    drop(shield);
    assert!(poll_pinned(grace.as_mut()).is_pending());
    assert_eq!((made.get(), ticks.get()), (1, 1));
    assert!(poll_pinned(grace.as_mut()).is_pending());
    assert_eq!(poll_pinned(grace.as_mut()), Poll::Ready(None));
    assert_eq!((made.get(), ticks.get(), polls.get()), (1, 3, 6));
}

/// Scenario 50: the future that ends in its grace is in time, also with the clock's last tick.
#[test]
fn a_future_that_ends_in_its_grace_is_in_time() {
    let (shield, caller) = by_hand();
    let (clock, ticks) = ready_at(2);
    let clock = Cell::new(Some(clock));
    let (future, _) = ready_at(3);
    let mut grace = pin!(caller.run_with_grace(future, || clock.take().unwrap()));
    assert!(poll_pinned(grace.as_mut()).is_pending());
    drop(shield);
    assert!(poll_pinned(grace.as_mut()).is_pending());
    assert_eq!(poll_pinned(grace.as_mut()), Poll::Ready(Some(3)));
    assert_eq!(ticks.get(), 1);
}

/// Scenario 50: grace is given to work whose caller had left before, too; it is no window.
#[test]
fn grace_is_given_where_the_caller_has_left_before() {
    let (shield, caller) = by_hand();
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

/// Scenario 50: the clock wakes the work.
#[test]
fn the_clock_wakes_the_work() {
    let (shield, caller) = by_hand();
    let (ring, bell) = oneshot::channel::<()>();
    let bell = Cell::new(Some(bell));
    let mut grace = pin!(caller.run_with_grace(pending::<()>(), || bell.take().unwrap()));
    let (wakes, waker) = Wakes::new();
    let mut cx = Context::from_waker(&waker);
    assert!(grace.as_mut().poll(&mut cx).is_pending());
    drop(shield);
    assert_eq!(wakes.count(), 1);
    assert!(grace.as_mut().poll(&mut cx).is_pending());
    ring.send(()).unwrap();
    assert_eq!(wakes.count(), 2);
    assert_eq!(grace.as_mut().poll(&mut cx), Poll::Ready(None));
}

/// Scenario 14.
#[test]
fn gone_polled_after_ready_panics_in_words() {
    let (shield, caller) = by_hand();
    drop(shield);
    let mut gone = caller.gone();
    assert!(poll(&mut gone).is_ready());
    assert!(panics_with(|| poll(&mut gone)).contains("`Gone` polled after completion"));
}

/// Scenario 43.
#[test]
fn select_asks_whether_gone_has_terminated() {
    let (shield, caller) = by_hand();
    drop(shield);
    let mut gone = caller.gone();
    assert!(!gone.is_terminated());
    let mut rounds = 0;
    block_on(async {
        loop {
            futures_util::select! {
                () = gone => rounds += 1,
                complete => break,
            }
        }
    });
    assert_eq!(rounds, 1);
    assert!(gone.is_terminated());
}

/// Scenario 58b: `shield_with` is a call site of its own.
#[test]
fn the_call_site_is_known() {
    let (shield, line) = (shield_with(spawn_fn(drop::<BoxTask>), async |_| ()), line!());
    assert_eq!((shield.location().file(), shield.location().line()), (file!(), line));
    let local = futures_shield::spawn_local_fn(drop::<futures_shield::LocalBoxTask>);
    let (shield, line) = (shield_with_local(local, async |_| ()), line!());
    assert_eq!((shield.location().file(), shield.location().line()), (file!(), line));
}

/// Scenario 9.
#[test]
fn debug_tells_whether_it_is_gone() {
    struct Opaque;

    let (shield, caller) = by_hand();
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

/// Scenario 9: `Gone` is owned, `'static` and `Unpin`; the windows are `Send` as what they run is.
#[test]
fn auto_traits() {
    fn all<T: Clone + Send + Sync + Unpin + fmt::Debug + 'static>(_: &T) {}
    fn named<T: Future<Output = ()> + FusedFuture + Send + Sync + Unpin + fmt::Debug + 'static>(_: &T) {}
    fn send<T: Send + Sync>(_: &T) {}

    let (_shield, caller) = by_hand();
    all(&caller);
    named(&caller.gone());
    send(&caller.run_until_gone(ready(7)));
    send(&caller.run_with_grace(ready(7), || ready(())));
}

/// Scenario 9: what is not `Send` does not become it.
#[test]
fn auto_traits_that_it_must_not_have() {
    trait Ambiguous<A> {
        fn item() {}
    }
    struct NotSend;
    impl<T: ?Sized> Ambiguous<()> for T {}
    impl<T: ?Sized + Send> Ambiguous<NotSend> for T {}

    let _: fn() = <RunUntilGone<Rc<()>> as Ambiguous<_>>::item;
    let _: fn() = <RunWithGrace<(), (), Rc<()>> as Ambiguous<_>>::item;
    let _: fn() = <RunWithGrace<(), Rc<()>, ()> as Ambiguous<_>>::item;
}

/// Scenario 10: fields of these types repeat no bounds.
struct Fields<F, M, T> {
    caller: Caller,
    gone: Gone,
    window: RunUntilGone<F>,
    grace: RunWithGrace<F, M, T>,
}

/// Scenario 10.
#[test]
fn they_can_be_kept_in_fields() {
    let (_shield, caller) = by_hand();
    let fields = Fields {
        gone: caller.gone(),
        window: caller.run_until_gone(ready(7)),
        grace: caller.run_with_grace(ready(8), || ready(())),
        caller,
    };
    assert!(!fields.caller.is_gone());
    assert_eq!(fields.gone.now_or_never(), None);
    assert_eq!(fields.window.now_or_never(), Some(Some(7)));
    assert_eq!(fields.grace.now_or_never(), Some(Some(8)));
}

/// Scenario 12: many threads wait, and ask, while the caller leaves. All are told.
#[test]
fn threads_wait_while_the_caller_leaves() {
    for _ in 0..200 {
        let (shield, caller) = by_hand();
        let told = Arc::new(AtomicUsize::new(0));
        let barrier = Arc::new(std::sync::Barrier::new(5));
        let threads: Vec<_> = (0..4)
            .map(|_| {
                let (caller, told, barrier) = (caller.clone(), Arc::clone(&told), Arc::clone(&barrier));
                std::thread::spawn(move || {
                    barrier.wait();
                    block_on(join_all([caller.gone(), caller.gone()]));
                    assert!(caller.is_gone());
                    told.fetch_add(1, Ordering::SeqCst);
                })
            })
            .collect();
        barrier.wait();
        drop(shield);
        threads.into_iter().for_each(join);
        assert_eq!(told.load(Ordering::SeqCst), 4);
    }
}
