//! Callers that give up while they queue for a connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use futures_shield::{Caller, Shield, ShieldError, ShieldExt, Tokio, Tracker, shield_with};
use futures_util::future::join_all;
use sqlx::SqlitePool;
use tokio::task::yield_now;
use tokio::time::timeout;

use super::Database;
use crate::support::{timely, tracker, until};

/// Places an order, and queues for a connection only for as long as its caller waits. `None` if
/// nothing was done.
fn order(pool: &SqlitePool, tracker: &Tracker<Tokio>) -> Shield<sqlx::Result<Option<()>>> {
    let pool = pool.clone();
    shield_with(tracker, async move |caller: Caller| {
        let Some(connection) = caller.run_until_gone(pool.acquire()).await else {
            return Ok(None);
        };
        let mut connection = connection?;
        sqlx::query("INSERT INTO orders VALUES ('tea')")
            .execute(&mut *connection)
            .await?;
        Ok(Some(()))
    })
}

/// However a caller gives up, its order is placed whole or not at all, and the pool's numbers are
/// what they were.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn ten_thousand_dropped_acquires_leave_the_pool_whole() {
    const CALLERS: usize = 10_000;
    let (database, tracker) = (Database::open(2).await, tracker());
    let placed = Arc::new(AtomicUsize::new(0));
    let count = |order: sqlx::Result<Option<()>>, placed: &AtomicUsize| {
        let order = order.expect("no order fails");
        placed.fetch_add(usize::from(order.is_some()), Ordering::SeqCst);
    };
    // A hundred at once, who give up at any point: in the queue, with a connection, and when the
    // order is placed.
    for _ in 0..CALLERS / 100 {
        let callers = (0..100).map(|caller| {
            let counted = Arc::clone(&placed);
            let hook = move |outcome: Result<_, ShieldError>| count(outcome.expect("no order panics"), &counted);
            let shield = order(&database.pool, &tracker).on_orphan(hook);
            timeout(Duration::from_millis(caller % 5), shield)
        });
        for order in timely(join_all(callers)).await.into_iter().flatten() {
            count(order, &placed);
        }
    }
    timely(tracker.wait()).await;
    // None leaked: all that are open are idle, and two can be had at once. (sqlx closes a
    // connection if its acquire is dropped while that tests it, so fewer than two may be open
    // before.)
    let pool = &database.pool;
    until(|| usize::try_from(pool.size()) == Ok(pool.num_idle())).await;
    let both = [
        timely(pool.acquire()).await.unwrap(),
        timely(pool.acquire()).await.unwrap(),
    ];
    assert_eq!((pool.size(), pool.num_idle()), (2, 0));
    drop(both);
    until(|| (pool.size(), pool.num_idle()) == (2, 2)).await;

    let placed = placed.load(Ordering::SeqCst);
    assert_eq!(usize::try_from(database.orders().await), Ok(placed));
    println!("{placed} of {CALLERS} orders were placed");
    assert!(placed > 0 && placed < CALLERS, "{placed}");
}

/// A pool of one connection, which is taken; then `callers` queue for it and give up.
async fn give_up<T>(callers: usize, mut queue: impl FnMut() -> Shield<T>, tracker: &Tracker<Tokio>) {
    let shields: Vec<_> = (0..callers).map(|_| queue()).collect();
    assert_eq!(tracker.len(), callers);
    for _ in 0..10 {
        yield_now().await;
    }
    drop(shields);
}

#[tokio::test]
async fn nobody_queues_for_a_caller_that_is_gone() {
    let (database, tracker) = (Database::open(1).await, tracker());
    let taken = database.pool.acquire().await.unwrap();
    give_up(1_000, || order(&database.pool, &tracker), &tracker).await;
    // The connection is still taken, and none of them waits for it.
    timely(tracker.wait()).await;

    drop(taken);
    drop(timely(database.pool.acquire()).await.unwrap());
    assert_eq!(database.orders().await, 0);
}

/// The control: if the queue is shielded with the rest, each caller that is gone comes before the
/// next one.
#[tokio::test]
async fn a_shield_around_the_queue_serves_all_that_are_gone() {
    let (database, tracker) = (Database::open(1).await, tracker());
    let taken = database.pool.acquire().await.unwrap();
    let begin = || {
        let pool = database.pool.clone();
        async move { pool.begin().await?.rollback().await }.shield(&tracker)
    };
    give_up(100, begin, &tracker).await;
    assert_eq!(tracker.len(), 100);

    drop(taken);
    drop(timely(database.pool.acquire()).await.unwrap());
    assert_eq!(tracker.len(), 0);
}
