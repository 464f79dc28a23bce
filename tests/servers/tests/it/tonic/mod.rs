//! tonic over HTTP/2, with `ShieldLayer` in both modes: however a call is dropped, its handler
//! completes.

mod client;
mod codec;
mod orders;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures_shield::{Tokio, Tracker};
use http::Request;
use tonic::Code;
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tower::ServiceBuilder;
use tower::layer::util::Identity;
use tower::limit::GlobalConcurrencyLimitLayer;

use self::client::{call, call_within, result};
pub use self::orders::Orders;
use self::orders::serve;
use crate::rapid_reset::{LIMIT, attack};
use crate::recipes;
use crate::support::http2::{Answer, Call, Connection};
use crate::support::{BOTH, Mode, Steps, timely, tracker, until};

/// A server in one mode, with its steps.
struct Shop {
    steps: Steps,
    orders: Orders,
    tracker: Tracker<Tokio>,
    address: SocketAddr,
}

impl Shop {
    async fn open(mode: Mode, server: Server) -> Self {
        let (steps, tracker) = (Steps::new(), tracker());
        let orders = Orders::new(steps.reporter());
        let address = serve(server, mode.layer(tracker.clone()), orders.clone()).await;
        Self {
            steps,
            orders,
            tracker,
            address,
        }
    }

    /// Sends a request on a connection of its own, whose handler has begun when this returns.
    async fn begin(&mut self, request: Request<Bytes>) -> (Connection, Call) {
        let mut connection = Connection::open(self.address).await;
        let call = connection.send(request).await.unwrap();
        self.steps.expect(&["inside"]).await;
        (connection, call)
    }

    /// Asserts that the call that was dropped still runs and holds the till, and that it completes.
    async fn expect_orphan_that_completes(&mut self) {
        self.steps.expect(&["caller gone"]).await;
        assert_eq!(self.tracker.len(), 1);
        assert!(self.orders.till.try_lock().is_err());
        self.steps.expect_nothing();
        self.steps.open();
        self.steps.expect(&["completed", "dropped"]).await;
        timely(self.tracker.wait()).await;
        assert_eq!(self.orders.till.try_lock().map(|till| *till).ok(), Some(1));
    }

    /// Asserts that a call gets its receipt.
    async fn expect_served(&mut self, connection: &mut Connection, receipt: &str) {
        let call = connection.send(call(self.address, "tea")).await.unwrap();
        self.steps.expect(&["inside"]).await;
        self.steps.open();
        assert_eq!(result(&call.answer().await.unwrap()), (Code::Ok, receipt));
        self.steps.expect(&["completed", "dropped", "caller gone"]).await;
    }
}

/// Returns `true` if the call ended because its time was up. tonic 0.14.5 answers CANCELLED.
fn timed_out(answer: &Answer) -> bool {
    matches!(result(answer).0, Code::DeadlineExceeded | Code::Cancelled)
}

/// The control: without the layer, a reset drops the handler.
#[tokio::test]
async fn without_the_layer_a_reset_cuts_the_handler_off() {
    let mut steps = Steps::new();
    let orders = Orders::new(steps.reporter());
    let address = serve(Server::builder(), Identity::new(), orders.clone()).await;
    let mut connection = Connection::open(address).await;
    let call = connection.send(call(address, "tea")).await.unwrap();
    steps.expect(&["inside"]).await;
    call.reset();
    steps.expect(&["dropped"]).await;
    assert_eq!(*timely(orders.till.lock()).await, 0);
}

#[tokio::test]
async fn a_call_that_is_reset_completes_and_its_connection_serves_the_next() {
    for mode in BOTH {
        let mut shop = Shop::open(mode, Server::builder()).await;
        let (mut connection, call) = shop.begin(call(shop.address, "tea")).await;
        call.reset();
        shop.expect_orphan_that_completes().await;
        shop.expect_served(&mut connection, "receipt 2 for tea").await;
    }
}

/// The server that the guide shows: of more calls than its limit, each that has begun completes.
#[tokio::test]
async fn the_guides_server_completes_each_call_that_is_reset() {
    const CALLS: usize = 150;
    let (steps, tracker) = (Steps::new(), tracker());
    let orders = Orders::new(steps.reporter());
    let tcp = TcpIncoming::bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = tcp.local_addr().unwrap();
    tokio::spawn(recipes::tonic::serve(orders.clone(), tracker.clone(), tcp));

    let mut connection = Connection::open(address).await;
    let mut calls = Vec::new();
    for _ in 0..CALLS {
        calls.push(connection.send(call(address, "tea")).await.unwrap());
    }
    until(|| tracker.len() == 100).await;
    // Those that queue for the limit first: their handlers never begin.
    calls.into_iter().rev().for_each(Call::reset);
    until(|| tracker.orphans() == 100).await;
    for _ in 0..CALLS {
        steps.open();
    }
    timely(tracker.wait()).await;
    let completed = usize::try_from(*timely(orders.till.lock()).await).unwrap();
    assert!((100..=CALLS).contains(&completed), "{completed}");
}

/// tonic enforces a call's deadline outside of the layer: the client has its answer on time, and
/// the work continues.
#[tokio::test]
async fn a_call_past_its_deadline_completes() {
    for mode in BOTH {
        let mut shop = Shop::open(mode, Server::builder()).await;
        let (mut connection, call) = shop.begin(call_within(shop.address, "tea", 100)).await;
        let answer = call.answer().await.unwrap();
        assert!(timed_out(&answer), "{answer:?}");
        shop.expect_orphan_that_completes().await;
        shop.expect_served(&mut connection, "receipt 2 for tea").await;
    }
}

/// The same for the server's own timeout.
#[tokio::test]
async fn a_call_past_the_servers_timeout_completes() {
    for mode in BOTH {
        let mut shop = Shop::open(mode, Server::builder().timeout(Duration::from_millis(100))).await;
        let (_connection, call) = shop.begin(call(shop.address, "tea")).await;
        let answer = call.answer().await.unwrap();
        assert!(timed_out(&answer), "{answer:?}");
        shop.expect_orphan_that_completes().await;
    }
}

#[tokio::test]
async fn a_call_whose_connection_breaks_completes() {
    for mode in BOTH {
        let mut shop = Shop::open(mode, Server::builder()).await;
        let (connection, call) = shop.begin(call(shop.address, "tea")).await;
        drop((call, connection));
        shop.expect_orphan_that_completes().await;
    }
}

/// The server ends a connection that is too old, with the call that is still running on it.
#[tokio::test]
async fn a_call_whose_connection_is_too_old_completes() {
    for mode in BOTH {
        let server = Server::builder()
            .max_connection_age(Duration::from_millis(50))
            .max_connection_age_grace(Duration::from_millis(50));
        let mut shop = Shop::open(mode, server).await;
        let (connection, call) = shop.begin(call(shop.address, "tea")).await;
        let _error = call.answer().await.unwrap_err();
        connection.closed().await;
        shop.expect_orphan_that_completes().await;

        let mut connection = Connection::open(shop.address).await;
        shop.expect_served(&mut connection, "receipt 2 for tea").await;
    }
}

/// Without a grace period a call may outlive the age of its connection. tonic 0.14.5 panics there
/// and cuts it off (grpc-rust#2522): the call completes in any case.
#[tokio::test]
async fn a_call_that_outlives_the_age_of_its_connection_completes() {
    for mode in BOTH {
        let mut shop = Shop::open(mode, Server::builder().max_connection_age(Duration::from_millis(50))).await;
        let (_connection, call) = shop.begin(call(shop.address, "tea")).await;
        tokio::time::sleep(Duration::from_millis(150)).await;
        shop.steps.open();
        let answer = call.answer().await;
        assert!(answer.is_err() || answer.is_ok_and(|answer| result(&answer).0 == Code::Ok));
        until(|| shop.orders.till.try_lock().is_ok_and(|till| *till == 1)).await;
        timely(shop.tracker.wait()).await;
    }
}

/// Dropped calls one after the other, and at once: each completes, and the mutex that each held is
/// free.
#[tokio::test]
async fn two_hundred_dropped_calls_complete() {
    for mode in BOTH {
        let shop = Shop::open(mode, Server::builder()).await;
        let mut connection = Connection::open(shop.address).await;
        let mut calls = Vec::new();
        for _ in 0..100 {
            calls.push(connection.send(call(shop.address, "tea")).await.unwrap());
        }
        until(|| shop.orders.till.try_lock().is_err()).await;
        drop(calls);
        drop(connection);
        for _ in 0..200 {
            shop.steps.open();
        }
        timely(shop.tracker.wait()).await;
    }
}

/// A panic ends its call, frees the mutex, and harms neither the connection nor the tracker.
#[tokio::test]
async fn a_handler_that_panics_ends_its_call_only() {
    for mode in BOTH {
        let mut shop = Shop::open(mode, Server::builder()).await;
        let mut connection = Connection::open(shop.address).await;
        let call = connection.send(call(shop.address, "panic")).await.unwrap();
        let _error = call.answer().await.unwrap_err();
        shop.steps.expect(&["caller gone"]).await;
        timely(shop.tracker.wait()).await;
        assert!(shop.orders.till.try_lock().is_ok());
        shop.expect_served(&mut connection, "receipt 1 for tea").await;
    }
}

/// tonic's own limit sits outside of the layers that a user adds: an orphan gives its permit back.
#[tokio::test]
async fn tonics_own_limit_does_not_bound_orphans() {
    for mode in BOTH {
        let mut shop = Shop::open(mode, Server::builder().concurrency_limit_per_connection(1)).await;
        let mut connection = Connection::open(shop.address).await;
        for orphans in 1..=5 {
            let call = connection.send(call(shop.address, "wait")).await.unwrap();
            shop.steps.expect(&["inside"]).await;
            call.reset();
            shop.steps.expect(&["caller gone"]).await;
            assert_eq!(shop.tracker.len(), orphans);
        }
        for _ in 0..5 {
            shop.steps.open();
        }
        timely(shop.tracker.wait()).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_resets_with_a_limit_inside() {
    for mode in BOTH {
        let tracker = tracker();
        let orders = Orders::new(Steps::new().reporter());
        let counts = Arc::clone(&orders.counts);
        let shielded = ServiceBuilder::new()
            .layer(mode.layer(tracker.clone()))
            .layer(GlobalConcurrencyLimitLayer::new(LIMIT));
        let address = serve(Server::builder(), shielded, orders).await;
        attack(address, call(address, "count"), &counts, &tracker).await;
        until(|| counts.running() == 0 && tracker.is_empty()).await;
    }
}
