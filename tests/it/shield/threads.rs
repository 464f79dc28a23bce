//! The thread on which a hook runs and an output is dropped (scenario 62): the executor's if the
//! work ends after its caller is gone, the one that drops the future at shutdown, or the one that
//! drops the shield if the work had ended before.

use std::future::pending;
use std::thread::{self, ThreadId};

use futures_shield::{Shield, ShieldExt};
use tokio::sync::{mpsc, oneshot};

use crate::support::*;

on_every_rig! {
    every:
    executor_ends_last,
    caller_is_gone_last,
    delivered_output_stays_with_caller;
    if_it_shuts_down: dropped_at_shutdown;
}

fn here() -> ThreadId {
    thread::current().id()
}

/// The threads of what happened, in its order.
type Threads = mpsc::UnboundedReceiver<ThreadId>;

/// Returns a closure that records the thread on which it is called, to be cloned, and the record.
fn record() -> (impl Fn() + Clone + Send + 'static, Threads) {
    let (send, threads) = mpsc::unbounded_channel();
    (move || send.send(here()).unwrap(), threads)
}

/// Two shields of the same work: the outcome of one goes to a hook, and the other's output is
/// dropped. Each records its thread.
fn hooked_and_dropped(
    record: impl Fn() + Clone + Send + 'static,
    mut shield: impl FnMut(OnDrop) -> Shield<OnDrop>,
) -> [Shield<OnDrop>; 2] {
    let hooked = shield(OnDrop::new(|| {})).on_orphan({
        let record = record.clone();
        move |_| record()
    });
    [hooked, shield(OnDrop::new(record))]
}

/// The work ends after its caller is gone. The caller is gone on a thread that runs no executor.
fn executor_ends_last<R: AnyRig>(rig: R) {
    let (ends, mut ended) = record();
    let (after, mut hooked) = record();
    let mut gates = Vec::new();
    let shields = hooked_and_dropped(after, |output| {
        let (open, opened) = oneshot::channel::<()>();
        gates.push(open);
        let ends = ends.clone();
        rig.shield(async move {
            opened.await.unwrap();
            ends();
            output
        })
    });
    let caller = on_a_thread(move || {
        drop(shields);
        here()
    });
    assert!(hooked.try_recv().is_err());
    for gate in gates {
        gate.send(()).unwrap();
        let executor = rig.run(ended.recv()).unwrap();
        assert_ne!(executor, caller);
        assert_eq!(rig.run(hooked.recv()), Some(executor));
    }
}

/// The work had ended before its caller is gone.
fn caller_is_gone_last<R: AnyRig>(rig: R) {
    let (ends, mut ended) = record();
    let (after, mut hooked) = record();
    let (wake, mut woken) = mpsc::unbounded_channel();
    let mut gates = Vec::new();
    let mut shields = hooked_and_dropped(after, |output| {
        let (open, opened) = oneshot::channel::<()>();
        gates.push(open);
        let ends = ends.clone();
        rig.shield(async move {
            opened.await.unwrap();
            ends();
            output
        })
    });
    let waker = callback_waker(move || wake.send(()).unwrap(), || {});
    let mut executors = Vec::new();
    for (shield, gate) in shields.iter_mut().zip(gates) {
        assert!(poll_with(shield, &waker).is_pending());
        gate.send(()).unwrap();
        executors.push(rig.run(ended.recv()).unwrap());
        assert_eq!(rig.run(woken.recv()), Some(()));
        assert!(shield.is_finished());
    }
    assert!(hooked.try_recv().is_err(), "nobody has it yet");
    let caller = on_a_thread(move || {
        drop(shields);
        here()
    });
    assert!(!executors.contains(&caller));
    assert_eq!([hooked.try_recv(), hooked.try_recv()], [Ok(caller), Ok(caller)]);
}

fn delivered_output_stays_with_caller<R: AnyRig>(rig: R) {
    let (drops, mut dropped) = record();
    let output = OnDrop::new(drops);
    let shield = rig.shield(async { output });
    let output = rig.run(shield);
    assert!(dropped.try_recv().is_err());
    let caller = on_a_thread(move || {
        drop(output);
        here()
    });
    assert_eq!(dropped.try_recv(), Ok(caller));
}

/// The executor drops the future.
fn dropped_at_shutdown<R: AnyRig>(rig: R) {
    let (drops, mut dropped) = record();
    let (after, mut hooked) = record();
    let (start, started) = oneshot::channel();
    // What is woken after the shutdown is dropped then, if not before.
    let (wake, woken) = oneshot::channel::<()>();
    let work = HoldsUntilDrop::new(OnDrop::new(drops), async {
        start.send(()).unwrap();
        let _ = woken.await;
        pending::<()>().await;
    });
    let shield = rig.shield(work).on_orphan(move |_| after());
    rig.run(started).unwrap();
    on_a_thread(move || drop(shield));
    rig.shut_down();
    let _ = wake.send(());
    let executor = block_on(dropped.recv()).unwrap();
    assert_eq!(block_on(hooked.recv()), Some(executor));
}

mod inline {
    use super::*;

    on_every_spawner! { hooked_by_the_executor }

    /// Work that ran inside its caller has its hook called by the executor that runs the rest.
    fn hooked_by_the_executor(rig: Rig) {
        let (ends, mut ended) = record();
        let (after, mut hooked) = record();
        let (open, opened) = oneshot::channel::<()>();
        let mut shield = async move {
            opened.await.unwrap();
            ends();
        }
        .shield_on_drop(rig.spawner())
        .on_orphan(move |_| after());
        let caller = on_a_thread(move || {
            assert!(poll(&mut shield).is_pending());
            drop(shield);
            here()
        });
        open.send(()).unwrap();
        let executor = rig.run(ended.recv()).unwrap();
        assert_ne!(executor, caller);
        assert_eq!(rig.run(hooked.recv()), Some(executor));
    }
}
