//! `#[shield]` on a method: whoever calls it, and however the call ends, the order is recorded.
//! `cargo run --example decorator --features tokio,macros`

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::sync::Arc;
use std::sync::Mutex;

use futures_shield::{Tokio, Tracker, shield};
use tokio::task::yield_now;

struct Shop {
    tracker: Tracker<Tokio>,
    orders: Mutex<Vec<u32>>,
}

impl Shop {
    /// The body outlives its caller, so it owns what it uses: `self: Arc<Self>`, and not `&self`.
    #[shield(&self.tracker)]
    async fn order(self: Arc<Self>, cents: u32) -> Result<usize, &'static str> {
        if cents == 0 {
            return Err("an order has a price"); // `?` and early returns work as usual
        }
        yield_now().await; // the card is charged
        let mut orders = self.orders.lock().expect("nothing panics under this lock");
        orders.push(cents);
        Ok(orders.len())
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let shop = Arc::new(Shop {
        tracker: Tracker::new(Tokio::current()),
        orders: Mutex::default(),
    });

    println!("awaited: {:?}", Arc::clone(&shop).order(0).await);
    println!("awaited: {:?}", Arc::clone(&shop).order(1_999).await);
    tokio::select! {
        biased;
        _ = Arc::clone(&shop).order(599) => unreachable!("it yields once"),
        () = async {} => println!("dropped"),
    }

    shop.tracker.wait().await;
    let orders = shop.orders.lock().expect("nothing panics under this lock");
    println!("recorded: {orders:?}");
    assert_eq!(*orders, [1_999, 599]);
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use futures_shield::testing::cancel_at_every_await;

    use super::*;

    #[tokio::test]
    async fn each_order_is_recorded_whenever_its_caller_leaves() {
        let shop = Arc::new(Shop {
            tracker: Tracker::new(Tokio::current()),
            orders: Mutex::default(),
        });
        let mut placed = 0;
        let order = || Arc::clone(&shop).order(599);
        let check = async |_| {
            placed += 1;
            shop.tracker.wait().await;
            assert_eq!(shop.orders.lock().unwrap().len(), placed);
        };
        assert_eq!(cancel_at_every_await(order, check).await, 1);
    }
}
