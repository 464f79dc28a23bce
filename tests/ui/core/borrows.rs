//! The work may outlive its caller, so it can borrow nothing from it.

use futures_shield::{ShieldExt, BoxTask, cleanup, spawn_fn};

async fn record(order: &str) -> usize {
    order.len()
}

async fn handler() {
    let order = String::from("order 7");
    record(&order).shield(spawn_fn(drop::<BoxTask>)).await;
}

async fn inline_handler() {
    let order = String::from("order 7");
    record(&order).shield_on_drop(spawn_fn(drop::<BoxTask>)).await;
}

async fn cleaning_handler() {
    let order = String::from("order 7");
    let guard = cleanup(spawn_fn(drop::<BoxTask>), order.as_str(), |order| async move {
        println!("{order}");
    });
    guard.run().await;
}

fn main() {
    drop((handler(), inline_handler(), cleaning_handler()));
}
