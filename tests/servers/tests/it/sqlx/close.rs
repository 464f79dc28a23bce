//! The order of drain and close that ends, even if orphans hold connections that they never give
//! back.

use std::future::pending;
use std::time::Duration;

use futures_shield::{ShieldError, ShieldExt, Tokio, Tracker};
use tokio::runtime::Runtime;
use tokio::time::{sleep, timeout};

use super::Database;
use crate::recipes;
use crate::support::{timely, tracker};

const SHORT: Duration = Duration::from_millis(100);

/// Orphans that hold each of the pool's connections, and are stuck.
async fn stuck(database: &Database, tracker: &Tracker<Tokio>) {
    for _ in 0..database.pool.size() {
        let connection = database.pool.acquire().await.unwrap();
        async move {
            let _connection = connection;
            pending::<()>().await;
        }
        .shield(tracker)
        .detach();
    }
}

/// The control: `close` waits for each connection, and so for each orphan that holds one.
#[tokio::test]
async fn a_close_waits_for_orphans_that_hold_connections() {
    let (database, tracker) = (Database::open(2).await, tracker());
    timely(stuck(&database, &tracker)).await;
    tracker.drain(sleep(SHORT)).await.unwrap_err();
    timeout(SHORT, database.pool.close()).await.unwrap_err();
}

/// If the drain succeeds, so does the close.
#[tokio::test]
async fn after_a_drain_that_succeeds_the_close_ends() {
    let (database, tracker) = (Database::open(2).await, tracker());
    let pool = database.pool.clone();
    async move { sqlx::query("INSERT INTO orders VALUES ('tea')").execute(&pool).await }
        .shield(&tracker)
        .detach();
    tracker.drain(sleep(Duration::from_secs(30))).await.unwrap();
    timely(database.pool.close()).await;
    assert_eq!(database.pool.size(), 0);
}

/// As the guide does it: if the drain fails, the runtime of the orphans ends before the close, and
/// drops what they hold.
#[test]
fn after_a_drain_that_fails_the_orphans_runtime_ends_before_the_close() {
    let (work, main) = (Runtime::new().unwrap(), Runtime::new().unwrap());
    let tracker = Tracker::new(Tokio::from(work.handle().clone()));
    let database = main.block_on(Database::open(2));
    main.block_on(timely(stuck(&database, &tracker)));
    let closed = main.block_on(timely(recipes::close::close(&tracker, work, &database.pool)));
    assert_eq!(closed.unwrap_err().len(), 2);
    assert!(tracker.is_empty());
    assert_eq!(database.pool.size(), 0);
}

/// An orphan that queues for a connection is not stuck for long: the close fails what queues, and a
/// second drain shows what holds a connection.
#[tokio::test]
async fn a_close_fails_orphans_that_queue_for_a_connection() {
    let (database, tracker) = (Database::open(2).await, tracker());
    timely(stuck(&database, &tracker)).await;
    let pool = database.pool.clone();
    let (tell, told) = tokio::sync::oneshot::channel();
    async move { pool.acquire().await.map(drop) }
        .shield(&tracker)
        .on_orphan(|outcome: Result<sqlx::Result<()>, ShieldError>| tell.send(outcome.unwrap()).unwrap())
        .detach();
    assert_eq!(tracker.drain(sleep(SHORT)).await.unwrap_err().len(), 3);

    timeout(SHORT, database.pool.close()).await.unwrap_err();
    assert!(matches!(timely(told).await, Ok(Err(sqlx::Error::PoolClosed))));
    assert_eq!(tracker.drain(sleep(SHORT)).await.unwrap_err().len(), 2);
}
