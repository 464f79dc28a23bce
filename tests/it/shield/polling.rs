//! Races and polling, one step at a time: who is woken, who gets the outcome, and when.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;
use std::thread;

use futures_shield::{FallibleShield, Shield, ShieldExt};
use futures_util::FutureExt;
use futures_util::future::{pending, poll_fn, ready};
use tokio::sync::oneshot;

use crate::support::{
    Crank, DropTeller, Drops, Spy, Wakes, act, block_on, hook, join, locked, on_a_thread, panics_with, poll, poll_with,
};

/// A gate whose work is pending until it is used.
fn gated<T: Send + 'static>(crank: &Crank, output: T) -> (oneshot::Sender<()>, Shield<T>) {
    let (open, opened) = oneshot::channel();
    let shield = async move {
        let _: Result<(), _> = opened.await;
        output
    }
    .shield(crank.spawner());
    crank.run();
    (open, shield)
}

/// Scenario 13.
#[test]
fn completed_woken_and_dropped_unpolled_the_hook_gets_it() {
    let crank = Crank::new();
    let (open, shield) = gated(&crank, 7);
    let (hook, kept) = hook();
    let mut shield = shield.on_orphan(hook);
    let (wakes, waker) = Wakes::new();
    assert!(poll_with(&mut shield, &waker).is_pending());
    open.send(()).unwrap();
    crank.run();
    assert_eq!(wakes.count(), 1);
    assert!(locked(&kept).is_empty());
    drop(shield);
    assert_eq!(locked(&kept).pop().unwrap().unwrap(), 7);
    assert!(locked(&kept).is_empty());
}

/// Scenario 13, with no hook.
#[test]
fn completed_woken_and_dropped_unpolled_the_output_is_dropped_once() {
    let crank = Crank::new();
    let drops = Drops::new();
    let (open, mut shield) = gated(&crank, drops.one());
    assert!(poll(&mut shield).is_pending());
    open.send(()).unwrap();
    crank.run();
    assert_eq!(drops.count(), 0);
    drop(shield);
    assert_eq!(drops.count(), 1);
    drop(crank);
    assert_eq!(drops.count(), 1);
}

/// Scenario 13: what was delivered is not given to the hook as well.
#[test]
fn delivered_and_then_dropped_the_hook_stays_unheard() {
    let crank = Crank::new();
    let (hook, kept) = hook();
    let (open, shield) = gated(&crank, 7);
    let mut shield = shield.on_orphan(hook);
    open.send(()).unwrap();
    crank.run();
    assert_eq!(poll(&mut shield), Poll::Ready(7));
    drop(shield);
    drop(crank);
    assert!(locked(&kept).is_empty());
    assert_eq!(Arc::strong_count(&kept), 1, "the hook is gone");
}

/// Scenario 14.
#[test]
fn polled_after_completion_it_panics_in_words() {
    let crank = Crank::new();
    let mut shield = ready(7).shield(crank.spawner());
    let mut fallible = ready(7).shield(crank.spawner()).fallible();
    let mut panicked: Shield<()> = async { panic!("once") }.shield(crank.spawner());
    crank.run();
    assert_eq!(poll(&mut shield), Poll::Ready(7));
    assert!(poll(&mut fallible).is_ready());
    assert_eq!(panics_with(|| poll(&mut panicked)), "once");

    for _ in 0..2 {
        let text = panics_with(|| poll(&mut shield));
        assert!(text.starts_with("`Shield` polled after completion"), "{text}");
        assert!(text.contains(&shield.location().to_string()), "{text}");
        let text = panics_with(|| poll(&mut fallible));
        assert!(text.starts_with("`FallibleShield` polled after completion"), "{text}");
        let text = panics_with(|| poll(&mut panicked));
        assert!(text.starts_with("`Shield` polled after completion"), "{text}");
    }
}

/// Scenario 15.
#[test]
fn only_the_latest_waker_is_woken_and_those_before_are_let_go() {
    let crank = Crank::new();
    let (open, mut shield) = gated(&crank, 7);
    let (first, first_waker) = Wakes::new();
    let (second, second_waker) = Wakes::new();
    for _ in 0..3 {
        assert!(poll_with(&mut shield, &first_waker).is_pending());
        assert_eq!(Arc::strong_count(&second), 2);
        assert!(poll_with(&mut shield, &second_waker).is_pending());
        assert_eq!(Arc::strong_count(&first), 2, "replaced is let go");
        assert_eq!(Arc::strong_count(&second), 3);
    }
    open.send(()).unwrap();
    crank.run();
    assert_eq!((first.count(), second.count()), (0, 1));
    assert_eq!(Arc::strong_count(&second), 2, "woken is let go");
    assert_eq!(poll(&mut shield), Poll::Ready(7));
}

/// Scenario 16.
#[test]
fn the_same_waker_is_cloned_once() {
    let crank = Crank::new();
    let (open, mut shield) = gated(&crank, 7);
    let waker = Spy::waker();
    for _ in 0..100 {
        assert!(poll_with(&mut shield, &waker).is_pending());
        assert_eq!((Spy::clones(), Spy::alive()), (1, 2));
    }
    open.send(()).unwrap();
    crank.run();
    assert_eq!((Spy::clones(), Spy::alive()), (1, 1));
    assert_eq!(poll_with(&mut shield, &waker), Poll::Ready(7));
    assert_eq!(Spy::clones(), 1, "what is ready needs no waker");
}

/// Scenario 16: a shield that is dropped lets its waker go at once, and not when its work ends.
#[test]
fn a_waker_is_let_go_when_its_shield_is_dropped() {
    let crank = Crank::new();
    let (_open, mut shield) = gated(&crank, 7);
    let (wakes, waker) = Wakes::new();
    assert!(poll_with(&mut shield, &waker).is_pending());
    assert_eq!(Arc::strong_count(&wakes), 3);
    drop(shield);
    assert_eq!(Arc::strong_count(&wakes), 2);
    assert_eq!(wakes.count(), 0);
}

/// Scenario 17.
#[test]
fn spurious_polls_of_caller_and_work_change_nothing() {
    let crank = Crank::new();
    let (open, opened) = oneshot::channel::<()>();
    let mut opened = opened;
    let polls = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&polls);
    // Each poll asks for another one, and mostly for nothing.
    let work = poll_fn(move |cx| {
        counts.fetch_add(1, Ordering::SeqCst);
        cx.waker().wake_by_ref();
        opened.poll_unpin(cx)
    });
    let mut shield = work.shield(crank.spawner());
    let (wakes, waker) = Wakes::new();
    for number in 1..=100 {
        assert!(crank.step());
        assert_eq!(polls.load(Ordering::SeqCst), number);
        assert!(poll_with(&mut shield, &waker).is_pending());
    }
    assert_eq!(wakes.count(), 0, "nothing to be woken for");
    open.send(()).unwrap();
    crank.run();
    assert_eq!(polls.load(Ordering::SeqCst), 101);
    assert_eq!(wakes.count(), 1);
    assert_eq!(poll(&mut shield), Poll::Ready(Ok(())));
}

/// Scenario 17: a task that its executor polls again after its end, and drops after that.
#[test]
fn a_task_polled_after_its_end_stays_ended() {
    let crank = Crank::new();
    let slot = Arc::new(Mutex::new(None));
    let keep = Arc::clone(&slot);
    let keeper = futures_shield::spawn_fn(move |task| *locked(&keep) = Some(task));
    let polls = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&polls);
    let mut shield = async move { counts.fetch_add(1, Ordering::SeqCst) }.shield(keeper);
    let mut task = locked(&slot).take().unwrap();
    assert_eq!(poll(&mut task), Poll::Ready(()));
    assert_eq!(poll(&mut task), Poll::Ready(()));
    drop(task);
    assert_eq!(poll(&mut shield), Poll::Ready(0));
    assert_eq!(polls.load(Ordering::SeqCst), 1);
    drop(crank);
}

/// Scenario 18.
#[test]
fn work_that_wakes_itself_in_its_poll_is_polled_again() {
    let crank = Crank::new();
    let mut left = 10;
    let work = poll_fn(move |cx| {
        if left == 0 {
            return Poll::Ready("done");
        }
        left -= 1;
        cx.waker().wake_by_ref();
        Poll::Pending
    });
    let mut shield = work.shield(crank.spawner());
    assert_eq!(crank.run(), 11);
    assert_eq!(poll(&mut shield), Poll::Ready("done"));
}

/// Scenario 19.
#[test]
fn a_waker_that_panics_when_woken_is_contained() {
    let crank = Crank::new();
    let (open, mut shield) = gated(&crank, 7);
    let waker = act(|| panic!("a bad waker"), || {});
    assert!(poll_with(&mut shield, &waker).is_pending());
    open.send(()).unwrap();
    assert_eq!(crank.run(), 1, "the executor sees nothing of it");
    assert_eq!(poll(&mut shield), Poll::Ready(7));

    // At cancellation, too: on the thread that shuts the executor down.
    let mut shield = pending::<()>().shield(crank.spawner()).fallible();
    assert!(poll_with(&mut shield, &waker).is_pending());
    crank.shut_down();
    assert!(shield.now_or_never().unwrap().unwrap_err().is_cancelled());
}

/// Scenario 19: a waker whose drop panics, wherever it is dropped.
#[test]
fn a_waker_that_panics_when_dropped_is_contained() {
    // When its shield is dropped.
    let crank = Crank::new();
    let bad = || act(|| {}, || panic!("a bad waker"));
    let poll_once = |shield: &mut Shield<u32>| {
        // Its last clone is the shield's.
        let waker = bad();
        assert!(poll_with(shield, &waker).is_pending());
        let _ = catch_unwind(AssertUnwindSafe(|| drop(waker)));
    };
    let (hook, kept) = hook();
    let (open, shield) = gated(&crank, 7);
    let mut shield = shield.on_orphan(hook);
    poll_once(&mut shield);
    drop(shield);
    open.send(()).unwrap();
    crank.run();
    assert_eq!(locked(&kept).pop().unwrap().unwrap(), 7);

    // When it is woken.
    let (open, mut shield) = gated(&crank, 8);
    poll_once(&mut shield);
    open.send(()).unwrap();
    crank.run();
    assert_eq!(poll(&mut shield), Poll::Ready(8));
}

/// Scenario 19: a replaced waker whose drop panics: it may be that of another task, and neither poll nor outcome suffer.
#[test]
fn a_waker_that_panics_when_replaced_is_contained() {
    let crank = Crank::new();
    let (open, mut shield) = gated(&crank, 7);
    let waker = act(|| {}, || panic!("a bad waker"));
    assert!(poll_with(&mut shield, &waker).is_pending());
    let _ = catch_unwind(AssertUnwindSafe(|| drop(waker)));
    let (wakes, good) = Wakes::new();
    assert!(poll_with(&mut shield, &good).is_pending());
    open.send(()).unwrap();
    crank.run();
    assert_eq!(wakes.count(), 1, "the good one is registered");
    assert_eq!(poll(&mut shield), Poll::Ready(7));
}

/// Scenario 19: the clone of a waker panics; the shield can be polled again.
#[test]
fn a_waker_that_panics_when_cloned_costs_no_outcome() {
    let crank = Crank::new();
    let (open, mut shield) = gated(&crank, 7);
    let waker = Spy::waker();
    Spy::on_clone(|| panic!("a bad waker"));
    assert_eq!(panics_with(|| poll_with(&mut shield, &waker)), "a bad waker");
    assert!(poll_with(&mut shield, &waker).is_pending());
    open.send(()).unwrap();
    crank.run();
    assert_eq!(poll_with(&mut shield, &waker), Poll::Ready(7));
}

/// Scenario 12, by hand: the work ends while the caller's waker is being cloned. (No lock is held then: it would hang.)
#[test]
fn completed_while_the_waker_is_cloned_the_poll_sees_it() {
    on_a_thread(|| {
        let crank = Arc::new(Crank::new());
        let (open, mut shield) = gated(&crank, 7);
        let waker = Spy::waker();
        let cranked = Arc::clone(&crank);
        Spy::on_clone(move || {
            open.send(()).unwrap();
            assert_eq!(cranked.run(), 1);
        });
        assert_eq!(poll_with(&mut shield, &waker), Poll::Ready(7));
        assert_eq!(Spy::alive(), 1);
    });
}

/// Scenarios 12 and 19, promise 3: the same, and then the clone that nobody needs panics in its drop. The outcome was in the
/// poll's hands by then.
#[test]
fn completed_while_the_waker_is_cloned_and_its_drop_panics() {
    on_a_thread(|| {
        let crank = Arc::new(Crank::new());
        let (open, shield) = gated(&crank, 7);
        let (hook, kept) = hook();
        let mut shield = shield.on_orphan(hook);
        let waker = Spy::waker();
        let cranked = Arc::clone(&crank);
        Spy::on_clone(move || {
            open.send(()).unwrap();
            assert_eq!(cranked.run(), 1);
            Spy::on_drop(|| panic!("a bad waker"));
        });
        let delivered = match catch_unwind(AssertUnwindSafe(|| poll_with(&mut shield, &waker))) {
            Ok(Poll::Ready(value)) => Some(value),
            Ok(Poll::Pending) | Err(_) => None,
        };
        drop(shield);
        let hooked = locked(&kept).pop().map(Result::unwrap);
        assert_eq!(
            delivered.into_iter().chain(hooked).collect::<Vec<_>>(),
            [7],
            "exactly once"
        );
    });
}

/// Scenario 20.
#[test]
fn a_waker_that_drops_the_shield_when_woken() {
    on_a_thread(|| {
        let crank = Crank::new();
        let (hook, kept) = hook();
        let (open, shield) = gated(&crank, 7);
        let slot = Arc::new(Mutex::new(Some(shield.on_orphan(hook))));
        let there = Arc::clone(&slot);
        let waker = act(
            move || {
                let shield = locked(&there).take();
                drop(shield);
            },
            || {},
        );
        assert!(poll_with(locked(&slot).as_mut().unwrap(), &waker).is_pending());
        open.send(()).unwrap();
        crank.run();
        assert!(locked(&slot).is_none());
        assert_eq!(locked(&kept).pop().unwrap().unwrap(), 7);
    });
}

/// Scenario 20: the waker goes when the work ends, and takes the shield with it.
#[test]
fn a_waker_that_drops_the_shield_when_dropped() {
    on_a_thread(|| {
        let crank = Crank::new();
        let (hook, kept) = hook();
        let (open, shield) = gated(&crank, 7);
        let slot = Arc::new(Mutex::new(Some(shield.on_orphan(hook))));
        let there = Arc::clone(&slot);
        let waker = act(
            || {},
            move || {
                let shield = locked(&there).take();
                drop(shield);
            },
        );
        assert!(poll_with(locked(&slot).as_mut().unwrap(), &waker).is_pending());
        drop(waker);
        open.send(()).unwrap();
        crank.run();
        assert!(locked(&slot).is_none());
        assert_eq!(locked(&kept).pop().unwrap().unwrap(), 7);
    });
}

/// Scenario 20: a waker that, when it is replaced, ends the work: the one in its place is woken.
#[test]
fn a_waker_that_ends_the_work_when_replaced() {
    on_a_thread(|| {
        let crank = Arc::new(Crank::new());
        let (open, mut shield) = gated(&crank, 7);
        let (gate, cranked) = (Mutex::new(Some(open)), Arc::clone(&crank));
        let waker = act(
            || {},
            move || {
                locked(&gate).take().unwrap().send(()).unwrap();
                assert_eq!(cranked.run(), 1);
            },
        );
        assert!(poll_with(&mut shield, &waker).is_pending());
        drop(waker);
        let (wakes, waker) = Wakes::new();
        assert!(poll_with(&mut shield, &waker).is_pending());
        assert_eq!(wakes.count(), 1);
        assert_eq!(poll_with(&mut shield, &waker), Poll::Ready(7));
    });
}

/// Scenario 20: a waker that, when its shield lets it go, ends the work.
#[test]
fn a_waker_that_ends_the_work_when_the_shield_is_dropped() {
    on_a_thread(|| {
        let crank = Arc::new(Crank::new());
        let (hook, kept) = hook();
        let (open, shield) = gated(&crank, 7);
        let mut shield = shield.on_orphan(hook);
        let (gate, cranked) = (Mutex::new(Some(open)), Arc::clone(&crank));
        let waker = act(
            || {},
            move || {
                locked(&gate).take().unwrap().send(()).unwrap();
                assert_eq!(cranked.run(), 1);
            },
        );
        assert!(poll_with(&mut shield, &waker).is_pending());
        drop(waker);
        assert!(locked(&kept).is_empty());
        drop(shield);
        assert_eq!(locked(&kept).pop().unwrap().unwrap(), 7);
    });
}

/// Scenario 20: woken, a waker polls the shield there and then, as an executor that runs in line would.
#[test]
fn a_waker_that_polls_the_shield_when_woken() {
    on_a_thread(|| {
        let crank = Crank::new();
        let (open, shield) = gated(&crank, 7);
        let slot = Arc::new(Mutex::new(shield));
        let value = Arc::new(Mutex::new(None));
        let (there, sees) = (Arc::clone(&slot), Arc::clone(&value));
        let waker = act(
            move || match poll(&mut *locked(&there)) {
                Poll::Ready(value) => *locked(&sees) = Some(value),
                Poll::Pending => panic!("woken for nothing"),
            },
            || {},
        );
        assert!(poll_with(&mut *locked(&slot), &waker).is_pending());
        open.send(()).unwrap();
        crank.run();
        assert_eq!(*locked(&value), Some(7));
    });
}

/// Promise 8: a hook that re-enters. It shields on the same executor, drops another shield, and cranks.
#[test]
fn a_hook_that_reenters() {
    on_a_thread(|| {
        let crank = Arc::new(Crank::new());
        let (other_hook, other_kept) = hook();
        let other = ready("other").shield(crank.spawner()).on_orphan(other_hook);
        let (more_hook, more_kept) = hook();
        let cranked = Arc::clone(&crank);
        let (open, shield) = gated(&crank, 7);
        let shield = shield.on_orphan(move |outcome| {
            drop(other);
            let more = async move { outcome.unwrap() + 1 }.shield(cranked.spawner());
            drop(more.on_orphan(more_hook));
            cranked.run();
        });
        drop(shield);
        open.send(()).unwrap();
        crank.run();
        assert_eq!(locked(&other_kept).pop().unwrap().unwrap(), "other");
        assert_eq!(locked(&more_kept).pop().unwrap().unwrap(), 8);
    });
}

/// Promise 8: an output and a future that, when they are dropped, drop another shield and crank.
#[test]
fn outputs_and_futures_that_reenter_when_dropped() {
    on_a_thread(|| {
        let crank = Arc::new(Crank::new());
        let drops = Drops::new();
        let reenter = || {
            let (hook, kept) = hook();
            let other = ready("other").shield(crank.spawner()).on_orphan(hook);
            let (cranked, told) = (Arc::clone(&crank), drops.one());
            let teller = DropTeller::new(move || {
                drop(other);
                cranked.run();
                drop(told);
            });
            (teller, kept)
        };
        let (output, output_kept) = reenter();
        let (held, held_kept) = reenter();
        let work = crate::support::Holding::new(held, async { output });
        drop(work.shield(crank.spawner()));
        crank.run();
        assert_eq!(drops.count(), 2);
        assert_eq!(locked(&output_kept).len() + locked(&held_kept).len(), 2);
    });
}

/// Scenario 21.
#[test]
fn dropped_inside_its_own_work() {
    on_a_thread(|| {
        let crank = Crank::new();
        let (hook, kept) = hook();
        let slot = Arc::new(Mutex::new(None::<Shield<u32>>));
        let there = Arc::clone(&slot);
        let work = async move {
            let itself = locked(&there).take();
            drop(itself);
            7
        };
        let mut shield = work.shield(crank.spawner()).on_orphan(hook);
        let (wakes, waker) = Wakes::new();
        assert!(poll_with(&mut shield, &waker).is_pending());
        *locked(&slot) = Some(shield);
        crank.run();
        assert_eq!(locked(&kept).pop().unwrap().unwrap(), 7);
        assert_eq!(wakes.count(), 0, "there is nobody to wake");
    });
}

/// Scenario 21: polled inside its own work, and inside its work's drop.
#[test]
fn polled_inside_its_own_work() {
    on_a_thread(|| {
        let crank = Crank::new();
        let slot = Arc::new(Mutex::new(None::<FallibleShield<u32>>));
        let look = |slot: &Arc<Mutex<Option<FallibleShield<u32>>>>| {
            let slot = Arc::clone(slot);
            move || {
                if let Some(itself) = locked(&slot).as_mut() {
                    assert!(!itself.is_finished());
                    assert!(poll(itself).is_pending(), "the work has not been dropped");
                    assert!(format!("{itself:?}").contains("running"));
                }
            }
        };
        let (inside, at_drop) = (look(&slot), look(&slot));
        let looks = Drops::new();
        let (looked, dropped) = (looks.one(), looks.one());
        let work = crate::support::Holding::new(
            DropTeller::new(move || {
                at_drop();
                drop(dropped);
            }),
            async move {
                inside();
                drop(looked);
                7
            },
        );
        *locked(&slot) = Some(work.shield(crank.spawner()).fallible());
        crank.run();
        assert_eq!(looks.count(), 2);
        let mut itself = locked(&slot).take().unwrap();
        assert!(matches!(poll(&mut itself), Poll::Ready(Ok(7))));
    });
}

/// Scenario 22.
#[test]
fn moved_to_another_task_half_way() {
    let crank = Crank::new();
    let (open, mut shield) = gated(&crank, 7);
    let (wakes, waker) = Wakes::new();
    assert!(poll_with(&mut shield, &waker).is_pending());
    let outer = async { shield.await + 1 }.shield(crank.spawner());
    crank.run();
    open.send(()).unwrap();
    crank.run();
    assert_eq!(outer.now_or_never(), Some(8));
    assert_eq!(wakes.count(), 0, "the task that had it before");
}

/// Scenario 22, to a thread that waits for good.
#[test]
fn moved_to_another_thread_half_way() {
    let crank = Crank::new();
    let (open, mut shield) = gated(&crank, 7);
    assert!(poll(&mut shield).is_pending());
    let (first_poll, polled) = std::sync::mpsc::channel();
    let there = thread::spawn(move || {
        let watched = poll_fn(move |cx| {
            let polled = shield.poll_unpin(cx);
            first_poll.send(()).unwrap();
            polled
        });
        block_on(watched)
    });
    polled.recv_timeout(crate::support::DEADLINE).unwrap();
    open.send(()).unwrap();
    crank.run();
    assert_eq!(join(there), 7);
}

/// Scenario 23.
#[test]
fn leaked_it_finishes_and_its_outcome_stays_with_it() {
    let crank = Crank::new();
    let drops = Drops::new();
    let (hook, kept) = hook();
    let (open, shield) = gated(&crank, drops.one());
    let mut shield = shield.on_orphan(hook);
    let (wakes, waker) = Wakes::new();
    assert!(poll_with(&mut shield, &waker).is_pending());
    mem::forget(shield);
    open.send(()).unwrap();
    crank.run();
    assert_eq!(crank.len(), 0);
    assert_eq!(wakes.count(), 1);
    drop(crank);
    assert_eq!(drops.count(), 0);
    assert!(locked(&kept).is_empty());
}

/// `detach` is dropping it, in words.
#[test]
fn detached_the_hook_gets_the_outcome() {
    let crank = Crank::new();
    let (first, first_kept) = hook();
    let (second, second_kept) = hook();
    let spawner = crank.spawner();
    ready(1).shield(&spawner).on_orphan(first).detach();
    let fallible = ready(2).shield(&spawner).fallible();
    fallible.on_orphan(second).detach();
    crank.run();
    assert_eq!(locked(&first_kept).pop().unwrap().unwrap(), 1);
    assert_eq!(locked(&second_kept).pop().unwrap().unwrap(), 2);
}

/// A hook given before `fallible()` is still there after it; one given after replaces it.
#[test]
fn the_hook_goes_with_the_shield_and_the_latest_counts() {
    let crank = Crank::new();
    let (first, first_kept) = hook();
    drop(ready(1).shield(crank.spawner()).on_orphan(first).fallible());
    crank.run();
    assert_eq!(locked(&first_kept).pop().unwrap().unwrap(), 1);

    let (old, old_kept) = hook();
    let (new, new_kept) = hook();
    let shield = ready(2).shield(crank.spawner()).on_orphan(old);
    let shield = shield.fallible().on_orphan(new);
    assert_eq!(Arc::strong_count(&old_kept), 1, "replaced is dropped");
    crank.run();
    drop(shield);
    assert!(locked(&old_kept).is_empty());
    assert_eq!(locked(&new_kept).pop().unwrap().unwrap(), 2);
}

/// No task holds on to a waker once it has ended: nothing keeps the caller's task alive.
#[test]
fn nothing_is_kept_after_delivery() {
    let crank = Crank::new();
    let held = Drops::new();
    let (one, other) = (held.one(), held.one());
    let mut shield = crate::support::Holding::new(one, async { 7 })
        .shield(crank.spawner())
        .on_orphan(move |_| drop(other));
    let (wakes, waker) = Wakes::new();
    assert!(poll_with(&mut shield, &waker).is_pending());
    crank.run();
    assert_eq!(held.count(), 1, "the work");
    assert_eq!(poll_with(&mut shield, &waker), Poll::Ready(7));
    assert_eq!(held.count(), 2, "and the hook");
    drop(waker);
    assert_eq!(Arc::strong_count(&wakes), 1);
}

/// Two that wait for different work do not wake each other.
#[test]
fn each_is_woken_for_its_own() {
    let crank = Crank::new();
    let (open, mut shield) = gated(&crank, 1);
    let (_open_too, mut other) = gated(&crank, 2);
    let (wakes, waker) = Wakes::new();
    let (other_wakes, other_waker) = Wakes::new();
    assert!(poll_with(&mut shield, &waker).is_pending());
    assert!(poll_with(&mut other, &other_waker).is_pending());
    open.send(()).unwrap();
    crank.run();
    assert_eq!((wakes.count(), other_wakes.count()), (1, 0));
}

/// The hand-cranked executor itself, which every other test here relies on: it lost a wake-up of a task that was woken and
/// then cranked from inside its own poll.
#[test]
fn nested_crank_loses_no_wake_up() {
    let crank = Arc::new(Crank::new());
    let cranked = Arc::clone(&crank);
    let mut first = true;
    let mut shield = poll_fn(move |cx| {
        if mem::replace(&mut first, false) {
            cx.waker().wake_by_ref();
            assert_eq!(cranked.run(), 0, "a task is not polled inside its own poll");
            return Poll::Pending;
        }
        Poll::Ready(7)
    })
    .shield(crank.spawner());
    assert_eq!(crank.run(), 2);
    assert_eq!(poll(&mut shield), Poll::Ready(7));
}
