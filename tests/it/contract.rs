//! What every named future satisfies, in one table: each row makes a future that is pending until
//! it is ended by hand, and each row is run through the same tests.

use std::any::Any;
use std::fmt::Debug;
use std::future::{Future, pending};
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc;

use futures_shield::{Cleanup, ShieldExt, Spawn, Tracker, cleanup};
use futures_util::FutureExt;
use futures_util::future::FusedFuture;
use tokio::sync::oneshot;

use crate::support::*;

/// A future that is pending until `end` is called.
struct Row<F> {
    name: &'static str,
    future: Pin<Box<F>>,
    end: Box<dyn FnOnce()>,
    made_at: Option<&'static Location<'static>>,
    /// What must not end while the future is tested.
    _stays: Box<dyn Any>,
}

impl<F: Future> Row<F> {
    fn new(name: &'static str, future: F, end: impl FnOnce() + 'static) -> Self {
        Self {
            name,
            future: Box::pin(future),
            end: Box::new(end),
            made_at: None,
            _stays: Box::new(()),
        }
    }

    fn made_at(self, location: &'static Location<'static>) -> Self {
        Self {
            made_at: Some(location),
            ..self
        }
    }
}

macro_rules! stamp {
    ($row:ident: $($test:ident)+) => {
        $(
            #[test]
            fn $test() {
                super::$test(super::rows::$row());
            }
        )+
    };
}

macro_rules! stamp_kind {
    (named $row:ident) => {
        stamp! { $row:
            wakes_its_task_once wakes_only_the_latest_task clones_a_waker_once keeps_no_waker_after_its_end
            keeps_no_waker_once_dropped panics_if_polled_after_its_end is_debug_in_every_state
        }
    };
    (fused $row:ident) => {
        stamp! { $row: is_terminated_after_its_end completes_in_select }
    };
    // Its waker is registered with this crate, and not with a future of the test.
    (waking $row:ident) => {
        stamp! { $row:
            contains_a_wake_that_panics contains_the_drop_of_a_woken_waker contains_the_drop_of_a_replaced_waker
            contains_the_drop_of_a_removed_waker survives_a_waker_that_panics_when_cloned
        }
    };
}

macro_rules! every_future {
    ($($(#[$gate:meta])* $row:ident: $($kind:ident)+;)+) => {
        $(
            $(#[$gate])*
            mod $row {
                $(stamp_kind! { $kind $row })+
            }
        )+
    };
}

every_future! {
    shield: named fused waking;
    fallible_shield: named fused waking;
    shared_shield: named fused waking;
    shared_fallible_shield: named fused waking;
    shield_on_drop: named fused;
    cleanup_run: named fused;
    gone: named fused waking;
    run_until_gone_to_its_value: named;
    run_until_gone_until_gone: named waking;
    run_with_grace_to_its_value: named;
    run_with_grace_to_its_deadline: named;
    wait: named fused waking;
    drain_to_its_end: named fused waking;
    drain_to_its_deadline: named fused;
    #[cfg(feature = "tower")]
    eager_response: named waking;
    #[cfg(feature = "tower")]
    on_drop_response: named;
}

mod rows {
    use super::*;

    /// An output and a value without any trait.
    pub(super) struct Opaque;

    /// Opens a gate, if somebody still waits behind it.
    fn opens(gate: oneshot::Sender<u32>) -> impl FnOnce() {
        move || {
            let _ = gate.send(7);
        }
    }

    /// Opaque work behind a gate, on an executor that runs when the gate is opened.
    fn eager() -> (Crank, impl Future<Output = Opaque> + Send, impl FnOnce(&Crank)) {
        let (work, open) = gated();
        let work = async {
            work.await;
            Opaque
        };
        let end = move |crank: &Crank| {
            opens(open)();
            crank.run();
        };
        (Crank::new(), work, end)
    }

    pub(super) fn shield() -> Row<impl FusedFuture + Debug> {
        let (crank, work, end) = eager();
        let shield = work.shield(crank.spawner());
        let location = shield.location();
        Row::new("Shield", shield, move || end(&crank)).made_at(location)
    }

    pub(super) fn fallible_shield() -> Row<impl FusedFuture + Debug> {
        let (crank, work, end) = eager();
        let shield = work.shield(crank.spawner()).fallible();
        let location = shield.location();
        Row::new("FallibleShield", shield, move || end(&crank)).made_at(location)
    }

    pub(super) fn shared_shield() -> Row<impl FusedFuture + Debug> {
        let (crank, work, end) = eager();
        let shield = work.map(|_| ()).shield(crank.spawner()).shared();
        let location = shield.location();
        Row::new("SharedShield", shield, move || end(&crank)).made_at(location)
    }

    pub(super) fn shared_fallible_shield() -> Row<impl FusedFuture + Debug> {
        let (crank, work, end) = eager();
        let shield = work.map(|_| ()).shield(crank.spawner()).fallible().shared();
        let location = shield.location();
        Row::new("SharedFallibleShield", shield, move || end(&crank)).made_at(location)
    }

    pub(super) fn shield_on_drop() -> Row<impl FusedFuture + Debug> {
        let (work, open) = gated();
        let shield = work.shield_on_drop(closed());
        let location = shield.location();
        Row::new("ShieldOnDrop", shield, opens(open)).made_at(location)
    }

    pub(super) fn cleanup_run() -> Row<impl FusedFuture + Debug> {
        let (work, open) = gated();
        let guard: Cleanup<Opaque, _, _> = cleanup(closed(), Opaque, |_| work);
        let location = guard.location();
        Row::new("CleanupRun", guard.run(), opens(open)).made_at(location)
    }

    pub(super) fn gone() -> Row<impl FusedFuture + Debug> {
        let (shield, caller) = caller_by_hand();
        Row::new("Gone", caller.gone(), || drop(shield))
    }

    pub(super) fn run_until_gone_to_its_value() -> Row<impl Future + Debug> {
        let (shield, caller) = caller_by_hand();
        let (work, open) = gated();
        Row {
            _stays: Box::new(shield),
            ..Row::new("RunUntilGone", caller.run_until_gone(work), opens(open))
        }
    }

    pub(super) fn run_until_gone_until_gone() -> Row<impl Future + Debug> {
        let (shield, caller) = caller_by_hand();
        Row::new("RunUntilGone", caller.run_until_gone(pending::<Opaque>()), || {
            drop(shield);
        })
    }

    pub(super) fn run_with_grace_to_its_value() -> Row<impl Future + Debug> {
        let (shield, caller) = caller_by_hand();
        let (work, open) = gated();
        let grace = caller.run_with_grace(work, pending::<Opaque>);
        Row {
            _stays: Box::new(shield),
            ..Row::new("RunWithGrace", grace, opens(open))
        }
    }

    pub(super) fn run_with_grace_to_its_deadline() -> Row<impl Future + Debug> {
        let (shield, caller) = caller_by_hand();
        drop(shield);
        let (deadline, ring) = gated();
        let grace = caller.run_with_grace(pending::<Opaque>(), || deadline);
        Row::new("RunWithGrace", grace, opens(ring))
    }

    /// A tracker with work behind a gate.
    fn tracked() -> (Tracker<impl Spawn>, impl FnOnce() + 'static) {
        let (crank, work, end) = eager();
        let tracker = Tracker::new(crank.spawner());
        work.shield(&tracker).detach();
        (tracker, move || end(&crank))
    }

    pub(super) fn wait() -> Row<impl FusedFuture + Debug> {
        let (tracker, end) = tracked();
        Row::new("Wait", tracker.wait(), end)
    }

    pub(super) fn drain_to_its_end() -> Row<impl FusedFuture + Debug> {
        let (tracker, end) = tracked();
        Row::new("Drain", tracker.drain(pending::<Opaque>()), end)
    }

    pub(super) fn drain_to_its_deadline() -> Row<impl FusedFuture + Debug> {
        let (tracker, end) = tracked();
        let (deadline, ring) = gated();
        Row {
            _stays: Box::new(end),
            ..Row::new("Drain", tracker.drain(deadline), opens(ring))
        }
    }

    #[cfg(feature = "tower")]
    pub(super) fn eager_response() -> Row<impl Future + Debug> {
        let (crank, work, end) = eager();
        let response = response(futures_shield::ShieldLayer::new(crank.spawner()), work);
        Row::new("Shield", response, move || end(&crank))
    }

    #[cfg(feature = "tower")]
    pub(super) fn on_drop_response() -> Row<impl Future + Debug> {
        let (work, open) = gated();
        let response = response(futures_shield::ShieldLayer::new(closed()).on_drop(), work);
        Row::new("ShieldOnDrop", response, opens(open))
    }

    #[cfg(feature = "tower")]
    fn response<S: Spawn + Clone, F: Future<Output: Send> + Send + 'static>(
        layer: futures_shield::ShieldLayer<S>,
        work: F,
    ) -> impl Future + Debug + use<S, F> {
        use tower::{Layer, Service};

        let mut work = Some(work.map(Ok::<_, std::convert::Infallible>));
        let mut service = layer.layer(tower::service_fn(move |()| work.take().unwrap()));
        service.call(())
    }
}

fn wakes_its_task_once<F: Future>(row: Row<F>) {
    let mut task = tokio_test::task::spawn(row.future);
    assert!(task.poll().is_pending());
    assert!(!task.is_woken());
    let (wakes, waker) = Wakes::new();
    let mut future = task.into_inner();
    assert!(poll_with(&mut future, &waker).is_pending());
    (row.end)();
    assert_eq!(wakes.count(), 1);
    assert!(poll_with(&mut future, &waker).is_ready());
    drop(future);
    assert_eq!(wakes.count(), 1);
}

fn wakes_only_the_latest_task<F: Future>(mut row: Row<F>) {
    let (first, waker) = Wakes::new();
    assert!(poll_with(&mut row.future, &waker).is_pending());
    drop(waker);
    let (second, waker) = Wakes::new();
    assert!(poll_with(&mut row.future, &waker).is_pending());
    assert_eq!(
        Arc::strong_count(&first),
        1,
        "the first waker is released when it is replaced"
    );
    (row.end)();
    assert_eq!((first.count(), second.count()), (0, 1));
}

fn clones_a_waker_once<F: Future>(mut row: Row<F>) {
    let waker = CloneCounter::waker();
    assert!(poll_with(&mut row.future, &waker).is_pending());
    let clones = CloneCounter::clones();
    // One for the future itself, and one for the future in it.
    assert!((1..=2).contains(&clones), "{clones}");
    for _ in 0..3 {
        assert!(poll_with(&mut row.future, &waker).is_pending());
    }
    assert_eq!(CloneCounter::clones(), clones);
    (row.end)();
    assert!(poll_with(&mut row.future, &waker).is_ready());
    assert_eq!(CloneCounter::clones(), clones, "what is ready needs no waker");
}

fn keeps_no_waker_after_its_end<F: Future>(mut row: Row<F>) {
    let (wakes, waker) = Wakes::new();
    assert!(poll_with(&mut row.future, &waker).is_pending());
    (row.end)();
    assert!(poll_with(&mut row.future, &waker).is_ready());
    drop(waker);
    assert_eq!(Arc::strong_count(&wakes), 1);
}

fn keeps_no_waker_once_dropped<F: Future>(mut row: Row<F>) {
    let (wakes, waker) = Wakes::new();
    assert!(poll_with(&mut row.future, &waker).is_pending());
    drop((row.future, waker));
    assert_eq!(Arc::strong_count(&wakes), 1);
    (row.end)();
    assert_eq!(wakes.count(), 0);
}

fn panics_if_polled_after_its_end<F: Future>(mut row: Row<F>) {
    assert!(poll(&mut row.future).is_pending());
    (row.end)();
    assert!(poll(&mut row.future).is_ready());
    for _ in 0..2 {
        let text = panics_with(|| poll(&mut row.future));
        let words = format!("`{}` polled after completion", row.name);
        assert!(text.starts_with(&words), "{text}");
        if let Some(location) = row.made_at {
            assert!(text.ends_with(&format!(": it was made at {location}")), "{text}");
        }
    }
}

fn is_debug_in_every_state<F: Future + Debug>(mut row: Row<F>) {
    let check = |future: &Pin<Box<F>>| {
        let text = format!("{future:?}");
        assert!(text.contains(&format!("{} {{ ", row.name)), "{text}");
        if let Some(location) = row.made_at {
            assert!(text.contains(&format!("location: {location}, work: ")), "{text}");
        }
    };
    check(&row.future);
    assert!(poll(&mut row.future).is_pending());
    check(&row.future);
    (row.end)();
    check(&row.future);
    assert!(poll(&mut row.future).is_ready());
    check(&row.future);
}

fn is_terminated_after_its_end<F: FusedFuture>(mut row: Row<F>) {
    assert!(!row.future.is_terminated());
    assert!(poll(&mut row.future).is_pending());
    assert!(!row.future.is_terminated());
    (row.end)();
    assert!(!row.future.is_terminated(), "not before the end was delivered");
    assert!(poll(&mut row.future).is_ready());
    assert!(row.future.is_terminated());
}

/// `select!` in a loop is what `FusedFuture` is for.
fn completes_in_select<F: FusedFuture>(row: Row<F>) {
    let (mut future, mut end) = (row.future, Some(row.end));
    let mut deliveries = 0;
    block_on(async {
        loop {
            futures_util::select_biased! {
                _ = future => deliveries += 1,
                complete => break,
                default => end.take().unwrap()(),
            }
        }
    });
    assert_eq!(deliveries, 1);
}

fn contains_a_wake_that_panics<F: Future>(mut row: Row<F>) {
    let waker = callback_waker(|| panic!("a bad waker"), || {});
    assert!(poll_with(&mut row.future, &waker).is_pending());
    does_not_panic(row.end);
    assert!(poll(&mut row.future).is_ready());
}

/// Returns a waker of which the last clone is registered with the future, and panics when it is
/// dropped.
fn register_bomb<F: Future>(future: &mut Pin<Box<F>>) {
    let waker = callback_waker(|| {}, || panic!("a bad waker"));
    assert!(poll_with(future, &waker).is_pending());
    does_not_panic(move || drop(waker));
}

fn contains_the_drop_of_a_woken_waker<F: Future>(mut row: Row<F>) {
    register_bomb(&mut row.future);
    does_not_panic(row.end);
    assert!(poll(&mut row.future).is_ready());
}

fn contains_the_drop_of_a_replaced_waker<F: Future>(mut row: Row<F>) {
    register_bomb(&mut row.future);
    let (wakes, waker) = Wakes::new();
    assert!(does_not_panic(|| poll_with(&mut row.future, &waker)).is_pending());
    (row.end)();
    assert_eq!(wakes.count(), 1, "the waker in its place is registered");
    assert!(poll(&mut row.future).is_ready());
}

fn contains_the_drop_of_a_removed_waker<F: Future>(mut row: Row<F>) {
    register_bomb(&mut row.future);
    does_not_panic(|| drop(row.future));
}

fn survives_a_waker_that_panics_when_cloned<F: Future>(mut row: Row<F>) {
    let waker = CloneCounter::waker();
    CloneCounter::on_clone(|| panic!("a bad waker"));
    assert_eq!(panics_with(|| poll_with(&mut row.future, &waker)), "a bad waker");
    let (wakes, waker) = Wakes::new();
    assert!(poll_with(&mut row.future, &waker).is_pending());
    (row.end)();
    assert_eq!(wakes.count(), 1);
    assert!(poll(&mut row.future).is_ready());
}
