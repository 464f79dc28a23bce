//! Work that runs inside its caller, and its hand-over to a task.

use std::future::{pending, ready};

use futures_shield::{ShieldExt, Tracker, cleanup};
use loom::future::block_on;
use loom::thread;

use crate::support::*;

/// Work whose caller drops it partway continues on another thread, and is counted until its hook has run.
#[test]
fn orphan_continues_while_waited_for() {
    loom::model(|| {
        let tracker = tracker();
        let note = Note::new();
        let writes = note.clone();
        let mut shield = yield_once().shield_on_drop(&tracker).on_orphan(move |outcome| {
            if outcome.is_ok() {
                writes.write();
            }
        });
        assert!(poll(&mut shield).is_pending());
        drop(shield);
        let work = in_a_thread(spawned());
        block_on(tracker.wait());
        assert!(note.is_written());
        work.join().unwrap();
    });
}

/// Work that ends in its caller ends the wait of another thread, which can read what it wrote.
#[test]
fn end_in_caller_wakes_waiter() {
    loom::model(|| {
        let tracker = tracker();
        let note = Note::new();
        let writes = note.clone();
        let mut shield = async move {
            yield_once().await;
            writes.write();
        }
        .shield_on_drop(&tracker);
        assert!(poll(&mut shield).is_pending());
        let waiter = tracker.wait();
        let waits = thread::spawn(move || {
            block_on(waiter);
            assert!(note.is_written());
        });
        assert!(poll(&mut shield).is_ready());
        waits.join().unwrap();
    });
}

/// While work is handed over, another thread sees one entry: never none, and never two.
#[test]
fn handover_keeps_one_entry() {
    loom::model(|| {
        let tracker = tracker();
        let mut shield = pending::<()>().shield_on_drop(&tracker);
        assert!(poll(&mut shield).is_pending());
        let reader = tracker.clone();
        let reads = thread::spawn(move || {
            assert_eq!((reader.len(), reader.unfinished().len(), reader.len()), (1, 1, 1));
        });
        drop(shield);
        reads.join().unwrap();
        drop(spawned());
        assert!(tracker.is_empty());
    });
}

/// The same for each of two trackers around one spawner.
#[test]
fn handover_through_two_trackers() {
    loom::model(|| {
        let inner = tracker();
        let outer = Tracker::new(inner.clone());
        let mut shield = pending::<()>().shield_on_drop(&outer);
        assert!(poll(&mut shield).is_pending());
        let readers = (inner.clone(), outer.clone());
        let reads = thread::spawn(move || {
            let (inner, outer) = readers;
            assert_eq!((inner.len(), outer.len()), (1, 1));
            assert_eq!((inner.metrics().running(), outer.metrics().running()), (1, 1));
        });
        drop(shield);
        reads.join().unwrap();
        drop(spawned());
        assert!(inner.is_empty() && outer.is_empty());
    });
}

/// The rest of the work may end before its caller's drop returns.
#[test]
fn orphan_ends_during_handover() {
    loom::model(|| {
        let tracker = Tracker::new(NewThread);
        let mut shield = yield_once().shield_on_drop(&tracker);
        assert!(poll(&mut shield).is_pending());
        drop(shield);
        block_on(tracker.wait());
        assert_eq!((tracker.len(), tracker.orphans()), (0, 0));
        assert_eq!(tracker.metrics().finished_total(), 1);
        started().join().unwrap();
    });
}

/// A cleanup that its guard's drop spawns counts from then on, once.
#[test]
fn dropped_cleanup_counts_once() {
    let counted = Count::default();
    let counts = counted.clone();
    loom::model(move || {
        let tracker = tracker();
        let guard = cleanup(tracker.clone(), (), |()| ready(()));
        let (reader, counts) = (tracker.clone(), counts.clone());
        let reads = thread::spawn(move || {
            let (before, after) = (reader.len(), reader.len());
            if before == 1 {
                counts.add();
            }
            assert!(before <= after && after <= 1);
        });
        drop(guard);
        reads.join().unwrap();
        assert_eq!((tracker.len(), tracker.orphans()), (1, 1));
        block_on(spawned());
        assert_eq!((tracker.len(), tracker.orphans()), (0, 0));
    });
    assert!(counted.get() > 0);
}

/// The gate opens while the work that waits for it is handed over. The wake-up may go to the old waker, so the first
/// poll of the task sees that the gate is open.
#[test]
fn gate_opens_during_rescue() {
    loom::model(|| {
        let gate = Gate::closed();
        let hooks = Count::default();
        let called = hooks.clone();
        let mut shield = gate
            .clone()
            .passed()
            .shield_on_drop(ThisThread)
            .on_orphan(move |outcome| {
                if outcome.is_ok() {
                    called.add();
                }
            });
        assert!(poll(&mut shield).is_pending());
        let opens = thread::spawn(move || gate.open());
        drop(shield);
        block_on(spawned());
        opens.join().unwrap();
        assert_eq!(hooks.get(), 1);
    });
}
