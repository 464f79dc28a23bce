//! The hand-over of an outcome: the work ends while its caller polls, moves or is gone.

use std::future::pending;
use std::panic::resume_unwind;
use std::task::Poll;

use futures_shield::ShieldError;
use loom::future::block_on;
use loom::thread;

use crate::support::*;

#[test]
fn work_ends_during_poll() {
    loom::model(|| {
        let (shield, task) = shielded(async { 7 });
        let work = in_a_thread(task);
        assert_eq!(block_on(shield), 7);
        work.join().unwrap();
    });
}

/// What the work wrote can be read once its output is there.
#[test]
fn output_brings_earlier_writes() {
    loom::model(|| {
        let note = Note::new();
        let writes = note.clone();
        let (shield, task) = shielded(async move {
            yield_once().await;
            writes.write();
        });
        let work = in_a_thread(task);
        block_on(shield);
        assert!(note.is_written());
        work.join().unwrap();
    });
}

#[test]
fn waker_replaced_as_work_ends() {
    loom::model(|| {
        let (mut shield, task) = shielded(async { 7 });
        let work = in_a_thread(task);
        let output = match poll(&mut shield) {
            Poll::Ready(output) => output,
            Poll::Pending => block_on(shield),
        };
        assert_eq!(output, 7);
        work.join().unwrap();
    });
}

/// A shield that was polled by one thread is awaited by another.
#[test]
fn shield_moved_as_work_ends() {
    loom::model(|| {
        let (mut shield, task) = shielded(async { 7 });
        assert!(poll(&mut shield).is_pending());
        let caller = thread::spawn(move || block_on(shield));
        block_on(task);
        assert_eq!(caller.join().unwrap(), 7);
    });
}

/// If `is_finished` returns `true`, the next poll is ready.
#[test]
fn finished_work_is_ready() {
    loom::model(|| {
        let (mut shield, task) = shielded(async { 7 });
        let work = in_a_thread(task);
        if shield.is_finished() {
            assert_eq!(poll(&mut shield), Poll::Ready(7));
        } else {
            assert_eq!(block_on(shield), 7);
        }
        work.join().unwrap();
    });
}

/// `Debug` only tries the lock, and disturbs nobody.
#[test]
fn debug_as_work_ends() {
    loom::model(|| {
        let (shield, task) = shielded(async { 7 });
        let work = in_a_thread(task);
        let text = format!("{shield:?}");
        assert!(
            ["running", "changing", "finished"]
                .iter()
                .any(|word| text.contains(word)),
            "{text}"
        );
        assert_eq!(block_on(shield), 7);
        work.join().unwrap();
    });
}

#[test]
fn shield_dropped_as_work_ends() {
    loom::model(|| {
        let drops = Count::default();
        let output = drops.of_drops();
        let (shield, task) = shielded(async { output });
        let work = in_a_thread(task);
        drop(shield);
        work.join().unwrap();
        assert_eq!(drops.get(), 1);
    });
}

#[test]
fn shield_detached_as_work_ends() {
    loom::model(|| {
        let (hooks, drops) = (Count::default(), Count::default());
        let output = drops.of_drops();
        let (shield, task) = shielded(async { output });
        let called = hooks.clone();
        let shield = shield.on_orphan(move |outcome| {
            if outcome.is_ok() {
                called.add();
            }
        });
        let work = in_a_thread(task);
        shield.detach();
        work.join().unwrap();
        assert_eq!((hooks.get(), drops.get()), (1, 1));
    });
}

/// The caller may take the outcome before it is gone: it is delivered or given to the hook, and never both.
#[test]
fn shield_polled_then_dropped() {
    loom::model(|| {
        let (hooks, drops) = (Count::default(), Count::default());
        let output = drops.of_drops();
        let (shield, task) = shielded(async { output });
        let called = hooks.clone();
        let mut shield = shield.on_orphan(move |_| called.add());
        let work = in_a_thread(task);
        let delivered = usize::from(poll(&mut shield).is_ready());
        drop(shield);
        work.join().unwrap();
        assert_eq!((delivered + hooks.get(), drops.get()), (1, 1));
    });
}

#[test]
fn shield_dropped_as_work_panics() {
    loom::model(|| {
        let (shield, task) = shielded(async { resume_unwind(Box::new("overboard")) });
        let hooks = Count::default();
        let called = hooks.clone();
        let shield = shield.on_orphan(move |outcome: Result<(), ShieldError>| {
            if outcome.unwrap_err().is_panic() {
                called.add();
            }
        });
        let work = in_a_thread(task);
        drop(shield);
        work.join().unwrap();
        assert_eq!(hooks.get(), 1);
    });
}

#[test]
fn executor_cancels_during_poll() {
    loom::model(|| {
        let (shield, task) = shielded(pending::<()>());
        let executor = thread::spawn(move || drop(task));
        let error = block_on(shield.fallible()).unwrap_err();
        assert!(error.is_cancelled() && !error.was_started());
        executor.join().unwrap();
    });
}

#[test]
fn executor_cancels_as_shield_drops() {
    loom::model(|| {
        let hooks = Count::default();
        let called = hooks.clone();
        let (shield, task) = shielded(pending::<()>());
        let shield = shield.on_orphan(move |outcome| {
            if outcome.unwrap_err().is_cancelled() {
                called.add();
            }
        });
        let executor = thread::spawn(move || drop(task));
        drop(shield);
        executor.join().unwrap();
        assert_eq!(hooks.get(), 1);
    });
}
