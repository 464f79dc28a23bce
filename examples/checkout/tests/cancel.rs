//! A request is dropped at every `.await` of its order: without a shield a customer has paid for
//! nothing, with one every charge has its order.

use std::panic::AssertUnwindSafe;
use std::time::Duration;

use axum::body::Body;
use axum::http::Request;
use axum::http::header::CONTENT_TYPE;
use checkout::gateway::{Answer, Gateway};
use checkout::hang_up::Clients;
use checkout::mode::Mode;
use checkout::payments::Payments;
use checkout::server::Server;
use checkout::shop::Shop;
use checkout::store::Store;
use futures_shield::testing::cancel_at_every_await;
use futures_shield::{Tokio, Tracker};
use futures_util::FutureExt;
use tower::ServiceExt;

fn order() -> Request<Body> {
    Request::post("/orders")
        .header(CONTENT_TYPE, "application/json")
        .body(Body::from(r#"{"item":"book","cents":1999}"#))
        .unwrap()
}

/// Drops the request of an order at each of its suspensions. After each, every charge has its order.
/// Returns how many charges there are.
async fn every_charge_has_its_order(mode: Mode) -> usize {
    let files = tempfile::tempdir().unwrap();
    let gateway = Gateway::new(Answer::After(Duration::ZERO));
    let server = Server::start(gateway.router(), 0).await.unwrap();
    let store = Store::open(&files.path().join("orders.db")).await.unwrap();
    let shop = Shop {
        payments: Payments::new(&server.url()),
        store: store.clone(),
    };
    let tracker = Tracker::new(Tokio::current());
    let router = shop.router(mode, tracker.clone(), Clients::default());
    let charges_and_orders = async || {
        tracker.wait().await;
        (gateway.charges().get() as usize, store.orders().await.unwrap().len())
    };
    let check = async |_| {
        let (charges, orders) = charges_and_orders().await;
        assert!(charges <= orders, "charged and not recorded");
    };
    cancel_at_every_await(|| router.clone().oneshot(order()), check).await;
    charges_and_orders().await.0
}

/// SQLite answers from a thread, at once or later. So the number of suspensions varies, and one round
/// can miss some of them.
const ROUNDS: usize = 5;

#[tokio::test]
async fn a_shielded_order_is_never_half_done() {
    for mode in [Mode::Shield, Mode::OnDrop] {
        for _ in 0..ROUNDS {
            assert!(every_charge_has_its_order(mode).await > 0, "{mode}");
        }
    }
}

#[tokio::test]
async fn without_a_shield_the_hole_is_found() {
    for _ in 0..10 * ROUNDS {
        let found = AssertUnwindSafe(every_charge_has_its_order(Mode::Unshielded)).catch_unwind();
        let Err(payload) = found.await else { continue };
        let message = payload.downcast_ref::<String>().unwrap();
        assert!(message.starts_with("cancelled at suspension "), "{message}");
        assert!(message.ends_with("charged and not recorded"), "{message}");
        return;
    }
    panic!("not found");
}
