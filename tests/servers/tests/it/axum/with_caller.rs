//! `ShieldLayer::with_caller` with a real pool: a handler stops queueing for a connection when its
//! client is gone.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::{Request, State};
use axum::http::StatusCode;
use axum::routing::get;
use axum::{Extension, Router};
use futures_shield::Caller;
use sqlx::SqlitePool;

use super::serve;
use crate::sqlx::Database;
use crate::support::http2::Connection;
use crate::support::{BOTH, http2, timely, tracker, until};

#[derive(Clone)]
struct Shop {
    pool: SqlitePool,
    asked: Arc<AtomicUsize>,
    gave_up: Arc<AtomicUsize>,
}

async fn order(State(shop): State<Shop>, Extension(caller): Extension<Caller>) -> Result<&'static str, StatusCode> {
    shop.asked.fetch_add(1, Ordering::SeqCst);
    let Some(connection) = caller.run_until_gone(shop.pool.acquire()).await else {
        shop.gave_up.fetch_add(1, Ordering::SeqCst);
        return Err(StatusCode::SERVICE_UNAVAILABLE);
    };
    let insert = sqlx::query("INSERT INTO orders VALUES ('tea')");
    insert.execute(&mut *connection.unwrap()).await.unwrap();
    Ok("receipt")
}

#[tokio::test]
async fn a_handler_whose_stream_is_reset_leaves_the_queue_of_the_pool() {
    for mode in BOTH {
        let (database, tracker) = (Database::open(1).await, tracker());
        let shield = mode.layer(tracker.clone());
        let shield = shield.with_caller(|request: &mut Request, caller| request.extensions_mut().insert(caller));
        let shop = Shop {
            pool: database.pool.clone(),
            asked: Arc::default(),
            gave_up: Arc::default(),
        };
        let app = Router::new()
            .route("/", get(order))
            .layer(shield)
            .with_state(shop.clone());
        let address = serve(app).await;
        let taken = timely(database.pool.acquire()).await.unwrap();

        let mut client = Connection::open(address).await;
        for round in 1..=5 {
            let mut calls = Vec::new();
            for _ in 0..20 {
                calls.push(client.send(http2::get(address, "/")).await.unwrap());
            }
            until(|| shop.asked.load(Ordering::SeqCst) == 20 * round).await;
            calls.into_iter().for_each(http2::Call::reset);
            // The connection is still taken, and no handler waits for it.
            until(|| shop.gave_up.load(Ordering::SeqCst) == 20 * round).await;
            timely(tracker.wait()).await;
        }

        let call = client.send(http2::get(address, "/")).await.unwrap();
        drop(taken);
        assert_eq!(call.answer().await.unwrap().body, "receipt");
        assert_eq!(timely(database.orders()).await, 1);
    }
}
