//! Shields with many waiters (scenario 74).

use std::cell::RefCell;
use std::future::{pending, ready};
use std::panic::panic_any;
use std::rc::Rc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use futures_core::FusedFuture;
use futures_shield::{SharedFallibleShield, SharedShield, ShieldExt, Tracker, spawn_local_fn};

use crate::support::*;

/// Scenario 40: those that are left.
#[test]
fn every_clone_gets_the_value() {
    let crank = Crank::new();
    let (work, open) = gated();
    let (shield, line) = (work.shield(crank.spawner()).shared(), line!());
    assert_eq!(shield.location().line(), line);
    let (left, waker) = Wakes::new();
    assert!(poll_with(&mut shield.clone(), &waker).is_pending());
    let mut clones = [shield.clone(), shield.clone(), shield];
    let wakers = clones.each_mut().map(|clone| {
        let (wakes, waker) = Wakes::new();
        assert!(poll_with(clone, &waker).is_pending());
        wakes
    });
    assert!(!clones[0].is_finished());

    open.send(7).unwrap();
    crank.run();
    assert_eq!(left.count(), 0);
    assert!(wakers.iter().all(|wakes| wakes.count() == 1));
    for clone in &mut clones {
        assert!(clone.is_finished() && !clone.is_terminated());
        assert_eq!(poll(clone), Poll::Ready(7));
        assert!(clone.is_terminated());
    }
    let mut late = clones[0].clone();
    assert_eq!(poll(&mut late), Poll::Ready(7));
}

#[test]
fn panic_reaches_every_clone() {
    let crank = Crank::new();
    let shield = async { panic!("out of paper") }.shield(crank.spawner()).shared();
    crank.run();
    let messages = [shield.clone(), shield].map(|mut clone: SharedShield<()>| panics_with(|| poll(&mut clone)));
    assert_eq!(messages[0], messages[1]);
    assert!(messages[0].ends_with("panicked: out of paper"), "{}", messages[0]);
}

#[test]
fn cancellation_reaches_every_clone() {
    let crank = Crank::new();
    let shield = pending::<()>().shield(crank.spawner()).fallible().shared();
    let mut clones = [shield.clone(), shield];
    crank.shut_down();
    let errors = clones.each_mut().map(|clone| match poll(clone) {
        Poll::Ready(Err(error)) => error,
        other => panic!("{other:?}"),
    });
    assert!(errors[0].is_cancelled() && Arc::ptr_eq(&errors[0], &errors[1]));
}

/// The waiter that was woken first is dropped before it polls. No other waiter depends on it.
#[test]
fn woken_waiter_is_dropped() {
    let crank = Crank::new();
    let (work, open) = gated();
    let shield = work.shield(crank.spawner()).shared();
    let (mut first, mut second) = (shield.clone(), shield);
    let ((first_wakes, first_waker), (second_wakes, second_waker)) = (Wakes::new(), Wakes::new());
    assert!(poll_with(&mut first, &first_waker).is_pending());
    assert!(poll_with(&mut second, &second_waker).is_pending());
    open.send(7).unwrap();
    crank.run();
    assert_eq!((first_wakes.count(), second_wakes.count()), (1, 1));
    drop(first);
    assert_eq!(poll(&mut second), Poll::Ready(7));
}

/// Scenario 41.
#[test]
fn last_clone_leaves_the_hook() {
    for ends_first in [false, true] {
        let crank = Crank::new();
        let tracker = Tracker::new(crank.spawner());
        let (hook, mut call) = hook();
        let mut shield = ready(7).shield(&tracker).on_orphan(hook).shared();
        let mut clone = shield.clone();
        assert!(poll(&mut clone).is_pending());
        assert!(poll(&mut shield).is_pending());
        drop(shield);
        if ends_first {
            crank.run();
        }
        assert!(call.is_waiting());
        drop(clone);
        assert_eq!(tracker.orphans(), usize::from(!ends_first));
        crank.run();
        assert_eq!(call.outcome().unwrap(), 7);
        assert!(tracker.is_empty());
    }
}

/// The last clone drops its own waker when it is dropped itself. By then the caller is gone, and the work is an orphan.
#[test]
fn last_waker_drop_sees_gone() {
    let crank = Crank::new();
    let tracker = Tracker::new(crank.spawner());
    let (shield, caller) = shield_and_caller(&tracker, pending::<()>());
    let inside = tracker.clone();
    let seen = Arc::new(Mutex::new(None));
    let sees = Arc::clone(&seen);
    let waker = callback_waker(
        || {},
        move || *locked(&sees) = Some((caller.is_gone(), inside.orphans())),
    );
    let mut shield = shield.shared();
    assert!(poll_with(&mut shield, &waker).is_pending());
    drop(waker);
    assert_eq!(*locked(&seen), None);
    drop(shield);
    assert_eq!(*locked(&seen), Some((true, 1)));
}

/// At the first delivery the hook is dropped and the caller is gone, though clones are left.
#[test]
fn first_delivery_ends_the_wait() {
    let crank = Crank::new();
    let (shield, caller) = shield_and_caller(crank.spawner(), ready(7));
    let drops = Drops::new();
    let (captured, inside, seen) = (drops.one(), caller.clone(), Arc::new(AtomicUsize::new(0)));
    let sees = Arc::clone(&seen);
    let on_drop = OnDrop::new(move || {
        sees.store(1 + usize::from(inside.is_gone()), Ordering::SeqCst);
    });
    let shield = shield.on_orphan(move |_| drop((captured, on_drop))).shared();
    let mut clones = [shield.clone(), shield];
    crank.run();
    assert!(!caller.is_gone());
    assert_eq!(poll(&mut clones[1]), Poll::Ready(7));
    assert!(caller.is_gone());
    assert_eq!(
        (drops.count(), seen.load(Ordering::SeqCst)),
        (1, 2),
        "the hook's drop sees the caller gone"
    );
    assert_eq!(poll(&mut clones[0]), Poll::Ready(7));
}

/// The hook that is dropped at delivery polls another clone, and then panics.
#[test]
fn dropped_hook_polls_a_clone() {
    on_a_thread(|| {
        let crank = Crank::new();
        let (another, seen) = (Arc::new(Mutex::new(None)), Arc::new(Mutex::new(None)));
        let (held, sees) = (Arc::clone(&another), Arc::clone(&seen));
        let captured = OnDrop::new(move || {
            let mut clone: SharedShield<u8> = locked(&held).take().unwrap();
            *locked(&sees) = Some(poll(&mut clone));
            panic!("the hook's drop");
        });
        let mut shield = ready(7)
            .shield(crank.spawner())
            .on_orphan(move |_| drop(captured))
            .shared();
        *locked(&another) = Some(shield.clone());
        crank.run();
        assert_eq!(poll(&mut shield), Poll::Ready(7));
        assert_eq!(*locked(&seen), Some(Poll::Ready(7)));
    });
}

#[test]
fn output_that_is_not_send() {
    let slot = Rc::new(RefCell::new(None));
    let keep = Rc::clone(&slot);
    let here = spawn_local_fn(move |task| drop(keep.replace(Some(task))));
    let mut shield = async { Rc::new(7) }.shield_local(&here).shared();
    let mut clone = shield.clone();
    assert!(poll(&mut shield).is_pending());
    let mut task = slot.take().unwrap();
    assert!(poll(&mut task).is_ready());
    let (Poll::Ready(one), Poll::Ready(other)) = (poll(&mut shield), poll(&mut clone)) else {
        panic!("the work has ended")
    };
    assert!(Rc::ptr_eq(&one, &other));
}

/// An output whose clone panics harms that waiter only, and one whose drop panics harms none.
#[test]
fn output_that_panics() {
    struct Touchy(Arc<AtomicUsize>);
    impl Clone for Touchy {
        fn clone(&self) -> Self {
            if self.0.fetch_add(1, Ordering::SeqCst) == 0 {
                panic_any("the clone's");
            }
            Self(Arc::clone(&self.0))
        }
    }
    impl Drop for Touchy {
        fn drop(&mut self) {
            if self.0.fetch_add(10, Ordering::SeqCst) == 2 {
                panic!("the drop's");
            }
        }
    }
    let crank = Crank::new();
    let count = Arc::new(AtomicUsize::new(0));
    let shield = ready(Touchy(Arc::clone(&count))).shield(crank.spawner()).shared();
    let (mut first, mut second) = (shield.clone(), shield);
    crank.run();
    assert_eq!(panics_with(|| poll(&mut first)), "the clone's");
    let Poll::Ready(output) = poll(&mut second) else {
        panic!("the work has ended")
    };
    std::mem::forget(output);
    drop((first, second));
    assert_eq!(count.load(Ordering::SeqCst), 12);
}

/// Each clone's copy panicked, so none has delivered: the caller is there until the last is dropped, and the hook gets
/// the output.
#[test]
fn undelivered_output_reaches_the_hook() {
    struct NeverCloned(u32);
    impl Clone for NeverCloned {
        fn clone(&self) -> Self {
            panic!("not to be copied")
        }
    }
    let crank = Crank::new();
    let found = Arc::new(Mutex::new(None));
    let finds = Arc::clone(&found);
    let (shield, caller) = shield_and_caller(crank.spawner(), ready(NeverCloned(7)));
    let shield = shield
        .on_orphan(move |outcome| *locked(&finds) = Some(outcome.unwrap().0))
        .shared();
    crank.run();
    let mut clones = [shield.clone(), shield];
    for clone in &mut clones {
        assert_eq!(panics_with(|| poll(clone)), "not to be copied");
        assert!(clone.is_terminated() && clone.is_finished());
    }
    assert!(!caller.is_gone());
    assert_eq!(*locked(&found), None);
    drop(clones);
    assert!(caller.is_gone());
    assert_eq!(*locked(&found), Some(7));
}

/// Threads that wait, or give up, while the work ends: nobody hangs, and the outcome has one place to go.
#[test]
fn many_rounds_on_two_threads() {
    let pool = futures_executor::ThreadPool::builder().pool_size(1).create().unwrap();
    let spawner = futures_shield::spawn_fn(move |task| pool.spawn_ok(task));
    for round in 0..10_000_usize {
        let hooked = Arc::new(AtomicUsize::new(0));
        let counts = Arc::clone(&hooked);
        let work = async move {
            if round.is_multiple_of(2) {
                tokio::task::yield_now().await;
            }
            assert!(!round.is_multiple_of(5), "overboard");
            round
        };
        let shield = work
            .shield(&spawner)
            .on_orphan(move |_| {
                counts.fetch_add(1, Ordering::SeqCst);
            })
            .fallible()
            .shared();
        let mut gives_up = shield.clone();
        let waits = shield.clone();
        let elsewhere = Thread::start(move || {
            let polled = poll(&mut gives_up);
            drop(gives_up);
            polled.is_ready()
        });
        let output = (!round.is_multiple_of(3)).then(|| block_on(waits));
        drop(shield);
        let delivered = elsewhere.join() || output.is_some();
        if let Some(output) = output {
            assert_eq!(output.ok(), (!round.is_multiple_of(5)).then_some(round));
        }
        if delivered {
            assert_eq!(hooked.load(Ordering::SeqCst), 0);
        }
    }
}

/// Scenario 9.
#[test]
fn debug_shows_location_and_progress() {
    fn shows(plain: &SharedShield<u8>, fallible: &SharedFallibleShield<u8>, work: &str) {
        let text = |name, location| format!("{name} {{ location: {location}, work: {work} }}");
        assert_eq!(format!("{plain:?}"), text("SharedShield", plain.location()));
        assert_eq!(
            format!("{fallible:?}"),
            text("SharedFallibleShield", fallible.location())
        );
        let is_finished = work == "finished";
        assert_eq!(
            (plain.is_finished(), fallible.is_finished()),
            (is_finished, is_finished)
        );
    }

    let crank = Crank::new();
    let mut plain = ready(7).shield(crank.spawner()).shared();
    let mut fallible = ready(7).shield(crank.spawner()).fallible().shared();
    shows(&plain, &fallible, "running");
    crank.run();
    shows(&plain, &fallible, "finished");
    assert!(poll(&mut plain).is_ready() && poll(&mut fallible).is_ready());
    shows(&plain, &fallible, "finished");
}

/// A shield that has delivered has nothing to share, so `select!` passes it by.
#[test]
fn shared_after_delivery() {
    let crank = Crank::new();
    let mut shield = ready(7).shield(crank.spawner());
    crank.run();
    assert_eq!(poll(&mut shield), Poll::Ready(7));
    let mut shared = shield.shared();
    assert!(shared.is_terminated() && shared.is_finished());
    assert!(panics_with(|| poll(&mut shared)).starts_with("`SharedShield` polled after completion"));
    assert!(format!("{shared:?}").ends_with("work: delivered }"));
}
