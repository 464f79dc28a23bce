//! What a hook sees, on whichever side it runs: the caller's if the work had ended before, or else the work's.

use std::future::poll_fn;
use std::task::Poll;

use futures_shield::BoxTask;
use loom::future::block_on;
use loom::thread;

use crate::support::*;

struct FromHook {
    is_gone: bool,
    /// Written by the drop of the work, before it ended.
    by_work: bool,
    /// Written by the caller, before it was gone.
    by_caller: bool,
}

/// Calls `check` with what the hook saw, for each order in which `end` ends the work while its shield is dropped. Both
/// sides must have run the hook in some order.
fn on_either_side(end: fn(BoxTask), check: fn(FromHook)) {
    either_happens(move || {
        let (by_work, by_caller) = (Note::new(), Note::new());
        let written = by_work.written_on_drop();
        // It keeps what it captured until it is dropped, and not only until it is ready.
        let (shield, task, caller) = shielded_and_caller(poll_fn(move |_| {
            let _ = &written;
            Poll::Ready(())
        }));
        let seen = Seen::nothing();
        let sees = seen.clone();
        let writes = by_caller.clone();
        let shield = shield.on_orphan(move |_| {
            sees.put((
                thread::current().id(),
                FromHook {
                    is_gone: caller.is_gone(),
                    by_work: by_work.is_written(),
                    by_caller: by_caller.is_written(),
                },
            ));
        });
        let work = thread::spawn(move || end(task));
        writes.write();
        drop(shield);
        work.join().unwrap();

        let (thread, from_hook) = seen.take();
        check(from_hook);
        thread == thread::current().id()
    });
}

#[test]
fn hook_sees_caller_gone() {
    on_either_side(block_on, |seen| assert!(seen.is_gone));
}

#[test]
fn cancelled_hook_sees_caller_gone() {
    on_either_side(drop, |seen| assert!(seen.is_gone));
}

#[test]
fn hook_reads_both_sides() {
    on_either_side(block_on, |seen| assert!(seen.by_work && seen.by_caller));
}

#[test]
fn cancelled_hook_reads_both_sides() {
    on_either_side(drop, |seen| assert!(seen.by_work && seen.by_caller));
}
