//! A transaction as the value of a `cleanup`: rolled back unless it is committed, and a commit that
//! begins ends.

use std::future::poll_fn;
use std::task::Poll;

use futures_shield::testing::cancel_at_every_await;
use futures_shield::{Cleanup, ShieldExt, Tokio, Tracker, cleanup};
use futures_util::FutureExt;
use sqlx::{Sqlite, SqlitePool, Transaction};
use tokio::sync::oneshot;

use super::Database;
use crate::recipes::transaction::order;
use crate::support::{timely, tracker, until};

type Guarded = Cleanup<Transaction<'static, Sqlite>, sqlx::Result<()>, Tracker<Tokio>>;

/// Begins a transaction, and inserts an order.
async fn begin(pool: &SqlitePool, tracker: &Tracker<Tokio>) -> sqlx::Result<Guarded> {
    let transaction = pool.begin().await?;
    let mut transaction = cleanup(tracker.clone(), transaction, Transaction::rollback);
    sqlx::query("INSERT INTO orders VALUES ('tea')")
        .execute(&mut **transaction)
        .await?;
    Ok(transaction)
}

/// The rollback is awaited by a task of its own, and the connection is free after it.
#[tokio::test]
async fn a_transaction_that_is_dropped_is_rolled_back() {
    let (database, tracker) = (Database::open(1).await, tracker());
    let (tell, told) = oneshot::channel();
    let transaction = timely(begin(&database.pool, &tracker)).await.unwrap();
    drop(transaction.on_orphan(|outcome| tell.send(outcome.unwrap().is_ok()).unwrap()));
    assert_eq!(timely(told).await, Ok(true));
    timely(tracker.wait()).await;
    assert_eq!(timely(database.orders()).await, 0);
}

#[tokio::test]
async fn a_transaction_whose_scope_panics_is_rolled_back() {
    let (database, tracker) = (Database::open(1).await, tracker());
    let scope = async {
        let _transaction = begin(&database.pool, &tracker).await.unwrap();
        panic!("out of tea")
    };
    let scope: Result<(), _> = timely(std::panic::AssertUnwindSafe(scope).catch_unwind()).await;
    assert!(scope.is_err());
    timely(tracker.wait()).await;
    assert_eq!(timely(database.orders()).await, 0);
}

#[tokio::test]
async fn a_transaction_that_is_rolled_back_by_hand_can_be_awaited() {
    let (database, tracker) = (Database::open(1).await, tracker());
    let transaction = timely(begin(&database.pool, &tracker)).await.unwrap();
    timely(transaction.run()).await.unwrap();
    assert_eq!(timely(database.orders()).await, 0);
}

/// The guide's order, whose caller is gone at each of its suspensions: its connection is free after
/// it, and outside of a transaction.
#[tokio::test]
async fn the_guides_order_leaves_no_transaction_open() {
    let (database, tracker) = (Database::open(1).await, tracker());
    let suspensions = cancel_at_every_await(
        || order(&database.pool, &tracker),
        async |_| {
            timely(tracker.wait()).await;
            // SQLite has no transaction inside of another one.
            let transaction = timely(database.pool.begin()).await.unwrap();
            timely(transaction.rollback()).await.unwrap();
        },
    )
    .await;
    assert!(suspensions > 0);
    let orders = timely(database.orders()).await;
    assert!(orders > 0);
    println!("{suspensions} suspensions, {orders} orders");
}

/// `.disarm().commit().shield(..)`: once the commit has begun it is committed, and its outcome is
/// not lost.
#[tokio::test]
async fn a_commit_whose_caller_is_gone_is_committed_and_reported() {
    let (database, tracker) = (Database::open(1).await, tracker());
    for polls in 0..3 {
        let (tell, told) = oneshot::channel();
        let transaction = timely(begin(&database.pool, &tracker)).await.unwrap();
        let mut commit = transaction
            .disarm()
            .commit()
            .shield(&tracker)
            .on_orphan(|outcome| tell.send(outcome.unwrap().is_ok()).unwrap());
        for _ in 0..polls {
            poll_fn(|cx| {
                assert!(commit.poll_unpin(cx).is_pending());
                Poll::Ready(())
            })
            .await;
        }
        drop(commit);
        assert_eq!(timely(told).await, Ok(true));
        timely(tracker.wait()).await;
        assert_eq!(timely(database.orders()).await, polls + 1);
    }
    until(|| database.pool.num_idle() == 1).await;
}
