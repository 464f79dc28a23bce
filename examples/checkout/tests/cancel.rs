//! The order is cut off at every `.await` of its work: without a shield a customer has paid for
//! nothing, with one every charge has its order.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use checkout::gateway::{Answer, Gateway};
use checkout::payments::Payments;
use checkout::server::Server;
use checkout::shop::Shop;
use checkout::store::{Order, Store};
use futures_shield::testing::cancel_at_every_await;
use futures_shield::{ShieldExt, Tokio, Tracker};
use futures_util::FutureExt;

/// A shop, the charges of its gateway, and what keeps both alive.
struct World {
    shop: Shop,
    gateway: Gateway,
    _server: Server,
    _files: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let files = tempfile::tempdir().unwrap();
        let gateway = Gateway::new(Answer::After(Duration::ZERO));
        let server = Server::start(gateway.router(), 0).await.unwrap();
        let shop = Shop {
            payments: Payments::new(&server.url()),
            store: Store::open(&files.path().join("orders.db")).await.unwrap(),
        };
        Self {
            shop,
            gateway,
            _server: server,
            _files: files,
        }
    }

    async fn place_order(shop: Shop) {
        let order = Order {
            item: "book".to_owned(),
            cents: 1999,
        };
        let intent = shop.store.begin(order).await.unwrap();
        shop.charge_and_record(intent).await.unwrap();
    }

    async fn charges_and_orders(&self) -> (usize, usize) {
        let orders = self.shop.store.orders().await.unwrap();
        (self.gateway.charges().get() as usize, orders.len())
    }
}

#[tokio::test]
async fn a_shielded_order_is_never_half_done() {
    let world = World::new().await;
    let tracker = Tracker::new(Tokio::current());
    cancel_at_every_await(
        || World::place_order(world.shop.clone()).shield(&tracker),
        async |_| {
            tracker.wait().await;
            let (charges, orders) = world.charges_and_orders().await;
            assert_eq!(charges, orders);
        },
    )
    .await;
    let (charges, _) = world.charges_and_orders().await;
    assert!(charges > 0);
}

#[tokio::test]
async fn without_a_shield_the_hole_is_found() {
    let world = World::new().await;
    let found = cancel_at_every_await(
        || World::place_order(world.shop.clone()),
        async |_| {
            let (charges, orders) = world.charges_and_orders().await;
            assert!(charges <= orders, "charged and not recorded");
        },
    );
    let payload = AssertUnwindSafe(found).catch_unwind().await.unwrap_err();
    let message = payload.downcast_ref::<String>().unwrap();
    assert!(message.starts_with("cancelled at suspension "), "{message}");
    assert!(message.ends_with("charged and not recorded"), "{message}");
}
