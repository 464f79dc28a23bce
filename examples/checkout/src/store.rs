//! The shop's orders, in an SQLite file.

use std::fmt;
use std::path::{self, Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};
use sqlx::SqlitePool;
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions};

use crate::intents::{self, Intent};
use crate::payments::Charge;

/// An order as the customer sends it.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
pub struct Order {
    pub item: String,
    pub cents: u32,
}

/// An order that was charged and recorded.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize, Serialize)]
pub struct Recorded {
    pub id: i64,
    pub item: String,
    pub cents: u32,
    pub charge: i64,
}

/// How long a write waits for another process that has locked the file.
pub const PATIENCE: Duration = Duration::from_secs(5);

/// The orders, and the intents of orders that may have been charged.
#[derive(Clone, Debug)]
pub struct Store {
    file: PathBuf,
    writer: SqlitePool,
    readers: SqlitePool,
}

impl Store {
    pub async fn open(file: &Path) -> Result<Self, StoreError> {
        // Absolute, so that SQLite takes `:memory:` and `file:..` as names of files.
        let file = path::absolute(file).unwrap_or_else(|_| file.to_owned());
        let options = SqliteConnectOptions::new()
            .filename(&file)
            .create_if_missing(true)
            .journal_mode(SqliteJournalMode::Wal)
            .busy_timeout(PATIENCE);
        // SQLite has one writer at a time. With one connection the orders queue here, in turn, and
        // not in SQLite's busy loop, where an unlucky one can time out. Readers never wait for a
        // writer.
        let store = Self {
            writer: SqlitePoolOptions::new()
                .max_connections(1)
                .connect_lazy_with(options.clone()),
            readers: SqlitePoolOptions::new().max_connections(4).connect_lazy_with(options),
            file,
        };
        let created = sqlx::query(intents::TABLE).execute(&store.writer).await;
        created.map_err(|error| store.error(error))?;
        Ok(store)
    }

    /// Records the intent of an order: step 1, before the charge.
    pub async fn begin(&self, order: Order) -> Result<Intent, StoreError> {
        intents::begin(&self.writer, order)
            .await
            .map_err(|error| self.error(error))
    }

    /// Removes an intent that was not charged.
    pub async fn cancel(&self, key: &str) -> Result<(), StoreError> {
        intents::cancel(&self.writer, key)
            .await
            .map_err(|error| self.error(error))
    }

    /// Records the charge: step 3, after which the intent is an order.
    pub async fn complete(&self, intent: Intent, charge: Charge) -> Result<Recorded, StoreError> {
        let completed = intents::complete(&self.writer, &intent.key, charge.id).await;
        completed.map_err(|error| self.error(error))?;
        Ok(Recorded {
            id: intent.id,
            item: intent.order.item,
            cents: intent.order.cents,
            charge: charge.id,
        })
    }

    pub async fn open_intents(&self) -> Result<Vec<Intent>, StoreError> {
        intents::open(&self.readers).await.map_err(|error| self.error(error))
    }

    pub async fn orders(&self) -> Result<Vec<Recorded>, StoreError> {
        let rows: Vec<(i64, String, u32, i64)> =
            sqlx::query_as("SELECT id, item, cents, charge FROM orders WHERE charge IS NOT NULL ORDER BY id")
                .fetch_all(&self.readers)
                .await
                .map_err(|error| self.error(error))?;
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

    /// Closes the database to orders: from this call on no order is begun, and so none of those is
    /// charged, and no order is recorded. Open intents can still be read. It waits for the
    /// statements that run.
    pub async fn close(&self) {
        self.writer.close().await;
    }

    fn error(&self, error: sqlx::Error) -> StoreError {
        StoreError {
            file: self.file.clone(),
            error,
        }
    }
}

/// A database error that names its file.
#[derive(Debug)]
pub struct StoreError {
    file: PathBuf,
    error: sqlx::Error,
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "database {}: {}", self.file.display(), self.error)
    }
}

impl std::error::Error for StoreError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}
