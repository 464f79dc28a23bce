//! The shop's orders, in an SQLite file.

use std::path::Path;

use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};

use crate::payments::Charge;

/// What a customer asks for.
#[derive(Clone, Debug, Deserialize)]
pub struct Order {
    pub item: String,
    pub cents: u32,
}

/// An order that was paid and written down.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Recorded {
    pub id: i64,
    pub item: String,
    pub cents: u32,
    pub charge: i64,
}

#[derive(Clone, Debug)]
pub struct Store(SqlitePool);

impl Store {
    pub async fn open(file: &Path) -> sqlx::Result<Self> {
        let options = SqliteConnectOptions::new()
            .filename(file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal);
        // SQLite has one writer at a time. With one connection the orders queue here, in turn, and not in SQLite's busy
        // loop, where an unlucky one can time out.
        let pool = SqlitePoolOptions::new()
            .max_connections(1)
            .connect_with(options)
            .await?;
        sqlx::query(
            "CREATE TABLE IF NOT EXISTS orders (
                id INTEGER PRIMARY KEY,
                item TEXT NOT NULL,
                cents INTEGER NOT NULL,
                charge INTEGER NOT NULL
            )",
        )
        .execute(&pool)
        .await?;
        Ok(Self(pool))
    }

    pub async fn record(&self, order: Order, charge: Charge) -> sqlx::Result<Recorded> {
        let done = sqlx::query("INSERT INTO orders (item, cents, charge) VALUES (?, ?, ?)")
            .bind(&order.item)
            .bind(order.cents)
            .bind(charge.id)
            .execute(&self.0)
            .await?;
        Ok(Recorded {
            id: done.last_insert_rowid(),
            item: order.item,
            cents: order.cents,
            charge: charge.id,
        })
    }

    pub async fn orders(&self) -> sqlx::Result<Vec<Recorded>> {
        let rows: Vec<(i64, String, u32, i64)> =
            sqlx::query_as("SELECT id, item, cents, charge FROM orders ORDER BY id")
                .fetch_all(&self.0)
                .await?;
        Ok(rows
            .into_iter()
            .map(|(id, item, cents, charge)| Recorded {
                id,
                item,
                cents,
                charge,
            })
            .collect())
    }
}
