//! Rapid Reset (CVE-2023-44487): streams that are opened and reset at once. Servers bound their
//! handlers by the streams that are open, and a shielded handler outlives its stream, so the limit
//! has to be inside the shield.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::get;
use bytes::Bytes;
use futures_shield::{Tokio, Tracker};
use tokio::time::sleep;
use tower::ServiceBuilder;
use tower::limit::GlobalConcurrencyLimitLayer;

use crate::axum::serve;
use crate::support::http2::{self, Connection};
use crate::support::memory::live_bytes;
use crate::support::{BOTH, Mode, Steps, timely, tracker, until};

/// The most handlers at once.
pub const LIMIT: usize = 20;

/// The streams that the server has accepted before the attack ends.
const STREAMS: usize = 10_000;

/// What a handler holds. 10,000 of them would be 625 MiB.
const HELD: usize = 64 * 1024;

/// What other tests may allocate while the memory of the attack is measured.
const NOISE: usize = 32 * 1024 * 1024;

/// What the server has done so far.
#[derive(Default)]
pub struct Counts {
    pub arrived: AtomicUsize,
    running: AtomicUsize,
    most: AtomicUsize,
}

impl Counts {
    /// A handler that works for 5 ms, and holds some memory meanwhile.
    pub async fn handle(&self) {
        self.most
            .fetch_max(self.running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        let held = vec![1; HELD];
        let _done = Running(self);
        sleep(Duration::from_millis(5)).await;
        assert_eq!(held.len(), HELD);
    }

    pub fn running(&self) -> usize {
        self.running.load(Ordering::SeqCst)
    }
}

struct Running<'a>(&'a Counts);

impl Drop for Running<'_> {
    fn drop(&mut self) {
        self.0.running.fetch_sub(1, Ordering::SeqCst);
    }
}

/// Opens and resets streams, 16 at a time, until the server has accepted 10,000; and asserts
/// meanwhile that the work that runs and the memory in use stay bounded.
pub async fn attack(address: SocketAddr, request: http::Request<Bytes>, counts: &Counts, tracker: &Tracker<Tokio>) {
    let mut connection = Connection::open(address).await;
    let (mut connections, mut baseline, mut peak) = (1, None, 0);
    // Twice what is needed: a stream may be reset before the server has seen it.
    for _ in 0..2 * STREAMS / 16 {
        let mut calls = Vec::new();
        for _ in 0..16 {
            match connection.send(request.clone()).await {
                Ok(call) => calls.push(call),
                // Servers may end a connection with this many resets. An attacker opens another
                // one.
                Err(_) => {
                    connection = Connection::open(address).await;
                    connections += 1;
                    break;
                }
            }
        }
        // So that the requests are on their way before they are reset.
        sleep(Duration::from_micros(300)).await;
        calls.into_iter().for_each(http2::Call::reset);

        // Work frees its permit before it leaves the tracker, so a few more than `LIMIT` can be
        // counted.
        let tracked = tracker.len();
        assert!(tracked <= 2 * LIMIT, "{tracked} tracked");
        let arrived = counts.arrived.load(Ordering::SeqCst);
        if arrived >= STREAMS / 10 {
            let live = live_bytes();
            peak = peak.max(live.saturating_sub(*baseline.get_or_insert(live)));
        }
        if arrived >= STREAMS {
            break;
        }
    }

    let arrived = counts.arrived.load(Ordering::SeqCst);
    let most = counts.most.load(Ordering::SeqCst);
    println!(
        "{arrived} arrived on {connections} connections, at most {most} handlers at once, memory grew by {peak} bytes"
    );
    assert!(arrived >= STREAMS, "only {arrived} arrived");
    assert!(most <= LIMIT, "{most} handlers at once");
    assert!(peak <= NOISE, "{peak} bytes");
}

/// An app with a limit inside the shield.
fn app(counts: &Arc<Counts>, mode: Mode, tracker: &Tracker<Tokio>) -> Router {
    let (handled, arrived) = (Arc::clone(counts), Arc::clone(counts));
    let handler = move || {
        let counts = Arc::clone(&handled);
        async move {
            counts.handle().await;
            "receipt"
        }
    };
    let shielded = ServiceBuilder::new()
        .layer(mode.layer(tracker.clone()))
        .layer(GlobalConcurrencyLimitLayer::new(LIMIT));
    Router::new()
        .route("/", get(handler))
        .layer(shielded)
        .layer(from_fn(move |request: Request, next: Next| {
            arrived.arrived.fetch_add(1, Ordering::SeqCst);
            next.run(request)
        }))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_a_limit_inside() {
    for mode in BOTH {
        let (counts, tracker) = (Arc::new(Counts::default()), tracker());
        let address = serve(app(&counts, mode, &tracker)).await;
        let attacker = tokio::spawn({
            let (counts, tracker) = (Arc::clone(&counts), tracker.clone());
            async move { attack(address, http2::get(address, "/"), &counts, &tracker).await }
        });

        // Another client, one request after the other for as long as the attack lasts.
        let mut client = Connection::open(address).await;
        let mut served = 0;
        while !attacker.is_finished() {
            let call = client.send(http2::get(address, "/")).await.unwrap();
            assert_eq!(call.answer().await.unwrap().body, "receipt");
            served += 1;
        }
        attacker.await.unwrap();
        until(|| counts.running() == 0 && tracker.is_empty()).await;
        println!("{served} requests of another client were served meanwhile");
        assert!(served >= 10, "{served}");
    }
}

/// The control: what the limit inside is for. One stream is open at a time, and each leaves its
/// handler behind.
#[tokio::test]
async fn without_a_limit_each_reset_leaves_a_handler_behind() {
    for mode in BOTH {
        let (mut steps, tracker) = (Steps::new(), tracker());
        let reporter = steps.reporter();
        let app = Router::new().route("/", get(move || reporter.clone().handle()));
        let address = serve(app.layer(mode.layer(tracker.clone()))).await;
        let mut client = Connection::open(address).await;
        for _ in 0..5 * LIMIT {
            let call = client.send(http2::get(address, "/")).await.unwrap();
            steps.expect(&["inside"]).await;
            call.reset();
        }
        until(|| tracker.len() == 5 * LIMIT).await;
        for _ in 0..5 * LIMIT {
            steps.open();
        }
        timely(tracker.wait()).await;
    }
}
