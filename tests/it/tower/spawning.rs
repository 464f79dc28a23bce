//! What a layer's spawner and tracker see of its handlers.

use std::convert::Infallible;
use std::future::pending;

use futures_shield::{Spawn, Tracker, spawn_fn, spawn_location};
use tokio::task::yield_now;
use tower::{Layer, Service, service_fn};

use super::Mode;
use crate::support::*;

/// There is no other way to it: the `call` that spawns is in the server's code.
#[test]
fn spawner_reads_the_layers_line() {
    for mode in Mode::BOTH {
        let (crank, log) = (Crank::new(), Log::default());
        let (spawner, seen) = (crank.spawner(), log.clone());
        let spawner = spawn_fn(move |task| {
            let location = spawn_location().expect("inside the call to a spawner");
            seen.push(format!("{}:{}", location.file(), location.line()));
            spawner.spawn_detached(task);
        });
        let layer = mode.layer(spawner);
        let line = line!() - 1;
        let inside = log.clone();
        let mut service = layer.layer(service_fn(move |()| {
            assert!(spawn_location().is_none(), "the service is not the spawner");
            let log = inside.clone();
            async move {
                log.push(spawn_location().is_some());
                pending::<Result<(), Infallible>>().await
            }
        }));
        let mut response = Box::pin(service.call(()));
        assert!(poll(&mut response).is_pending());
        crank.run();
        drop(response);
        let mut events = log.take();
        events.sort();
        assert_eq!(events, ["false".to_owned(), format!("{}:{line}", file!())], "{mode:?}");
    }
}

/// A handler counts once, under the line of its layer, from its call or its first poll to its end.
#[test]
fn tracker_counts_handlers_and_orphans() {
    for mode in Mode::BOTH {
        let crank = Crank::new();
        let tracker = Tracker::new(crank.spawner());
        let layer = mode.layer(tracker.clone());
        let line = line!() - 1;
        let mut service = layer.layer(service_fn(|fails: bool| async move {
            yield_now().await;
            assert!(!fails, "out of paper");
            Ok::<_, Infallible>(())
        }));

        let called = service.call(false);
        assert_eq!(
            (tracker.len(), tracker.orphans()),
            (usize::from(mode == Mode::Eager), 0)
        );
        let [mut first, mut second] = [Box::pin(called), Box::pin(service.call(true))];
        assert!(poll(&mut first).is_pending() && poll(&mut second).is_pending());
        assert_eq!((tracker.len(), tracker.orphans()), (2, 0), "{mode:?}");
        drop((first, second));
        assert_eq!((tracker.len(), tracker.orphans()), (2, 2), "{mode:?}");

        crank.run();
        let metrics = tracker.metrics();
        let [at] = metrics.locations() else {
            panic!("{mode:?}: one layer, one line: {metrics:?}");
        };
        assert_eq!((at.location().file(), at.location().line()), (file!(), line));
        assert_eq!((at.running(), at.orphans()), (0, 0), "{mode:?}");
        assert_eq!(
            (
                at.orphaned_total(),
                at.finished_total(),
                at.panicked_total(),
                at.cancelled_total()
            ),
            (2, 1, 1, 0),
            "{mode:?}"
        );
    }
}

/// Who waits for the caller to be gone is woken when the handler is an orphan already, wherever one
/// looks.
#[test]
fn woken_waiter_sees_the_orphan() {
    for mode in Mode::BOTH {
        let (crank, log) = (Crank::new(), Log::default());
        let tracker = Tracker::new(crank.spawner());
        let (sender, receiver) = std::sync::mpsc::channel();
        let layer = mode
            .layer(tracker.clone())
            .with_caller(move |_: &mut (), caller| sender.send(caller));
        let mut service = layer.layer(service_fn(|()| pending::<Result<(), Infallible>>()));
        let mut response = Box::pin(service.call(()));
        assert!(poll(&mut response).is_pending());

        let caller = receiver.recv().unwrap();
        let (seen, looks_at) = (log.clone(), (caller.clone(), tracker.clone()));
        let waker = callback_waker(
            move || {
                let (caller, tracker) = &looks_at;
                seen.push(format!("gone: {}, orphans: {}", caller.is_gone(), tracker.orphans()));
            },
            || (),
        );
        let mut gone = caller.gone();
        assert!(poll_with(&mut gone, &waker).is_pending());
        drop(response);
        assert_eq!(log.take(), ["gone: true, orphans: 1"], "{mode:?}");
    }
}

/// A future that is too large to be moved about.
#[test]
fn large_handler_passes() {
    for mode in Mode::BOTH {
        let crank = Crank::new();
        let mut service = mode.layer(crank.spawner()).layer(service_fn(|byte: u8| async move {
            let large = [byte; 256 << 10];
            yield_now().await;
            Ok::<_, Infallible>(large.iter().map(|&byte| u64::from(byte)).sum::<u64>())
        }));
        for orphaned in [false, true] {
            let mut response = Box::pin(service.call(3));
            assert!(poll(&mut response).is_pending());
            if orphaned {
                drop(response);
                crank.run();
                assert_eq!(crank.len(), 0, "{mode:?}");
            } else {
                crank.run();
                assert_eq!(
                    poll(&mut response),
                    std::task::Poll::Ready(Ok(3 * (256 << 10))),
                    "{mode:?}"
                );
            }
        }
    }
}
