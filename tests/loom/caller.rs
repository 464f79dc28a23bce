//! Work and helpers that learn that the caller is gone.

use std::future::{Future, pending, ready};

use futures_shield::Caller;
use loom::future::block_on;
use loom::thread;

use crate::support::*;

/// Runs the work of `shield_with` on a thread while its shield is dropped here. A shield catches the panics of its work,
/// so the work returns whether it saw what it should.
fn dropped_during<W, F>(work: W)
where
    W: FnOnce(Caller) -> F,
    F: Future<Output = bool> + Send + 'static,
{
    let held = Count::default();
    let holds = held.clone();
    let (shield, task) = shielded_with(work);
    let shield = shield.on_orphan(move |outcome| {
        if let Ok(true) = outcome {
            holds.add();
        }
    });
    let work = in_a_thread(task);
    drop(shield);
    work.join().unwrap();
    assert_eq!(held.get(), 1);
}

#[test]
fn gone_while_work_waits() {
    loom::model(|| {
        dropped_during(async |caller| {
            caller.gone().await;
            caller.is_gone()
        });
    });
}

/// What the caller wrote can be read by work that sees it gone.
#[test]
fn gone_brings_earlier_writes() {
    loom::model(|| {
        let (read, missed) = (Count::default(), Count::default());
        let (reads, misses) = (read.clone(), missed.clone());
        let note = Note::new();
        let reader = note.clone();
        let (shield, task) = shielded_with(async move |caller| {
            if !caller.is_gone() {
                caller.gone().await;
            }
            if reader.is_written() { &reads } else { &misses }.add();
        });
        let work = in_a_thread(task);
        note.write();
        shield.detach();
        work.join().unwrap();
        assert_eq!((read.get(), missed.get()), (1, 0));
    });
}

#[test]
fn gone_while_two_wait() {
    bounded(3, || {
        let (shield, task, caller) = shielded_and_caller(ready(()));
        drop(task);
        let gone = caller.gone();
        let one = thread::spawn(move || block_on(gone));
        let other = thread::spawn(move || block_on(caller.gone()));
        drop(shield);
        one.join().unwrap();
        other.join().unwrap();
    });
}

#[test]
fn gone_while_one_stops_waiting() {
    bounded(3, || {
        let (shield, task, caller) = shielded_and_caller(ready(()));
        drop(task);
        let mut stopped = caller.gone();
        let stops = thread::spawn(move || drop((poll(&mut stopped), stopped)));
        let waits = thread::spawn(move || block_on(caller.gone()));
        drop(shield);
        stops.join().unwrap();
        waits.join().unwrap();
    });
}

#[test]
fn gone_while_waker_changes() {
    loom::model(|| {
        let (shield, task, caller) = shielded_and_caller(ready(()));
        drop(task);
        let mut gone = caller.gone();
        let waits = thread::spawn(move || {
            if poll(&mut gone).is_pending() {
                block_on(gone);
            }
        });
        drop(shield);
        waits.join().unwrap();
    });
}

#[test]
fn delivery_wakes_a_helper() {
    bounded(4, || {
        let (shield, task, caller) = shielded_and_caller(ready(()));
        let work = in_a_thread(task);
        let helper = thread::spawn(move || block_on(caller.gone()));
        block_on(shield);
        work.join().unwrap();
        helper.join().unwrap();
    });
}

/// A helper that stops waiting takes nothing from the other one.
#[test]
fn delivery_as_one_stops_waiting() {
    bounded(3, || {
        let (shield, task, caller) = shielded_and_caller(ready(7));
        block_on(task);
        let mut stopped = caller.gone();
        let stops = thread::spawn(move || {
            let was_gone = poll(&mut stopped).is_ready();
            drop(stopped);
            was_gone
        });
        let helper = caller.clone();
        let waits = thread::spawn(move || block_on(helper.gone()));
        assert_eq!(block_on(shield), 7);
        assert!(caller.is_gone());
        stops.join().unwrap();
        waits.join().unwrap();
    });
}

#[test]
fn window_cut_off() {
    loom::model(|| {
        dropped_during(async |caller| {
            let drops = Count::default();
            let held = drops.of_drops();
            let inside = async move {
                let _held = held;
                pending::<()>().await;
            };
            caller.run_until_gone(inside).await.is_none() && caller.is_gone() && drops.get() == 1
        });
    });
}

/// The future in the window begins only if the caller is there, and its value is not lost.
#[test]
fn window_opens_and_closes() {
    loom::model(|| {
        dropped_during(async |caller| {
            let was_gone = caller.is_gone();
            let (begun, ended) = (Count::default(), Count::default());
            let (begins, ends) = (begun.clone(), ended.clone());
            let output = caller
                .run_until_gone(async move {
                    begins.add();
                    yield_once().await;
                    ends.add();
                })
                .await;
            let lost = output.is_none() && ended.get() == 1;
            let begun_alone = was_gone && begun.get() == 1;
            let cut_off_early = output.is_none() && !caller.is_gone();
            !lost && !begun_alone && !cut_off_early
        });
    });
}

#[test]
fn grace_begins_when_gone() {
    loom::model(|| {
        dropped_during(async |caller| {
            let (made, early) = (Count::default(), Count::default());
            let timer = || {
                if caller.is_gone() { &made } else { &early }.add();
                async {}
            };
            let output = caller.run_with_grace(pending::<()>(), timer).await;
            output.is_none() && (made.get(), early.get()) == (1, 0)
        });
    });
}

/// The future ends on another thread while the timer starts: its wake-up is not lost, even if the timer never ends.
#[test]
fn grace_wins_against_long_timer() {
    let timers = Count::default();
    let made = timers.clone();
    bounded(4, move || {
        let gate = Gate::closed();
        let passed = gate.clone().passed();
        let made = made.clone();
        let opens = thread::spawn(move || gate.open());
        dropped_during(async move |caller| {
            let timer = || {
                made.add();
                pending::<()>()
            };
            caller.run_with_grace(passed, timer).await.is_some()
        });
        opens.join().unwrap();
    });
    assert!(timers.get() > 0);
}

/// The future ends on another thread while the timer ends, too: what it returned is lost only if it did not end.
#[test]
fn grace_ties_with_timer() {
    let (won, lost) = (Count::default(), Count::default());
    let counts = (won.clone(), lost.clone());
    bounded(4, move || {
        let gate = Gate::closed();
        let ended = Count::default();
        let (passed, ends) = (gate.clone().passed(), ended.clone());
        let (won, lost) = counts.clone();
        let opens = thread::spawn(move || gate.open());
        dropped_during(async move |caller| {
            let future = async move {
                passed.await;
                ends.add();
            };
            let output = caller.run_with_grace(future, yield_once).await;
            if output.is_some() { &won } else { &lost }.add();
            output.is_some() == (ended.get() == 1) && (output.is_some() || caller.is_gone())
        });
        opens.join().unwrap();
    });
    assert!(won.get() > 0 && lost.get() > 0);
}
