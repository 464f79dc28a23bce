//! sqlx with SQLite: a pool and transactions whose callers give up.

mod close;
mod queue;
mod transaction;

use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqlitePoolOptions, SqliteSynchronous};
use tempfile::NamedTempFile;

/// A pool on a database of its own, which is removed when this is dropped.
pub struct Database {
    pub pool: SqlitePool,
    _file: NamedTempFile,
}

impl Database {
    /// Opens all of the pool's connections, and creates a table of orders.
    pub async fn open(connections: u32) -> Self {
        let file = NamedTempFile::new().unwrap();
        let pool = SqlitePoolOptions::new()
            .max_connections(connections)
            .min_connections(connections)
            // No test turns the power off.
            .connect_with(
                SqliteConnectOptions::new()
                    .filename(file.path())
                    .synchronous(SqliteSynchronous::Off),
            )
            .await
            .unwrap();
        sqlx::query("CREATE TABLE orders (item TEXT NOT NULL)")
            .execute(&pool)
            .await
            .unwrap();
        Self { pool, _file: file }
    }

    pub async fn orders(&self) -> i64 {
        sqlx::query_scalar("SELECT count(*) FROM orders")
            .fetch_one(&self.pool)
            .await
            .unwrap()
    }
}
