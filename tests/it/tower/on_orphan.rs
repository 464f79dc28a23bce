//! Hooks that know which request was lost.

use std::convert::Infallible;
use std::future::ready;
use std::sync::{Arc, Mutex};
use std::task::Poll;

use futures_shield::{ShieldError, ShieldLayer, Spawn, spawn_fn};
use tokio::sync::oneshot;
use tower::{Layer, Service, service_fn};

use super::order::{Order, Run, insert};
use crate::support::{Crank, Drops, Log, Wakes, closed, locked, panics_with, poll, poll_with};

/// What ends each handler, in the order of the calls.
type Gates = Arc<Mutex<Vec<oneshot::Sender<Result<u32, String>>>>>;

/// A service whose handlers each wait for what they are to return.
fn gated(gates: &Gates) -> impl Service<Order, Response = u32, Error = String, Future: Send> + Clone + use<> {
    let gates = Arc::clone(gates);
    service_fn(move |_: Order| {
        let (open, gate) = oneshot::channel();
        locked(&gates).push(open);
        async move { gate.await.expect("the gate is opened") }
    })
}

type Hook = Box<dyn FnOnce(Result<Result<u32, String>, ShieldError>) + Send>;

/// Logs the id of the order and the outcome.
fn logged(log: &Log) -> impl Fn(&Order) -> Hook + Clone + use<> {
    let log = log.clone();
    move |order| {
        let (log, id) = (log.clone(), order.id);
        Box::new(move |outcome| {
            log.push(match outcome {
                Ok(Ok(value)) => format!("{id}: {value}"),
                Ok(Err(error)) => format!("{id}: failed: {error}"),
                Err(error) if error.is_panic() => format!("{id}: panicked"),
                Err(error) => format!("{id}: cancelled, started: {}", error.was_started()),
            });
        })
    }
}

#[test]
fn each_hook_knows_its_request() {
    for run in Run::SHIELDED {
        let (crank, gates, log) = (Crank::new(), Gates::default(), Log::default());
        let mut service = run.layer(crank.spawner()).on_orphan(logged(&log)).layer(gated(&gates));
        for id in [11, 12, 13, 14] {
            let mut response = Box::pin(service.call(Order::new(id)));
            assert!(poll(&mut response).is_pending());
            drop(response);
        }
        crank.run();
        assert!(log.take().is_empty(), "{run:?}");

        let [first, second, third, fourth] = <[_; 4]>::try_from(std::mem::take(&mut *locked(&gates))).unwrap();
        third.send(Ok(3)).unwrap();
        crank.run();
        assert_eq!(log.take(), ["13: 3"], "{run:?}");
        first.send(Err("declined".to_owned())).unwrap();
        crank.run();
        assert_eq!(
            log.take(),
            ["11: failed: declined"],
            "{run:?}: an error of the service is a value"
        );
        drop(second);
        crank.run();
        assert_eq!(log.take(), ["12: panicked"], "{run:?}");
        crank.shut_down();
        assert_eq!(log.take(), ["14: cancelled, started: true"], "{run:?}");
        assert!(fourth.is_closed());
    }
}

/// The response of an eager layer runs whether or not it is polled, and a response in on-drop mode
/// is lazy.
#[test]
fn hook_of_an_unpolled_response() {
    let (crank, gates, log) = (Crank::new(), Gates::default(), Log::default());
    let layer = Run::Eager.layer(crank.spawner()).on_orphan(logged(&log));
    drop(layer.layer(gated(&gates)).call(Order::new(1)));
    locked(&gates).pop().unwrap().send(Ok(5)).unwrap();
    crank.run();
    assert_eq!(log.take(), ["1: 5"]);

    let drops = Drops::new();
    let (made, spawned) = (drops.clone(), log.clone());
    let layer = ShieldLayer::new(spawn_fn(move |_task| spawned.push("spawned")))
        .on_drop()
        .on_orphan(move |_: &Order| {
            let uncalled = made.one();
            move |_outcome| std::mem::forget(uncalled)
        });
    drop(layer.layer(gated(&gates)).call(Order::new(1)));
    assert_eq!(drops.count(), 1, "its hook is dropped, and was not called");
    assert!(log.take().is_empty());
}

#[test]
fn delivery_drops_the_hook() {
    for run in Run::SHIELDED {
        let (crank, gates, drops) = (Crank::new(), Gates::default(), Drops::new());
        let made = drops.clone();
        let layer = run.layer(crank.spawner()).on_orphan(move |_: &Order| {
            let uncalled = made.one();
            move |_outcome| std::mem::forget(uncalled)
        });
        let mut response = Box::pin(layer.layer(gated(&gates)).call(Order::new(1)));
        assert!(poll(&mut response).is_pending());
        locked(&gates).pop().unwrap().send(Ok(5)).unwrap();
        crank.run();
        assert_eq!(drops.count(), 0, "{run:?}");
        assert_eq!(poll(&mut response), Poll::Ready(Ok(5)), "{run:?}");
        assert_eq!(drops.count(), 1, "{run:?}: at delivery, and the future is still kept");
    }
}

#[test]
fn made_between_caller_and_service() {
    for run in Run::ALL {
        let (crank, log) = (Crank::new(), Log::default());
        let (maker, inner) = (log.clone(), log.clone());
        let mut service = run
            .layer(crank.spawner())
            .on_orphan(move |order: &Order| {
                maker.push(format!("hook, caller: {}", order.caller.is_some()));
                |_outcome| ()
            })
            .with_caller(insert)
            .layer(service_fn(move |order: Order| {
                inner.push("service");
                ready(Ok::<_, Infallible>(order.id))
            }));
        drop(service.call(Order::new(1)));
        let expected: &[&str] = match run {
            Run::Unshielded => &["service"],
            _ => &["hook, caller: true", "service"],
        };
        assert_eq!(log.take(), expected, "{run:?}");
    }
}

#[test]
fn caller_is_gone_in_the_hook() {
    for run in Run::SHIELDED {
        // The work ends after its caller is gone, and before.
        for ends_first in [false, true] {
            if ends_first && run == Run::OnDrop {
                continue;
            }
            let (crank, gates, log) = (Crank::new(), Gates::default(), Log::default());
            let hook = log.clone();
            let mut service = run
                .layer(crank.spawner())
                .with_caller(insert)
                .on_orphan(move |order: &Order| {
                    let (log, caller) = (hook.clone(), order.caller.clone().unwrap());
                    move |_outcome| log.push(caller.is_gone())
                })
                .layer(gated(&gates));
            let mut response = Box::pin(service.call(Order::new(1)));
            assert!(poll(&mut response).is_pending());
            let gate = locked(&gates).pop().unwrap();
            if ends_first {
                gate.send(Ok(5)).unwrap();
                crank.run();
                drop(response);
            } else {
                drop(response);
                gate.send(Ok(5)).unwrap();
                crank.run();
            }
            assert_eq!(log.take(), ["true"], "{run:?}, the work ends first: {ends_first}");
        }
    }
}

/// The work ends while its response is dropped. The hook may wait for a task that waits for the
/// caller to be gone, so that task is woken first.
#[test]
fn gone_wakes_before_the_hook() {
    let (gates, log, (woken, waker)) = (Gates::default(), Log::default(), Wakes::new());
    let hook = log.clone();
    let mut service = Run::OnDrop
        .layer(closed())
        .with_caller(insert)
        .on_orphan(move |order: &Order| {
            let (log, woken) = (hook.clone(), Arc::clone(&woken));
            let mut gone = order.caller.as_ref().unwrap().gone();
            let waits = poll_with(&mut gone, &waker).is_pending();
            move |_outcome| {
                log.push(format!("waits: {waits}, woken: {}", woken.count()));
                drop(gone);
            }
        })
        .layer(gated(&gates));
    let mut response = Box::pin(service.call(Order::new(1)));
    assert!(poll(&mut response).is_pending());
    drop(response);
    assert_eq!(log.take(), ["waits: true, woken: 1"]);
}

#[test]
fn second_maker_replaces_the_first() {
    for run in Run::SHIELDED {
        let (crank, gates, log, drops) = (Crank::new(), Gates::default(), Log::default(), Drops::new());
        let first = drops.one();
        let layer = run
            .layer(crank.spawner())
            .on_orphan(move |_: &Order| {
                let _kept = &first;
                |_: Result<(), ShieldError>| panic!("it was replaced")
            })
            .on_orphan(logged(&log));
        assert_eq!(drops.count(), 1, "{run:?}");
        let mut response = Box::pin(layer.layer(gated(&gates)).call(Order::new(1)));
        assert!(poll(&mut response).is_pending());
        drop(response);
        locked(&gates).pop().unwrap().send(Ok(5)).unwrap();
        crank.run();
        assert_eq!(log.take(), ["1: 5"], "{run:?}");
    }
}

/// A spawner that panics may have taken the work before, or may not.
#[test]
fn spawner_panic_loses_no_outcome() {
    for run in Run::SHIELDED {
        for takes in [true, false] {
            let (crank, gates, log) = (Crank::new(), Gates::default(), Log::default());
            let spawner = crank.spawner();
            let layer = run
                .layer(spawn_fn(move |task| {
                    if takes {
                        spawner.spawn_detached(task);
                    }
                    panic!("no more room");
                }))
                .on_orphan(logged(&log));
            let mut service = layer.layer(gated(&gates));

            if run == Run::Eager {
                assert_eq!(panics_with(|| drop(service.call(Order::new(1)))), "no more room");
            } else {
                let mut response = Box::pin(service.call(Order::new(1)));
                assert!(poll(&mut response).is_pending());
                drop(response);
            }
            if takes {
                assert!(log.take().is_empty(), "{run:?}");
                locked(&gates).pop().unwrap().send(Ok(5)).unwrap();
                crank.run();
                assert_eq!(log.take(), ["1: 5"], "{run:?}");
            } else {
                let started = run == Run::OnDrop;
                assert_eq!(log.take(), [format!("1: cancelled, started: {started}")]);
            }
        }
    }
}

/// The types of the outcome are those of the service: no closure has to name them, unless it calls
/// their methods.
#[test]
fn outcome_needs_no_type() {
    let (crank, log) = (Crank::new(), Log::default());
    let hook = log.clone();
    let mut service = ShieldLayer::new(crank.spawner())
        .on_orphan(move |_: &Order| {
            let log = hook.clone();
            move |outcome| log.push(matches!(outcome, Ok(Err("declined"))))
        })
        .layer(service_fn(|_: Order| ready(Err::<u32, _>("declined"))));
    drop(service.call(Order::new(1)));
    crank.run();
    assert_eq!(log.take(), ["true"]);
}
