//! "A transaction and its commit" of docs/guide.md.

use futures_shield::{ShieldExt, Tokio, Tracker, cleanup};
use sqlx::{SqlitePool, Transaction};

pub async fn order(pool: &SqlitePool, tracker: &Tracker<Tokio>) -> sqlx::Result<()> {
    let transaction = pool.begin().await?;
    let mut transaction = cleanup(tracker.clone(), transaction, Transaction::rollback);
    sqlx::query("INSERT INTO orders VALUES ('tea')")
        .execute(&mut **transaction)
        .await?;
    transaction.disarm().commit().shield(tracker).await
}
