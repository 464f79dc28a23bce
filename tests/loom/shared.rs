//! Shared shields: the end of the work, the deliveries of its waiters and the drops of the clones.

use std::future::ready;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_shield::{BoxTask, SharedShield, Shield, ShieldExt};
use loom::future::block_on;
use loom::thread;

use crate::support::*;

/// An outcome whose originals and clones are counted as they are dropped.
struct Output {
    _drops: Arc<CountedDrop>,
    /// How many of its next clones panic. Invisible to loom, so it orders nothing.
    unclonable: Arc<AtomicUsize>,
}

impl Clone for Output {
    fn clone(&self) -> Self {
        let take = |left: usize| left.checked_sub(1);
        if self
            .unclonable
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take)
            .is_ok()
        {
            resume_unwind(Box::new("no clone"));
        }
        Self {
            _drops: Arc::clone(&self._drops),
            unclonable: Arc::clone(&self.unclonable),
        }
    }
}

/// A shared shield, its task, and what is counted: the calls of its hook, and the drop of the
/// output with all its clones.
struct Work(SharedShield<Output>, BoxTask, Count, Count);

fn work() -> Work {
    work_whose_clones_panic(0)
}

fn work_whose_clones_panic(clones: usize) -> Work {
    let (hooks, drops) = (Count::default(), Count::default());
    let output = Output {
        _drops: Arc::new(drops.of_drops()),
        unclonable: Arc::new(AtomicUsize::new(clones)),
    };
    let (shield, task): (Shield<Output>, _) = shielded(ready(output));
    let called = hooks.clone();
    Work(shield.on_orphan(move |_| called.add()).shared(), task, hooks, drops)
}

/// Polls once, and drops what it polled. Returns `true` if the outcome was delivered.
fn polled_and_dropped(mut clone: SharedShield<Output>) -> bool {
    poll(&mut clone).is_ready()
}

/// The same, and returns `false` if the clone of the output panicked.
fn polled_in_spite_of_panics(clone: SharedShield<Output>) -> bool {
    catch_unwind(AssertUnwindSafe(|| polled_and_dropped(clone))).unwrap_or_default()
}

#[test]
fn work_ends_as_two_register() {
    bounded(3, || {
        let (shield, task) = shielded(ready(7));
        let one = shield.shared();
        let other = one.clone();
        let work = in_a_thread(task);
        let waits = thread::spawn(move || block_on(other));
        assert_eq!(block_on(one), 7);
        assert_eq!(waits.join().unwrap(), 7);
        work.join().unwrap();
    });
}

/// A waiter that was woken and does not poll again takes no wake-up from the other one.
#[test]
fn work_ends_as_one_stops_waiting() {
    bounded(3, || {
        let Work(shared, task, hooks, drops) = work();
        let stopped = shared.clone();
        let stops = thread::spawn(move || polled_and_dropped(stopped));
        let work = in_a_thread(task);
        drop(block_on(shared));
        stops.join().unwrap();
        work.join().unwrap();
        assert_eq!((hooks.get(), drops.get()), (0, 1));
    });
}

/// The outcome goes to the hook once, on whichever side ends last.
#[test]
fn last_clone_dropped_as_work_ends() {
    loom::model(|| {
        let Work(shared, task, hooks, drops) = work();
        let work = in_a_thread(task);
        drop(shared);
        work.join().unwrap();
        assert_eq!((hooks.get(), drops.get()), (1, 1));
    });
}

/// Neither of two clones knows whether it is the last one.
#[test]
fn both_clones_dropped_as_work_ends() {
    bounded(3, || {
        let Work(shared, task, hooks, drops) = work();
        let clone = shared.clone();
        let drops_other = thread::spawn(move || drop(clone));
        let work = in_a_thread(task);
        drop(shared);
        drops_other.join().unwrap();
        work.join().unwrap();
        assert_eq!((hooks.get(), drops.get()), (1, 1));
    });
}

/// The last clone polls once as the work ends: the outcome is delivered or goes to the hook, and
/// never both.
#[test]
fn last_clone_polled_then_dropped() {
    either_happens(|| {
        let Work(shared, task, hooks, drops) = work();
        let work = in_a_thread(task);
        let was_delivered = polled_and_dropped(shared);
        work.join().unwrap();
        assert_eq!((hooks.get(), drops.get()), (usize::from(!was_delivered), 1));
        was_delivered
    });
}

/// The first delivery on one thread, and the drop of the other clone here.
#[test]
fn first_delivery_as_other_drops() {
    loom::model(|| {
        let Work(shared, task, hooks, drops) = work();
        block_on(task);
        let delivers = shared.clone();
        let delivers = thread::spawn(move || polled_and_dropped(delivers));
        drop(shared);
        assert!(delivers.join().unwrap());
        assert_eq!((hooks.get(), drops.get()), (0, 1));
    });
}

/// Two first deliveries at once. Both get the output.
#[test]
fn both_clones_deliver_at_once() {
    loom::model(|| {
        let Work(shared, task, hooks, drops) = work();
        block_on(task);
        let clone = shared.clone();
        let delivers = thread::spawn(move || polled_and_dropped(clone));
        assert!(polled_and_dropped(shared));
        assert!(delivers.join().unwrap());
        assert_eq!((hooks.get(), drops.get()), (0, 1));
    });
}

/// A clone of the output panics while another waiter delivers: that waiter gets it, and the hook is
/// not called.
#[test]
fn clone_panics_as_other_delivers() {
    loom::model(|| {
        let Work(shared, task, hooks, drops) = work_whose_clones_panic(1);
        block_on(task);
        let clone = shared.clone();
        let polls = thread::spawn(move || polled_in_spite_of_panics(clone));
        let delivered = polled_in_spite_of_panics(shared);
        assert!(polls.join().unwrap() != delivered);
        assert_eq!((hooks.get(), drops.get()), (0, 1));
    });
}

/// No clone of the output succeeds, or the other waiter is dropped unpolled: whoever is dropped last
/// leaves the outcome to the hook.
#[test]
fn clone_panics_as_other_leaves() {
    for (panics, other) in [
        (2, polled_in_spite_of_panics as fn(SharedShield<Output>) -> bool),
        (1, |clone| {
            drop(clone);
            false
        }),
    ] {
        loom::model(move || {
            let Work(shared, task, hooks, drops) = work_whose_clones_panic(panics);
            block_on(task);
            let clone = shared.clone();
            let leaves = thread::spawn(move || other(clone));
            assert!(!polled_in_spite_of_panics(shared));
            assert!(!leaves.join().unwrap());
            assert_eq!((hooks.get(), drops.get()), (1, 1));
        });
    }
}

/// A clone is made, and registers, while the work ends and another clone delivers.
#[test]
fn clone_registers_as_hub_delivers() {
    loom::model(|| {
        let Work(shared, task, hooks, drops) = work();
        let first = shared.clone();
        let delivers = thread::spawn(move || {
            block_on(task);
            polled_and_dropped(first)
        });
        let second = shared.clone();
        drop(shared);
        drop(block_on(second));
        assert!(delivers.join().unwrap());
        assert_eq!((hooks.get(), drops.get()), (0, 1));
    });
}

/// A helper that waits for the caller to be gone is woken by the first delivery, or by the drop of
/// the last clone.
#[test]
fn gone_at_delivery_or_last_drop() {
    bounded(3, || {
        let (shield, task, caller) = shielded_and_caller(ready(7));
        let shared = shield.shared();
        let clone = shared.clone();
        block_on(task);
        let helper = thread::spawn(move || block_on(caller.gone()));
        let polls = thread::spawn(move || poll(&mut { clone }).is_ready());
        drop(shared);
        polls.join().unwrap();
        helper.join().unwrap();
    });
}

/// The work counts until it ends; its hook, which the last clone runs, counts again.
#[test]
fn tracked_hook_of_last_clone() {
    loom::model(|| {
        let tracker = tracker();
        let (inside, seen) = (tracker.clone(), Seen::nothing());
        let sees = seen.clone();
        let shared = ready(())
            .shield(&tracker)
            .on_orphan(move |_| sees.put((inside.len(), inside.unfinished().len())))
            .shared();
        let clone = shared.clone();
        let work = in_a_thread(spawned());
        drop((shared, clone));
        work.join().unwrap();
        assert_eq!(seen.take(), (1, 1));
        assert!(tracker.is_empty());
    });
}
