//! Entries that come and go while somebody waits for the last one, or looks at what is unfinished.

use std::future::{Future, ready};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_shield::{BoxTask, ShieldExt, Tracker};
use loom::future::block_on;
use loom::thread;

use crate::support::*;

/// The end of a model: waits here while `tasks` run on threads of their own.
fn wait_for(tasks: impl IntoIterator<Item = BoxTask>, tracker: &Tracker<ThisThread>) {
    let threads: Vec<_> = tasks.into_iter().map(in_a_thread).collect();
    block_on(tracker.wait());
    assert!(tracker.is_empty());
    assert!(tracker.unfinished().is_empty());
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// What the work wrote can be read after the wait.
#[test]
fn wait_brings_earlier_writes() {
    loom::model(|| {
        let tracker = tracker();
        let note = Note::new();
        let writes = note.clone();
        let work = in_a_thread(orphan(&tracker, async move { writes.write() }));
        block_on(tracker.wait());
        assert!(note.is_written());
        assert!(tracker.unfinished().is_empty());
        work.join().unwrap();
    });
}

/// An entry stays until its hook has run.
#[test]
fn hook_runs_before_entry_leaves() {
    loom::model(|| {
        let tracker = tracker();
        let note = Note::new();
        let writes = note.clone();
        async {}.shield(&tracker).on_orphan(move |_| writes.write()).detach();
        let work = in_a_thread(spawned());
        block_on(tracker.wait());
        assert!(note.is_written());
        work.join().unwrap();
    });
}

/// The work had ended before, so its hook runs on the caller's side. It counts, and whoever begins to wait while it runs
/// waits for it.
#[test]
fn late_hook_is_waited_for() {
    let begun_before_wait = Count::default();
    let begun = begun_before_wait.clone();
    loom::model(move || {
        let tracker = tracker();
        let (begins, ends) = (Gate::closed(), Note::new());
        let (began, ended) = (begins.clone(), ends.clone());
        let shield = ready(()).shield(&tracker).on_orphan(move |_| {
            begins.open();
            ends.write();
        });
        block_on(spawned());
        assert!(tracker.is_empty());
        let begun = begun.clone();
        let waits = thread::spawn(move || {
            if began.is_open() {
                begun.add();
                block_on(tracker.wait());
                assert!(ended.is_written());
            }
        });
        drop(shield);
        waits.join().unwrap();
    });
    assert!(begun_before_wait.get() > 0);
}

/// The work and its caller end at once. After both, waiting brings what the hook wrote, whichever side ran it.
#[test]
fn wait_after_both_sides_end() {
    loom::model(|| {
        let tracker = tracker();
        let note = Note::new();
        let writes = note.clone();
        let shield = ready(()).shield(&tracker).on_orphan(move |_| writes.write());
        let work = in_a_thread(spawned());
        drop(shield);
        block_on(tracker.wait());
        assert!(note.is_written());
        work.join().unwrap();
        assert!(tracker.unfinished().is_empty());
    });
}

/// The work may end before the call that shields it returns. Its caller takes the output, so it is no orphan, and it no
/// longer counts when the caller has the output.
#[test]
fn work_ends_during_spawn() {
    loom::model(|| {
        let tracker = Tracker::new(NewThread);
        let shield = ready(7).shield(&tracker);
        assert!(tracker.len() <= 1);
        assert_eq!(block_on(shield), 7);
        assert_eq!((tracker.len(), tracker.metrics().orphaned_total()), (0, 0));
        started().join().unwrap();
    });
}

/// The same, and its caller is gone later: the hook counts, wherever it runs.
#[test]
fn hook_of_work_that_ended_during_spawn() {
    loom::model(|| {
        let tracker = Tracker::new(NewThread);
        let (inside, seen) = (tracker.clone(), Seen::nothing());
        let sees = seen.clone();
        let shield = ready(()).shield(&tracker);
        drop(shield.on_orphan(move |_| sees.put((inside.len(), inside.unfinished().len()))));
        started().join().unwrap();
        assert_eq!(seen.take(), (1, 1));
        assert_eq!(tracker.len(), 0);
    });
}

/// Work whose caller is there ends the wait, too, before its outcome is delivered.
#[test]
fn awaited_work_ends_the_wait() {
    loom::model(|| {
        let tracker = tracker();
        let mut shield = ready(7).shield(&tracker);
        let work = in_a_thread(spawned());
        block_on(tracker.wait());
        assert_eq!(poll(&mut shield), Poll::Ready(7));
        work.join().unwrap();
    });
}

/// A waiter that registers for new work while the waiters before it are being woken is woken, too.
#[test]
fn waiter_comes_as_others_are_woken() {
    loom::model(|| {
        let tracker = tracker();
        let first = orphan(&tracker, async {});
        let mut wait = tracker.wait();
        assert!(poll(&mut wait).is_pending());
        let work = in_a_thread(first);
        let second = orphan(&tracker, async {});
        let woken = Count::default();
        let waker = woken.waker();
        assert!(Pin::new(&mut wait).poll(&mut Context::from_waker(&waker)).is_pending());
        block_on(second);
        work.join().unwrap();
        assert!(woken.get() > 0);
    });
}

/// What each of two wrote can be read, whichever was the last.
#[test]
fn two_leave_while_one_waits() {
    bounded(3, || {
        let tracker = tracker();
        let notes = [Note::new(), Note::new()];
        let threads = notes
            .clone()
            .map(|note| in_a_thread(orphan(&tracker, async move { note.write() })));
        block_on(tracker.wait());
        assert!(notes.iter().all(Note::is_written));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

#[test]
fn last_leaves_while_two_wait() {
    bounded(3, || {
        let tracker = tracker();
        let task = orphan(&tracker, async {});
        let other = tracker.wait();
        let waits = thread::spawn(move || block_on(other));
        wait_for([task], &tracker);
        waits.join().unwrap();
    });
}

/// A waiter that stops takes nothing from the other one.
#[test]
fn one_of_two_stops_waiting() {
    bounded(3, || {
        let tracker = tracker();
        let task = orphan(&tracker, async {});
        let mut other = tracker.wait();
        let stops = thread::spawn(move || drop((poll(&mut other), other)));
        wait_for([task], &tracker);
        stops.join().unwrap();
    });
}

/// Work that is added while other work runs is waited for.
#[test]
fn added_work_is_waited_for() {
    loom::model(|| {
        let tracker = tracker();
        let note = Note::new();
        let writes = note.clone();
        let first = orphan(&tracker, async {});
        let waiter = tracker.wait();
        let waits = thread::spawn(move || {
            block_on(waiter);
            assert!(note.is_written());
        });
        // This thread is the executor: it spawns the second before it runs the first.
        let second = orphan(&tracker, async move { writes.write() });
        block_on(first);
        block_on(second);
        waits.join().unwrap();
    });
}

/// One entry comes and goes while the last one goes, in whichever order, and nobody waits forever.
#[test]
fn entries_come_and_go() {
    bounded(3, || {
        let tracker = tracker();
        let first = orphan(&tracker, async {});
        let waiter = tracker.wait();
        let waits = thread::spawn(move || block_on(waiter));
        let work = in_a_thread(first);
        block_on(orphan(&tracker, async {}));
        work.join().unwrap();
        waits.join().unwrap();
        assert!(tracker.is_empty());
    });
}

/// The mark that somebody waits is neither lost nor taken from another waiter.
#[test]
fn zero_is_passed_twice() {
    bounded(2, || {
        let tracker = tracker();
        let first = orphan(&tracker, async {});
        let waits = [tracker.wait(), tracker.wait()].map(|waiter| thread::spawn(move || block_on(waiter)));
        block_on(first);
        block_on(orphan(&tracker, async {}));
        waits.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// Work that counts is named.
#[test]
fn new_entry_is_named() {
    let counted = Count::default();
    let counts = counted.clone();
    loom::model(move || {
        let tracker = tracker();
        let places = Places::of(&tracker);
        let comes = thread::spawn(move || places.first());
        if tracker.len() == 1 {
            counts.add();
            assert_eq!(tracker.unfinished().len(), 1);
        }
        drop(comes.join().unwrap());
    });
    assert!(counted.get() > 0);
}

/// Work that stays is named once, and work that comes beside it at most once.
#[test]
fn entry_comes_beside_another() {
    loom::model(|| {
        let tracker = tracker();
        let places = Places::of(&tracker);
        let stays = places.second();
        let spawns = places.clone();
        let comes = thread::spawn(move || spawns.first());
        let unfinished = tracker.unfinished();
        let (first, second) = places.named(&unfinished);
        assert!(first <= 1 && second == 1);
        drop(comes.join().unwrap());
        assert_eq!(places.named(&tracker.unfinished()), (0, 1));
        drop(stays);
        assert!(tracker.unfinished().is_empty());
    });
}

/// Work that stays is named once, and work that leaves beside it at most once; once it has left, it is not named.
#[test]
fn entry_leaves_beside_another() {
    loom::model(|| {
        let tracker = tracker();
        let places = Places::of(&tracker);
        let (stays, leaves) = (places.second(), places.first());
        let leaves = thread::spawn(move || drop(leaves));
        let unfinished = tracker.unfinished();
        let (first, second) = places.named(&unfinished);
        assert!(first <= 1 && second == 1);
        leaves.join().unwrap();
        assert_eq!(places.named(&tracker.unfinished()), (0, 1));
        drop(stays);
    });
}
