//! Draining: the deadline comes while entries come and go. `Err` is never empty, and nobody waits for another thread.

use std::future::{Future, pending, ready};

use futures_shield::{Tracker, Unfinished};
use loom::future::block_on;
use loom::thread;

use crate::support::*;

fn drained(tracker: &Tracker<ThisThread>, deadline: impl Future<Output = ()>) -> Result<(), Unfinished> {
    block_on(Box::pin(tracker.drain(deadline)))
}

/// With a deadline that never comes, draining is waiting.
#[test]
fn last_entry_leaves() {
    loom::model(|| {
        let tracker = tracker();
        let work = in_a_thread(orphan(&tracker, async {}));
        assert_eq!(drained(&tracker, pending()), Ok(()));
        work.join().unwrap();
    });
}

#[test]
fn deadline_as_last_leaves() {
    either_happens(|| {
        let tracker = tracker();
        let work = in_a_thread(orphan(&tracker, async {}));
        let drained = drained(&tracker, ready(()));
        work.join().unwrap();
        drained.map_err(|unfinished| assert_eq!(unfinished.len(), 1)).is_ok()
    });
}

/// The entry counts in the whole, and so it is named, too.
#[test]
fn deadline_as_entry_comes() {
    either_happens(|| {
        let tracker = tracker();
        let places = Places::of(&tracker);
        let comes = thread::spawn(move || places.first());
        let drained = drained(&tracker, ready(()));
        drop(comes.join().unwrap());
        drained.map_err(|unfinished| assert_eq!(unfinished.len(), 1)).is_ok()
    });
}

#[test]
fn deadline_as_entry_comes_and_goes() {
    loom::model(|| {
        let tracker = tracker();
        let places = Places::of(&tracker);
        let comes_and_goes = thread::spawn(move || drop(places.first()));
        if let Err(unfinished) = drained(&tracker, ready(())) {
            assert_eq!(unfinished.len(), 1);
        }
        comes_and_goes.join().unwrap();
        assert_eq!(drained(&tracker, pending()), Ok(()));
    });
}

/// Something runs at every moment, at one location or at the other. So `Ok` would be wrong, although each location may
/// be empty when it is read.
#[test]
fn deadline_as_work_changes_places() {
    for from_first in [true, false] {
        loom::model(move || {
            let tracker = tracker();
            let places = Places::of(&tracker);
            let before = if from_first { places.first() } else { places.second() };
            let changes = thread::spawn(move || {
                let after = if from_first { places.second() } else { places.first() };
                drop(before);
                after
            });
            let unfinished = drained(&tracker, ready(())).unwrap_err();
            assert!((1..=2).contains(&unfinished.len()));
            drop(changes.join().unwrap());
        });
    }
}

#[test]
fn deadline_as_one_of_two_leaves() {
    loom::model(|| {
        let tracker = tracker();
        let places = Places::of(&tracker);
        let (stays, leaves) = (places.second(), places.first());
        let leaves = thread::spawn(move || drop(leaves));
        let (first, second) = places.named(&drained(&tracker, ready(())).unwrap_err());
        assert!(first <= 1 && second == 1);
        leaves.join().unwrap();
        let unfinished = drained(&tracker, ready(())).unwrap_err();
        assert_eq!(places.named(&unfinished), (0, 1));
        drop(stays);
    });
}

#[test]
fn two_deadlines_at_once() {
    bounded(3, || {
        let tracker = tracker();
        let task = orphan(&tracker, async {});
        let other = tracker.clone();
        let drains = thread::spawn(move || drained(&other, ready(())));
        let work = in_a_thread(task);
        for result in [drained(&tracker, ready(())), drains.join().unwrap()] {
            if let Err(unfinished) = result {
                assert_eq!(unfinished.len(), 1);
            }
        }
        work.join().unwrap();
        assert_eq!(drained(&tracker, ready(())), Ok(()));
    });
}

/// A drain that stops at its deadline takes no wake-up from one that waits.
#[test]
fn deadline_beside_a_patient_drain() {
    bounded(3, || {
        let tracker = tracker();
        let task = orphan(&tracker, async {});
        let other = tracker.clone();
        let stops = thread::spawn(move || drained(&other, ready(())).is_ok());
        let work = in_a_thread(task);
        assert_eq!(drained(&tracker, pending()), Ok(()));
        stops.join().unwrap();
        work.join().unwrap();
    });
}

/// The deadline comes on another thread, and wakes the drain, which names only what stays.
#[test]
fn deadline_comes_from_elsewhere() {
    loom::model(|| {
        let tracker = tracker();
        let places = Places::of(&tracker);
        let (stays, leaves) = (places.second(), places.first());
        let deadline = Gate::closed();
        let passed = deadline.clone().passed();
        let comes = thread::spawn(move || {
            drop(leaves);
            deadline.open();
        });
        let unfinished = drained(&tracker, passed).unwrap_err();
        assert_eq!(places.named(&unfinished), (0, 1));
        comes.join().unwrap();
        drop(stays);
    });
}

/// The same while the last entry leaves on a third thread.
#[test]
fn deadline_elsewhere_as_last_leaves() {
    bounded(3, || {
        let tracker = tracker();
        let work = in_a_thread(orphan(&tracker, async {}));
        let deadline = Gate::closed();
        let passed = deadline.clone().passed();
        let comes = thread::spawn(move || deadline.open());
        if let Err(unfinished) = drained(&tracker, passed) {
            assert_eq!(unfinished.len(), 1);
        }
        work.join().unwrap();
        comes.join().unwrap();
    });
}
