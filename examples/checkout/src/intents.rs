//! Orders that survive `kill -9`: what a shield cannot do, because it is not durable.
//!
//! Copy this file if a request changes two systems, here the gateway and the database. Before the
//! charge, the order is recorded as an *intent* with a key of its own. The gateway charges a key at
//! most once, however often it is asked. So an intent that a dead process left open can simply be
//! completed at the next start.

use futures_util::{StreamExt, stream};
use sqlx::SqlitePool;
use uuid::Uuid;

use crate::shop::{Failure, Shop};
use crate::store::Order;

/// An intent is an order without a charge.
pub const TABLE: &str = "CREATE TABLE IF NOT EXISTS orders (
    id INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE, item TEXT NOT NULL, cents INTEGER NOT NULL, charge INTEGER
)";

/// An order that may have been charged, and is not recorded as charged yet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Intent {
    pub id: i64,
    pub key: String,
    pub order: Order,
}

// Each change is one statement, which takes effect as a whole or not at all. If you need a
// transaction over several, close its connection after an error (`close_on_drop`). If the disk is
// full, SQLite rolls back by itself and sqlx 0.9 does not notice: then what is committed on that
// connection later is lost.

/// Records an intent. Once this has returned, the order can be charged.
pub async fn begin(db: &SqlitePool, order: Order) -> sqlx::Result<Intent> {
    let key = Uuid::new_v4().to_string();
    let insert = sqlx::query("INSERT INTO orders (key, item, cents) VALUES (?, ?, ?)");
    let insert = insert.bind(&key).bind(&order.item).bind(order.cents);
    let id = insert.execute(db).await?.last_insert_rowid();
    if db.is_closed() {
        // The process ends, and has named or will name what is open. Without this, a charge could
        // come after that.
        return Err(sqlx::Error::PoolClosed);
    }
    Ok(Intent { id, key, order })
}

/// Records the charge of an intent, once: from here on it is an order.
pub async fn complete(db: &SqlitePool, key: &str, charge: i64) -> sqlx::Result<()> {
    let update = sqlx::query("UPDATE orders SET charge = ? WHERE key = ? AND charge IS NULL");
    match update.bind(charge).bind(key).execute(db).await?.rows_affected() {
        1 => Ok(()),
        _ => Err(sqlx::Error::RowNotFound),
    }
}

/// Removes an intent for which no charge was made.
pub async fn cancel(db: &SqlitePool, key: &str) -> sqlx::Result<()> {
    let delete = sqlx::query("DELETE FROM orders WHERE key = ? AND charge IS NULL");
    delete.bind(key).execute(db).await?;
    Ok(())
}

/// Returns the intents that are open: those of running orders, and those that were left behind.
pub async fn open(db: &SqlitePool) -> sqlx::Result<Vec<Intent>> {
    let select = sqlx::query_as("SELECT id, key, item, cents FROM orders WHERE charge IS NULL ORDER BY id");
    let rows: Vec<(i64, String, String, u32)> = select.fetch_all(db).await?;
    let intent = |(id, key, item, cents)| Intent {
        id,
        key,
        order: Order { item, cents },
    };
    Ok(rows.into_iter().map(intent).collect())
}

/// Completes what an earlier process left open. Call it before the first order is taken, in one
/// process for each database.
pub async fn settle(shop: &Shop) -> Result<(), Failure> {
    let left = shop.store.open_intents().await?;
    if !left.is_empty() {
        tracing::info!("intents that an earlier run left open, settled now: {}", left.len());
    }
    let each = stream::iter(left).for_each_concurrent(16, async |intent| {
        let key = intent.key.clone();
        match shop.charge_and_record(intent).await {
            Ok(order) => tracing::info!("intent {key} settled: order {}, charge {}", order.id, order.charge),
            Err(error) => tracing::error!("intent {key} stays open: {error}"),
        }
    });
    each.await;
    Ok(())
}
