//! A server stops accepting work, waits for the shielded work that is running, and names by file
//! and line what is left. Three orders end in time. A mail does not, because its server never
//! answers.
//! `cargo run --example graceful_shutdown --features tokio`

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::future::pending;
use std::time::Duration;

use futures_shield::{ShieldExt, Tokio, Tracker};
use tokio::sync::{mpsc, watch};
use tokio::time::sleep;

const DEADLINE: Duration = Duration::from_millis(500);

enum Request {
    Order(u32),
    Mail,
}

/// Accepts requests until every client is gone. No client waits for its answer: all work is
/// orphaned.
async fn serve(mut requests: mpsc::Receiver<Request>, tracker: &Tracker<Tokio>, database: watch::Receiver<bool>) {
    while let Some(request) = requests.recv().await {
        match request {
            Request::Order(number) => record(number, database.clone()).shield(tracker).detach(),
            Request::Mail => send_mail().shield(tracker).detach(),
        }
    }
}

async fn record(number: u32, mut database: watch::Receiver<bool>) {
    database.wait_for(|is_up| *is_up).await.expect("the database comes up");
    println!("  order {number} is recorded");
}

async fn send_mail() {
    pending::<()>().await;
}

#[tokio::main]
async fn main() {
    let tracker = Tracker::new(Tokio::current());
    let (database, is_up) = watch::channel(false);
    let (clients, requests) = mpsc::channel(4);
    for request in [Request::Order(1), Request::Order(2), Request::Order(3), Request::Mail] {
        clients.send(request).await.expect("the server is there");
    }

    // First, accept no more work. A real server would wait for `tokio::signal::ctrl_c()`.
    drop(clients);
    serve(requests, &tracker, is_up).await;
    let at_the_signal = tracker.unfinished();
    println!("no more work is accepted; {at_the_signal}");
    assert_eq!(at_the_signal.len(), 4);

    // Then wait for what is running, with a deadline: any future, on any runtime.
    println!("waiting for at most {DEADLINE:?}");
    database.send(true).expect("the orders wait for it");
    let left = tracker.drain(sleep(DEADLINE)).await.expect_err("the mail never ends");
    println!("the time is up:");
    for at in left.locations() {
        println!("  {} still running, shielded at {}", at.len(), at.location());
    }

    let [_orders, mail] = at_the_signal.locations() else {
        panic!("two places shield work")
    };
    assert_eq!(left.locations(), std::slice::from_ref(mail));
}
