//! An order between its charge and its record: once begun it is charged once, and has one order.

use std::slice;
use std::time::Duration;

use checkout::gateway::{Answer, Gateway};
use checkout::intents;
use checkout::payments::{Charge, ChargeError, Payments};
use checkout::server::Server;
use checkout::shop::Shop;
use checkout::store::{Order, Store};
use tempfile::TempDir;

fn book() -> Order {
    Order {
        item: "book".to_owned(),
        cents: 1999,
    }
}

async fn store(files: &TempDir) -> Store {
    Store::open(&files.path().join("orders.db")).await.unwrap()
}

async fn gateway() -> (Gateway, Server) {
    let gateway = Gateway::new(Answer::After(Duration::ZERO));
    let server = Server::start(gateway.router(), 0).await.unwrap();
    (gateway, server)
}

#[tokio::test]
async fn a_repeated_key_is_charged_once() {
    let files = tempfile::tempdir().unwrap();
    let store = store(&files).await;
    let (gateway, server) = gateway().await;
    let payments = Payments::new(&server.url());
    let [one, two] = [store.begin(book()).await.unwrap(), store.begin(book()).await.unwrap()];

    assert_eq!(payments.charge(&one).await.unwrap().id, 1);
    assert_eq!(payments.charge(&one).await.unwrap().id, 1);
    assert_eq!(payments.charge(&two).await.unwrap().id, 2);
    assert_eq!(gateway.charges().get(), 2);
}

#[tokio::test]
async fn a_gateway_that_is_not_reached_has_not_charged() {
    let files = tempfile::tempdir().unwrap();
    let (_, server) = gateway().await;
    let payments = Payments::new(&server.url());
    server.stop(async {}).await.unwrap();

    let intent = store(&files).await.begin(book()).await.unwrap();
    let error = payments.charge(&intent).await.unwrap_err();
    assert!(matches!(error, ChargeError::NotCharged(_)), "{error}");
}

#[tokio::test]
async fn an_intent_is_completed_once() {
    let files = tempfile::tempdir().unwrap();
    let store = store(&files).await;
    let intent = store.begin(book()).await.unwrap();
    assert_eq!(store.orders().await.unwrap(), []);
    assert_eq!(store.open_intents().await.unwrap(), slice::from_ref(&intent));

    let recorded = store.complete(intent.clone(), Charge { id: 7 }).await.unwrap();
    store.complete(intent.clone(), Charge { id: 8 }).await.unwrap_err();
    store.cancel(&intent.key).await.unwrap();
    assert_eq!(recorded.charge, 7);
    assert_eq!(store.orders().await.unwrap(), [recorded]);
    assert_eq!(store.open_intents().await.unwrap(), []);
}

#[tokio::test]
async fn the_next_start_settles_what_is_open() {
    let files = tempfile::tempdir().unwrap();
    let (gateway, server) = gateway().await;
    let payments = Payments::new(&server.url());
    let dies = store(&files).await;
    let charged = dies.begin(book()).await.unwrap();
    payments.charge(&charged).await.unwrap();
    dies.begin(book()).await.unwrap();
    drop(dies);

    let store = store(&files).await;
    let shop = Shop {
        payments,
        store: store.clone(),
    };
    for _ in 0..2 {
        intents::settle(&shop).await.unwrap();
        assert_eq!(gateway.charges().get(), 2);
        assert_eq!(store.orders().await.unwrap().len(), 2);
        assert_eq!(store.open_intents().await.unwrap(), []);
    }
}

#[tokio::test]
async fn nothing_is_begun_after_the_close() {
    let files = tempfile::tempdir().unwrap();
    let store = store(&files).await;
    let open = store.begin(book()).await.unwrap();
    store.close().await;

    store.begin(book()).await.unwrap_err();
    store.complete(open.clone(), Charge { id: 1 }).await.unwrap_err();
    assert_eq!(store.open_intents().await.unwrap(), [open]);
}

#[tokio::test]
async fn a_database_error_names_the_file() {
    let files = tempfile::tempdir().unwrap();
    for file in [files.path().to_owned(), files.path().join("no/orders.db")] {
        let error = Store::open(&file).await.unwrap_err().to_string();
        assert!(error.contains(file.to_str().unwrap()), "{error}");
    }
}
