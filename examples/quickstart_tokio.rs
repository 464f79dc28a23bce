//! A caller gives up while an order is being paid. Without a shield the order is lost; with one it
//! is recorded.
//! `cargo run --example quickstart_tokio --features tokio`

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::time::Duration;

use futures_shield::{ShieldExt, Tokio, Tracker};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use tokio::time::{sleep, timeout};

async fn charge_and_record(order: &'static str, orders: UnboundedSender<&'static str>) {
    println!("{order}: the card is charged");
    sleep(Duration::from_millis(20)).await;
    orders.send(order).expect("the orders are read below");
}

#[tokio::main]
async fn main() {
    let tracker = Tracker::new(Tokio::current());
    let (orders, mut recorded) = unbounded_channel();
    let patience = Duration::from_millis(5);

    // `timeout` drops the future that it waits for, and what that future has not done is never
    // done.
    let plain = timeout(patience, charge_and_record("tea", orders.clone())).await;
    let shielded = timeout(patience, charge_and_record("coffee", orders).shield(&tracker)).await;
    assert!(plain.is_err() && shielded.is_err());

    tracker.wait().await;
    println!("recorded: {:?}", recorded.recv().await);
    assert_eq!(recorded.recv().await, None, "one order of two");
}
