//! Races and polling, one step at a time: who is woken, who gets the outcome, and when.

use std::mem;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Poll, Waker};

use futures_shield::{FallibleShield, Shield, ShieldExt};
use futures_util::FutureExt;
use futures_util::future::{poll_fn, ready};
use tokio::sync::oneshot;

use crate::support::*;

/// Returns a gate, and a shield whose work is pending until the gate is opened.
fn shielded<T: Send + 'static>(crank: &Crank, output: T) -> (oneshot::Sender<()>, Shield<T>) {
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
fn unpolled_outcome_reaches_the_hook() {
    let crank = Crank::new();
    let (open, shield) = shielded(&crank, 7);
    let (hook, mut kept) = hook();
    let mut shield = shield.on_orphan(hook);
    let (wakes, waker) = Wakes::new();
    assert!(poll_with(&mut shield, &waker).is_pending());
    open.send(()).unwrap();
    crank.run();
    assert_eq!(wakes.count(), 1);
    assert!(kept.is_waiting());
    drop(shield);
    assert_eq!(kept.outcome().unwrap(), 7);
}

/// Scenario 13, with no hook.
#[test]
fn unpolled_output_is_dropped_once() {
    let crank = Crank::new();
    let drops = Drops::new();
    let (open, mut shield) = shielded(&crank, drops.one());
    assert!(poll(&mut shield).is_pending());
    open.send(()).unwrap();
    crank.run();
    assert_eq!(drops.count(), 0);
    drop(shield);
    assert_eq!(drops.count(), 1);
    drop(crank);
    assert_eq!(drops.count(), 1);
}

/// Scenario 17.
#[test]
fn spurious_polls_change_nothing() {
    let crank = Crank::new();
    let (open, opened) = oneshot::channel::<()>();
    let mut opened = opened;
    let polls = Arc::new(AtomicUsize::new(0));
    let counts = Arc::clone(&polls);
    // Each poll asks for another one, which has nothing to do.
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
fn task_polled_after_its_end() {
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
fn work_that_wakes_itself() {
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

/// Scenario 12, by hand: the work ends while the caller's waker is being cloned. (No lock is held
/// then: it would hang.)
#[test]
fn clone_ends_the_work() {
    on_a_thread(|| {
        let crank = Arc::new(Crank::new());
        let (open, mut shield) = shielded(&crank, 7);
        let waker = CloneCounter::waker();
        let cranked = Arc::clone(&crank);
        CloneCounter::on_clone(move || {
            open.send(()).unwrap();
            assert_eq!(cranked.run(), 1);
        });
        assert_eq!(poll_with(&mut shield, &waker), Poll::Ready(7));
        assert_eq!(CloneCounter::alive(), 1);
    });
}

/// Scenarios 12 and 19: the same, and then the clone, which is not needed, panics in its drop. The
/// poll had taken the outcome already.
#[test]
fn clone_ends_work_and_drop_panics() {
    on_a_thread(|| {
        let crank = Arc::new(Crank::new());
        let (open, shield) = shielded(&crank, 7);
        let (hook, mut kept) = hook();
        let mut shield = shield.on_orphan(hook);
        let waker = CloneCounter::waker();
        let cranked = Arc::clone(&crank);
        CloneCounter::on_clone(move || {
            open.send(()).unwrap();
            assert_eq!(cranked.run(), 1);
            CloneCounter::on_drop(|| panic!("a bad waker"));
        });
        let delivered = match catch_unwind(AssertUnwindSafe(|| poll_with(&mut shield, &waker))) {
            Ok(Poll::Ready(value)) => Some(value),
            Ok(Poll::Pending) | Err(_) => None,
        };
        drop(shield);
        let hooked = (!kept.is_dropped_uncalled()).then(|| kept.outcome().unwrap());
        assert_eq!(
            delivered.into_iter().chain(hooked).collect::<Vec<_>>(),
            [7],
            "exactly once"
        );
    });
}

/// Scenario 20: a waker that drops its shield, when it is woken and when it is dropped.
#[test]
fn waker_drops_the_shield() {
    for when_woken in [true, false] {
        on_a_thread(move || {
            let crank = Crank::new();
            let (hook, mut kept) = hook();
            let (open, shield) = shielded(&crank, 7);
            let slot = Arc::new(Mutex::new(Some(shield.on_orphan(hook))));
            let there = Arc::clone(&slot);
            let waker = callback_in(when_woken, move || {
                let shield = locked(&there).take();
                drop(shield);
            });
            assert!(poll_with(locked(&slot).as_mut().unwrap(), &waker).is_pending());
            drop(waker);
            open.send(()).unwrap();
            crank.run();
            assert!(locked(&slot).is_none());
            assert_eq!(kept.outcome().unwrap(), 7);
        });
    }
}

/// Returns a waker that runs `callback` when it is woken, or when it is dropped.
fn callback_in(wake: bool, callback: impl Fn() + Send + Sync + 'static) -> Waker {
    if wake {
        callback_waker(callback, || {})
    } else {
        callback_waker(|| {}, callback)
    }
}

/// Returns a shield whose waker ends the work when it is dropped. The shield holds its only clone.
fn ended_by_its_waker(crank: &Arc<Crank>) -> (Shield<u32>, HookCall<u32>) {
    let (hook, kept) = hook();
    let (open, shield) = shielded(crank, 7);
    let mut shield = shield.on_orphan(hook);
    let (gate, cranked) = (Mutex::new(Some(open)), Arc::clone(crank));
    let waker = callback_in(false, move || {
        locked(&gate).take().unwrap().send(()).unwrap();
        assert_eq!(cranked.run(), 1);
    });
    assert!(poll_with(&mut shield, &waker).is_pending());
    (shield, kept)
}

/// Scenario 20: a waker that, when it is replaced, ends the work: the one in its place is woken.
#[test]
fn replaced_waker_ends_the_work() {
    on_a_thread(|| {
        let (mut shield, _) = ended_by_its_waker(&Arc::new(Crank::new()));
        let (wakes, waker) = Wakes::new();
        assert!(poll_with(&mut shield, &waker).is_pending());
        assert_eq!(wakes.count(), 1);
        assert_eq!(poll_with(&mut shield, &waker), Poll::Ready(7));
    });
}

/// Scenario 20: a waker that ends the work when its shield releases it.
#[test]
fn removed_waker_ends_the_work() {
    on_a_thread(|| {
        let (shield, mut kept) = ended_by_its_waker(&Arc::new(Crank::new()));
        assert!(kept.is_waiting());
        drop(shield);
        assert_eq!(kept.outcome().unwrap(), 7);
    });
}

/// Scenario 20: a waker that polls the shield when it is woken, as an executor that runs inline
/// would.
#[test]
fn wake_polls_the_shield() {
    on_a_thread(|| {
        let crank = Crank::new();
        let (open, shield) = shielded(&crank, 7);
        let slot = Arc::new(Mutex::new(shield));
        let value = Arc::new(Mutex::new(None));
        let (there, sees) = (Arc::clone(&slot), Arc::clone(&value));
        let waker = callback_waker(
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

/// A hook that re-enters: it shields on the same executor, drops another shield, and cranks.
#[test]
fn hook_that_reenters() {
    on_a_thread(|| {
        let crank = Arc::new(Crank::new());
        let (other_hook, mut other_kept) = hook();
        let other = ready("other").shield(crank.spawner()).on_orphan(other_hook);
        let (more_hook, mut more_kept) = hook();
        let cranked = Arc::clone(&crank);
        let (open, shield) = shielded(&crank, 7);
        let shield = shield.on_orphan(move |outcome| {
            drop(other);
            let more = async move { outcome.unwrap() + 1 }.shield(cranked.spawner());
            drop(more.on_orphan(more_hook));
            cranked.run();
        });
        drop(shield);
        open.send(()).unwrap();
        crank.run();
        assert_eq!(other_kept.outcome().unwrap(), "other");
        assert_eq!(more_kept.outcome().unwrap(), 8);
    });
}

/// An output and a future that drop another shield and crank when they are dropped.
#[test]
fn drops_that_reenter() {
    on_a_thread(|| {
        let crank = Arc::new(Crank::new());
        let drops = Drops::new();
        let reenter = || {
            let (hook, kept) = hook();
            let other = ready("other").shield(crank.spawner()).on_orphan(hook);
            let (cranked, told) = (Arc::clone(&crank), drops.one());
            let teller = OnDrop::new(move || {
                drop(other);
                cranked.run();
                drop(told);
            });
            (teller, kept)
        };
        let (output, mut output_kept) = reenter();
        let (held, mut held_kept) = reenter();
        let work = HoldsUntilDrop::new(held, async { output });
        drop(work.shield(crank.spawner()));
        crank.run();
        assert_eq!(drops.count(), 2);
        assert_eq!(output_kept.outcome().unwrap(), "other");
        assert_eq!(held_kept.outcome().unwrap(), "other");
    });
}

/// Scenario 21.
#[test]
fn dropped_inside_its_own_work() {
    on_a_thread(|| {
        let crank = Crank::new();
        let (hook, mut kept) = hook();
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
        assert_eq!(kept.outcome().unwrap(), 7);
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
        let work = HoldsUntilDrop::new(
            OnDrop::new(move || {
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
fn moved_to_another_task() {
    let crank = Crank::new();
    let (open, mut shield) = shielded(&crank, 7);
    let (wakes, waker) = Wakes::new();
    assert!(poll_with(&mut shield, &waker).is_pending());
    let outer = async { shield.await + 1 }.shield(crank.spawner());
    crank.run();
    open.send(()).unwrap();
    crank.run();
    assert_eq!(outer.now_or_never(), Some(8));
    assert_eq!(wakes.count(), 0, "the task that had it before");
}

/// `detach` is an explicit drop.
#[test]
fn detached_outcome_reaches_the_hook() {
    let crank = Crank::new();
    let (first, mut first_kept) = hook();
    let (second, mut second_kept) = hook();
    let spawner = crank.spawner();
    ready(1).shield(&spawner).on_orphan(first).detach();
    let fallible = ready(2).shield(&spawner).fallible();
    fallible.on_orphan(second).detach();
    crank.run();
    assert_eq!(first_kept.outcome().unwrap(), 1);
    assert_eq!(second_kept.outcome().unwrap(), 2);
}

/// A hook given before `fallible()` is still there after it; one given after replaces it.
#[test]
fn latest_hook_counts() {
    let crank = Crank::new();
    let (first, mut first_kept) = hook();
    drop(ready(1).shield(crank.spawner()).on_orphan(first).fallible());
    crank.run();
    assert_eq!(first_kept.outcome().unwrap(), 1);

    let (old, mut old_kept) = hook();
    let (new, mut new_kept) = hook();
    let shield = ready(2).shield(crank.spawner()).on_orphan(old);
    let shield = shield.fallible().on_orphan(new);
    assert!(old_kept.is_dropped_uncalled());
    crank.run();
    drop(shield);
    assert_eq!(new_kept.outcome().unwrap(), 2);
}

/// Shields of different work do not wake each other's tasks.
#[test]
fn each_wakes_its_own_task() {
    let crank = Crank::new();
    let (open, mut shield) = shielded(&crank, 1);
    let (_open_too, mut other) = shielded(&crank, 2);
    let (wakes, waker) = Wakes::new();
    let (other_wakes, other_waker) = Wakes::new();
    assert!(poll_with(&mut shield, &waker).is_pending());
    assert!(poll_with(&mut other, &other_waker).is_pending());
    open.send(()).unwrap();
    crank.run();
    assert_eq!((wakes.count(), other_wakes.count()), (1, 0));
}

/// The hand-cranked executor itself, which every other test here relies on: it lost a wake-up of a
/// task that was woken and then cranked from inside its own poll.
#[test]
fn nested_crank_keeps_wakes() {
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
