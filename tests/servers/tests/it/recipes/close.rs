//! "Closing a pool" of docs/guide.md.

use std::time::Duration;

use futures_shield::{Tokio, Tracker, Unfinished};
use sqlx::SqlitePool;
use tokio::{runtime::Runtime, task::spawn_blocking, time::sleep};

/// `work` is the runtime of the orders. Nobody can add one any more.
pub async fn close(orders: &Tracker<Tokio>, work: Runtime, pool: &SqlitePool) -> Result<(), Unfinished> {
    let drained = orders.drain(sleep(Duration::from_secs(1))).await;
    // Drops what is left, and calls its hooks.
    let _ = spawn_blocking(|| work.shutdown_timeout(Duration::from_secs(1))).await;
    pool.close().await;
    drained
}
