//! The numbers of orphans: each snapshot adds up while orphans end, and each orphan counts once.

use std::future::{Future, ready};
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use futures_shield::{BoxTask, ShieldExt, Spawn, Tracker, TrackerMetrics};
use loom::future::block_on;
use loom::thread;

use crate::support::*;

/// Asserts what holds in every snapshot, and that `after` is not older than `before`.
fn assert_in_order(before: &TrackerMetrics, after: &TrackerMetrics) {
    for metrics in [before, after] {
        assert!(metrics.running() >= metrics.orphans());
    }
    assert!(before.orphaned_total() <= after.orphaned_total());
    assert!(endings(before) <= endings(after));
}

fn endings(metrics: &TrackerMetrics) -> u64 {
    metrics.finished_total() + metrics.panicked_total() + metrics.cancelled_total()
}

/// Takes snapshots while `end` ends the orphan, which is counted as `ended` after that.
fn snapshots_while(work: fn(), end: fn(BoxTask), ended: fn(&TrackerMetrics) -> u64) {
    loom::model(move || {
        let tracker = tracker();
        let task = orphan(&tracker, async move { work() });
        let ends = thread::spawn(move || end(task));
        let (before, after) = (tracker.metrics(), tracker.metrics());
        assert_in_order(&before, &after);
        // It is an orphan from the beginning, so it is in every snapshot: running or ended, and never both or neither.
        assert_eq!((before.orphaned_total(), after.orphaned_total()), (1, 1));
        ends.join().unwrap();
        let last = tracker.metrics();
        assert_eq!((last.running(), last.orphans(), tracker.orphans()), (0, 0, 0));
        assert_eq!((endings(&last), ended(&last)), (1, 1));
    });
}

#[test]
fn orphan_finishes_during_snapshots() {
    snapshots_while(|| {}, block_on, TrackerMetrics::finished_total);
}

#[test]
fn orphan_panics_during_snapshots() {
    snapshots_while(
        || resume_unwind(Box::new("overboard")),
        block_on,
        TrackerMetrics::panicked_total,
    );
}

#[test]
fn orphan_cancelled_during_snapshots() {
    snapshots_while(|| {}, drop, TrackerMetrics::cancelled_total);
}

/// Whoever has waited for zero sees every ending.
#[test]
fn wait_sees_every_ending() {
    for end in [block_on::<BoxTask>, drop] {
        loom::model(move || {
            let tracker = tracker();
            let task = orphan(&tracker, async {});
            let ends = thread::spawn(move || end(task));
            block_on(tracker.wait());
            assert_eq!(tracker.orphans(), 0);
            assert_eq!(endings(&tracker.metrics()), 1);
            ends.join().unwrap();
        });
    }
}

/// In its hook, the work still runs: as an orphan on the work's side, and as no orphan on the caller's.
struct FromHook {
    here: bool,
    len: usize,
    orphans: usize,
    metrics: TrackerMetrics,
}

/// Work that ends while its caller is gone is an orphan or not, and everything that counts it agrees.
#[test]
fn caller_gone_as_work_ends() {
    either_happens(|| {
        let tracker = tracker();
        let seen = Seen::nothing();
        let (sees, inside) = (seen.clone(), tracker.clone());
        let caller = thread::current().id();
        let shield = ready(()).shield(&tracker).on_orphan(move |_| {
            sees.put(FromHook {
                here: thread::current().id() == caller,
                len: inside.len(),
                orphans: inside.orphans(),
                metrics: inside.metrics(),
            });
        });
        let work = in_a_thread(spawned());
        drop(shield);
        work.join().unwrap();

        let FromHook {
            here,
            len,
            orphans,
            metrics,
        } = seen.take();
        let is_orphan = usize::from(!here);
        assert_eq!(len, 1);
        assert_eq!((orphans, metrics.orphans()), (is_orphan, is_orphan));
        assert_eq!((metrics.orphaned_total(), endings(&metrics)), (is_orphan as u64, 0));

        let last = tracker.metrics();
        assert_eq!(
            (tracker.len(), tracker.orphans(), last.running(), last.orphans()),
            (0, 0, 0, 0)
        );
        assert_eq!(
            (last.orphaned_total(), last.finished_total()),
            (is_orphan as u64, is_orphan as u64)
        );
        here
    });
}

/// The same while a third thread takes snapshots.
#[test]
fn snapshots_as_caller_is_gone() {
    bounded(4, || {
        let tracker = tracker();
        let shield = ready(()).shield(&tracker);
        let work = in_a_thread(spawned());
        let reader = tracker.clone();
        let reads = thread::spawn(move || {
            assert!(reader.orphans() <= 1);
            let (before, after) = (reader.metrics(), reader.metrics());
            assert_in_order(&before, &after);
            assert!(after.orphaned_total() <= 1);
            after
        });
        drop(shield);
        work.join().unwrap();
        assert_in_order(&reads.join().unwrap(), &tracker.metrics());
    });
}

/// A spawner that hands the task to a thread, and then panics.
#[derive(Clone, Copy)]
struct PanicsAfter;

impl Spawn for PanicsAfter {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        NewThread.spawn_detached(future);
        resume_unwind(Box::new("the spawner"));
    }
}

/// The call to the spawner unwinds while the work runs elsewhere. The caller is gone then, and it counts once or not at
/// all, as always.
#[test]
fn spawner_panics_after_handover() {
    either_happens(|| {
        let tracker = Tracker::new(PanicsAfter);
        let call = AssertUnwindSafe(|| ready(()).shield(&tracker));
        catch_unwind(call).unwrap_err();
        started().join().unwrap();
        let last = tracker.metrics();
        assert_eq!(
            (tracker.len(), tracker.orphans(), last.running(), last.orphans()),
            (0, 0, 0, 0)
        );
        assert_eq!(last.orphaned_total(), last.finished_total());
        assert!(last.orphaned_total() <= 1);
        last.orphaned_total() == 1
    });
}
