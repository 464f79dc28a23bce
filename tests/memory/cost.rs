//! The memory that the inline modes, callers and trackers take.

use std::cell::RefCell;
use std::future::{pending, ready};
use std::hint::black_box;
use std::task::Poll;

use futures_shield::{BoxTask, ShieldExt, Tracker, cleanup, spawn_fn};

use crate::cost;
use crate::support::{caller_by_hand, poll};

/// The row "cost if nobody cancels: one box" of the semantics table, even if the future and the
/// cleanup capture something.
pub(crate) fn inline_modes() {
    let nowhere = spawn_fn(|_: BoxTask| panic!("nothing was to be spawned"));
    let captured = black_box([7_u64; 4]);
    let (boxes, kept) = cost(|| {
        let mut shield = async move { captured }.shield_on_drop(&nowhere);
        assert_eq!(poll(&mut shield), Poll::Ready(captured));
    });
    assert_eq!((boxes, kept), (1, 0), "shield_on_drop");

    let (boxes, kept) = cost(|| {
        let guard = cleanup(&nowhere, captured, async |value| value);
        assert_eq!(poll(&mut guard.run()), Poll::Ready(captured));
    });
    assert_eq!((boxes, kept), (1, 0), "cleanup");

    let (boxes, kept) = cost(|| {
        let guard = cleanup(&nowhere, (), async move |()| captured);
        assert_eq!(poll(&mut guard.run()), Poll::Ready(captured));
    });
    assert_eq!((boxes, kept), (1, 0), "cleanup with a closure that captures something");
}

/// Scenario 60: one long work, and many waiters that come and go.
pub(crate) fn attach_and_leave() {
    let (shield, caller) = caller_by_hand();
    let tracker = Tracker::new(spawn_fn(std::mem::forget::<BoxTask>));
    let other = pending::<()>().shield(&tracker);
    let mut stays = caller.gone();
    assert!(poll(&mut stays).is_pending());

    let attach = || {
        assert!(poll(&mut caller.clone().gone()).is_pending());
        assert!(poll(&mut Box::pin(caller.run_until_gone(pending::<()>()))).is_pending());
        assert!(poll(&mut tracker.wait()).is_pending());
        assert!(poll(&mut Box::pin(tracker.drain(pending::<()>()))).is_pending());
    };
    attach();
    let (_, kept) = cost(|| (0..250_000).for_each(|_| attach()));
    assert_eq!(kept, 0);

    // Repeated polls of the same waiters add nothing.
    let (_, kept) = cost(|| {
        let mut waiting: Vec<_> = (0..1_000).map(|_| caller.gone()).collect();
        for _ in 0..100 {
            waiting.iter_mut().for_each(|gone| assert!(poll(gone).is_pending()));
        }
    });
    assert_eq!(kept, 0);
    drop((shield, other, stays));
}

/// Scenario 59: many orphans alive, then all dropped, and memory is back at its baseline.
pub(crate) fn many_orphans() {
    const ORPHANS: usize = 100_000;
    let queue = RefCell::new(Vec::<BoxTask>::with_capacity(ORPHANS));
    let tracker = Tracker::new(spawn_fn(|task: BoxTask| queue.borrow_mut().push(task)));
    let orphan = || {
        let mut first = true;
        let work = std::future::poll_fn(move |_| {
            if std::mem::replace(&mut first, false) {
                Poll::Pending
            } else {
                Poll::Ready(())
            }
        });
        let mut shield = work.shield_on_drop(&tracker).on_orphan(drop);
        assert!(poll(&mut shield).is_pending());
    };
    let at_its_location = || drop(ready(()).shield_on_drop(&tracker));
    // Not inlined: in a release build, each copy of the code would have a `Location` of its own.
    let [orphan, at_its_location] = std::hint::black_box([&orphan as &dyn Fn(), &at_its_location]);
    // The tracker keeps a location from its first entry on.
    orphan();
    at_its_location();
    queue.borrow_mut().clear();
    let (_, kept) = cost(|| {
        (0..ORPHANS).for_each(|_| orphan());
        assert_eq!(tracker.len(), ORPHANS);
        assert_eq!(tracker.unfinished().locations().len(), 1);
        for mut task in queue.borrow_mut().drain(..) {
            assert!(poll(&mut task).is_ready());
        }
        assert!(tracker.is_empty());
        assert!(poll(&mut tracker.wait()).is_ready());
        at_its_location();
    });
    assert_eq!(kept, 0);
}
