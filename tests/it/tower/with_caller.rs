//! Handlers that see whether their client is gone.

use std::convert::Infallible;
use std::future::{Future, Ready, pending, ready};
use std::sync::{Arc, Mutex};
use std::task::Poll;

use axum::body::{Body, to_bytes};
use axum::extract::Request;
use axum::routing::get;
use axum::{Extension, Router};
use futures_shield::{Caller, ShieldLayer, Spawn, spawn_fn};
use tokio::sync::Semaphore;
use tower::{Layer, Service, service_fn};

use super::order::{Order, Run, insert};
use super::{Mode, turn};
use crate::support::{Crank, Drops, Log, OnDrop, Wakes, block_on, locked, panics_with, poll, poll_with};

/// A pool with a queue, and handlers that each work until the gate is opened.
struct Shop {
    crank: Crank,
    pool: Arc<Semaphore>,
    gate: Arc<Semaphore>,
    log: Log,
}

impl Shop {
    fn new(connections: usize) -> Self {
        Self {
            crank: Crank::new(),
            pool: Arc::new(Semaphore::new(connections)),
            gate: Arc::new(Semaphore::new(0)),
            log: Log::default(),
        }
    }

    fn service(
        &self,
        run: Run,
    ) -> impl Service<Order, Response = &'static str, Error = Infallible, Future: Future + Send> + use<> {
        let (pool, gate, log) = (Arc::clone(&self.pool), Arc::clone(&self.gate), self.log.clone());
        let layer = run.layer(self.crank.spawner()).with_caller(insert);
        layer.layer(service_fn(move |order: Order| {
            let (pool, gate, log) = (Arc::clone(&pool), Arc::clone(&gate), log.clone());
            async move {
                let caller = order.caller.expect("each request has its caller");
                let Some(connection) = caller.run_until_gone(pool.acquire()).await else {
                    log.push("gave up");
                    return Ok("gave up");
                };
                log.push("began");
                gate.acquire().await.unwrap().forget();
                drop(connection);
                log.push("recorded");
                Ok("receipt")
            }
        }))
    }
}

#[test]
fn gone_client_leaves_the_queue() {
    for run in Run::SHIELDED {
        let shop = Shop::new(0);
        let mut response = Box::pin(shop.service(run).call(Order::new(1)));
        assert!(turn(&shop.crank, &mut response).is_pending());
        assert!(shop.log.take().is_empty(), "{run:?}: it queues while its client waits");

        drop(response);
        shop.crank.run();
        assert_eq!(shop.log.take(), ["gave up"], "{run:?}");
        assert_eq!(shop.crank.len(), 0, "{run:?}");
        shop.pool.add_permits(1);
        assert_eq!(shop.pool.available_permits(), 1, "{run:?}: it left the queue");
    }
}

#[test]
fn begun_handler_completes() {
    for run in Run::SHIELDED {
        let shop = Shop::new(1);
        let mut response = Box::pin(shop.service(run).call(Order::new(1)));
        assert!(turn(&shop.crank, &mut response).is_pending());
        drop(response);
        shop.crank.run();
        assert_eq!(shop.log.take(), ["began"], "{run:?}");

        shop.gate.add_permits(1);
        shop.crank.run();
        assert_eq!(shop.log.take(), ["recorded"], "{run:?}");
        assert_eq!(shop.pool.available_permits(), 1, "{run:?}");
    }
}

#[test]
fn staying_client_is_served() {
    for run in Run::ALL {
        let shop = Shop::new(0);
        let mut response = Box::pin(shop.service(run).call(Order::new(1)));
        assert!(turn(&shop.crank, &mut response).is_pending());
        shop.pool.add_permits(1);
        shop.gate.add_permits(1);
        shop.crank.run();
        assert_eq!(turn(&shop.crank, &mut response), Poll::Ready(Ok("receipt")), "{run:?}");
        assert_eq!(shop.log.take(), ["began", "recorded"], "{run:?}");
    }
}

/// The callers that a layer has made, for a test that looks at them from outside of the handler.
#[derive(Clone, Default)]
struct Callers(Arc<Mutex<Vec<Caller>>>);

impl Callers {
    fn keep(&self) -> impl Fn(&mut Order, Caller) + Clone + use<> {
        let callers = self.clone();
        move |order, caller| {
            locked(&callers.0).push(caller.clone());
            insert(order, caller);
        }
    }

    fn last(&self) -> Caller {
        locked(&self.0).last().expect("a request came").clone()
    }
}

/// A service whose handlers wait at a gate.
fn gated(
    gate: &Arc<Semaphore>,
) -> impl Service<Order, Response = u32, Error = Infallible, Future: Send> + Clone + use<> {
    let gate = Arc::clone(gate);
    service_fn(move |order: Order| {
        let gate = Arc::clone(&gate);
        async move {
            gate.acquire().await.unwrap().forget();
            Ok(order.id)
        }
    })
}

#[test]
fn caller_stays_until_delivery() {
    for run in Run::ALL {
        let (crank, gate, callers) = (Crank::new(), Arc::new(Semaphore::new(0)), Callers::default());
        let layer = run.layer(crank.spawner()).with_caller(callers.keep());
        let mut response = Box::pin(layer.layer(gated(&gate)).call(Order::new(7)));
        let caller = callers.last();

        assert!(poll(&mut response).is_pending());
        crank.run();
        assert!(!caller.is_gone(), "{run:?}: it waits");
        gate.add_permits(1);
        crank.run();
        assert!(
            !caller.is_gone(),
            "{run:?}: the handler may have ended, and its caller does not know"
        );
        assert_eq!(poll(&mut response), Poll::Ready(Ok(7)), "{run:?}");
        assert!(
            caller.is_gone(),
            "{run:?}: it has its response, and the future is still kept"
        );
    }
}

#[test]
fn gone_once_response_is_dropped() {
    for run in Run::ALL {
        for polls in [0, 1] {
            let (crank, gate, callers) = (Crank::new(), Arc::new(Semaphore::new(0)), Callers::default());
            let layer = run.layer(crank.spawner()).with_caller(callers.keep());
            let mut response = Box::pin(layer.layer(gated(&gate)).call(Order::new(7)));
            let caller = callers.last();
            (0..polls).for_each(|_| assert!(poll(&mut response).is_pending()));
            crank.run();

            // A helper task that waits for the same.
            let (wakes, waker) = Wakes::new();
            let mut gone = caller.gone();
            assert!(poll_with(&mut gone, &waker).is_pending(), "{run:?}");
            drop(response);
            assert!(caller.is_gone(), "{run:?} after {polls} polls");
            assert_eq!(wakes.count(), 1, "{run:?} after {polls} polls");
            assert!(poll_with(&mut gone, &waker).is_ready());
        }
    }
}

/// A response future that is dropped partway: what is dropped with it, or spawned from it, sees the
/// new state.
#[test]
fn gone_before_handler_is_dropped() {
    let (log, callers) = (Log::default(), Callers::default());
    let handler = |log: &Log| {
        let log = log.clone();
        service_fn(move |order: Order| {
            let (log, caller) = (log.clone(), order.caller.unwrap());
            let at_drop = OnDrop::new(move || log.push(caller.is_gone()));
            async move {
                let _at_drop = at_drop;
                pending::<Result<(), Infallible>>().await
            }
        })
    };

    let unspawned = spawn_fn(|_task| panic!("nothing is to be spawned"));
    for (run, polls) in [(Run::Unshielded, 0), (Run::Unshielded, 1), (Run::OnDrop, 0)] {
        let layer = run.layer(unspawned.clone()).with_caller(callers.keep());
        let mut response = Box::pin(layer.layer(handler(&log)).call(Order::new(1)));
        (0..polls).for_each(|_| assert!(poll(&mut response).is_pending()));
        drop(response);
        assert_eq!(log.take(), ["true"], "{run:?} after {polls} polls");
    }
}

#[test]
fn gone_before_rest_is_spawned() {
    let (crank, callers, log) = (Crank::new(), Callers::default(), Log::default());
    let (spawner, seen, seen_by) = (crank.spawner(), log.clone(), callers.clone());
    let spawner = spawn_fn(move |task| {
        seen.push(seen_by.last().is_gone());
        spawner.spawn_detached(task);
    });
    let layer = Run::OnDrop.layer(spawner).with_caller(callers.keep());
    let gate = Arc::new(Semaphore::new(0));
    let mut response = Box::pin(layer.layer(gated(&gate)).call(Order::new(1)));
    assert!(poll(&mut response).is_pending());
    assert!(!callers.last().is_gone());
    drop(response);
    assert_eq!(log.take(), ["true"]);
}

/// A panic that a caller gets is delivered, as a response is.
#[test]
fn gone_once_panic_is_delivered() {
    for run in Run::ALL {
        let (crank, callers) = (Crank::new(), Callers::default());
        let layer = run.layer(crank.spawner()).with_caller(callers.keep());
        let mut service = layer.layer(service_fn(|_: Order| panics()));
        let mut response = Box::pin(service.call(Order::new(1)));
        crank.run();
        assert!(!callers.last().is_gone(), "{run:?}: nobody has seen the panic");
        assert_eq!(panics_with(|| poll(&mut response)), "out of paper", "{run:?}");
        assert!(callers.last().is_gone(), "{run:?}: the response future is still kept");
    }
}

async fn panics() -> Result<(), Infallible> {
    panic!("out of paper")
}

#[test]
fn each_request_has_its_caller() {
    for run in Run::ALL {
        let (crank, gate, callers) = (Crank::new(), Arc::new(Semaphore::new(0)), Callers::default());
        let mut service = run
            .layer(crank.spawner())
            .with_caller(callers.keep())
            .layer(gated(&gate));
        let first = service.call(Order::new(1));
        let first_caller = callers.last();
        let second = service.call(Order::new(2));
        let second_caller = callers.last();

        drop(first);
        assert_eq!(
            (first_caller.is_gone(), second_caller.is_gone()),
            (true, false),
            "{run:?}"
        );
        drop(second);
        assert!(second_caller.is_gone(), "{run:?}");
    }
}

#[test]
fn called_between_predicate_and_service() {
    for chosen in [true, false] {
        let (crank, log) = (Crank::new(), Log::default());
        let (predicate, pass, inner) = (log.clone(), log.clone(), log.clone());
        let mut service = ShieldLayer::new(crank.spawner())
            .with_caller(move |order: &mut Order, _caller| {
                pass.push("with_caller");
                order.id += 1;
            })
            .only_if(move |order: &Order| {
                predicate.push(format!("predicate {}", order.id));
                chosen
            })
            .layer(service_fn(move |order: Order| -> Ready<Result<(), Infallible>> {
                inner.push(format!("service {}", order.id));
                ready(Ok(()))
            }));
        drop(service.call(Order::new(1)));
        assert_eq!(log.take(), ["predicate 1", "with_caller", "service 2"]);
    }
}

#[test]
fn second_closure_replaces_the_first() {
    for run in Run::ALL {
        let (crank, drops, callers) = (Crank::new(), Drops::new(), Callers::default());
        let first = drops.one();
        let layer = run.layer(crank.spawner()).with_caller(move |_: &mut Order, _| {
            let _kept = &first;
            panic!("it was replaced");
        });
        let layer = layer.with_caller(callers.keep());
        assert_eq!(drops.count(), 1, "{run:?}");
        drop(layer.layer(gated(&Arc::new(Semaphore::new(0)))).call(Order::new(1)));
        assert!(callers.last().is_gone(), "{run:?}");
    }
}

/// The request needs a type, and the caller and what the closure returns do not.
#[test]
fn closure_may_return_anything() {
    let (crank, drops) = (Crank::new(), Drops::new());
    let returned = drops.clone();
    let mut service = ShieldLayer::new(crank.spawner())
        .with_caller(move |order: &mut Order, caller| {
            order.caller = Some(caller);
            returned.one()
        })
        .layer(gated(&Arc::new(Semaphore::new(0))));
    drop(service.call(Order::new(1)));
    assert_eq!(drops.count(), 1);
}

#[test]
fn axum_handler_gets_its_caller() {
    async fn handler(Extension(caller): Extension<Caller>) -> String {
        format!("{caller:?}")
    }

    for mode in Mode::BOTH {
        for chosen in [true, false] {
            let crank = Crank::new();
            let layer = mode
                .layer(crank.spawner())
                .with_caller(|request: &mut Request, caller| request.extensions_mut().insert(caller))
                .only_if(move |_: &Request| chosen);
            let mut app = Router::new().route("/", get(handler)).layer(layer);
            let response = block_on(crank.drive(app.call(Request::new(Body::empty())))).unwrap();
            let text = block_on(to_bytes(response.into_body(), 1_000)).unwrap();
            assert_eq!(text, "Caller { is_gone: false }");
        }
    }
}
