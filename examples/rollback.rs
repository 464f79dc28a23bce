//! Work that can see whether its caller is gone: it completes, rolls back, or gives up after a
//! while. Each line of output is one customer, and the last thing that happens to it.
//! `cargo run --example rollback --features tokio`

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::future::pending;
use std::time::Duration;

use futures_shield::{Caller, Shield, Spawn, Tokio, shield_with};
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::sync::oneshot::{self, Receiver};
use tokio::time::sleep;

const GRACE: Duration = Duration::from_millis(20);

/// The log of what happens to a customer.
type Log = UnboundedSender<&'static str>;

/// Charges, then records. If recording fails, a customer who is still there gets the error, and one
/// who is gone gets its money back.
fn order(spawner: impl Spawn, log: Log, database: Receiver<bool>) -> Shield<Result<(), NotRecorded>> {
    let late = log.clone();
    let work = async move |caller: Caller| {
        write(&log, "is charged");
        if database.await.expect("the database answers") {
            write(&log, "is recorded");
            return Ok(());
        }
        if caller.is_gone() {
            write(&log, "is refunded");
            return Err(NotRecorded { refunded: true });
        }
        Err(NotRecorded { refunded: false })
    };
    // If the customer leaves after that check, nobody else gets the error.
    shield_with(spawner, work).on_orphan(move |outcome| {
        if let Ok(Err(NotRecorded { refunded: false })) = outcome {
            write(&late, "is refunded");
        }
    })
}

/// The customer is charged, and there is no order.
#[derive(Debug, PartialEq)]
struct NotRecorded {
    refunded: bool,
}

/// Reserves, and books once the customer has confirmed. If the customer leaves before that, the
/// reservation is released.
async fn book(caller: Caller, log: Log, confirmation: Receiver<()>) {
    write(&log, "reserves");
    match caller.run_until_gone(confirmation).await {
        Some(Ok(())) => write(&log, "has its booking"),
        Some(Err(_)) | None => write(&log, "is released"),
    }
}

/// Looks for a gift for as long as the customer waits, and for a moment after it is gone.
async fn find_gift(caller: Caller, log: Log, search: impl Future<Output = ()>) {
    write(&log, "wants a gift");
    match caller.run_with_grace(search, || sleep(GRACE)).await {
        Some(()) => write(&log, "gets one"),
        None => write(&log, "gets none"),
    }
}

#[tokio::main]
async fn main() {
    println!("{:<46}at last, it", "a customer");

    let (log, mut done) = unbounded_channel();
    let (database, answer) = oneshot::channel();
    let shield = order(Tokio::current(), log.clone(), answer);
    assert_eq!(done.recv().await, Some("is charged"));
    database.send(false).expect("the work listens");
    assert_eq!(shield.await, Err(NotRecorded { refunded: false }));
    write(&log, "is informed");
    drop(log);
    at_last("is charged, waits, and its record fails", done, "is informed").await;

    let (log, mut done) = unbounded_channel();
    let (database, answer) = oneshot::channel();
    let shield = order(Tokio::current(), log, answer);
    assert_eq!(done.recv().await, Some("is charged"));
    drop(shield);
    database.send(false).expect("the work listens");
    at_last("is charged, leaves, and its record fails", done, "is refunded").await;

    let (log, mut done) = unbounded_channel();
    let (database, answer) = oneshot::channel();
    let shield = order(Tokio::current(), log, answer);
    assert_eq!(done.recv().await, Some("is charged"));
    drop(shield);
    database.send(true).expect("the work listens");
    at_last("is charged, leaves, and its record succeeds", done, "is recorded").await;

    let (log, mut done) = unbounded_channel();
    let (confirm, confirmation) = oneshot::channel();
    let shield = shield_with(Tokio::current(), |caller| book(caller, log, confirmation));
    assert_eq!(done.recv().await, Some("reserves"));
    confirm.send(()).expect("the work listens");
    shield.await;
    at_last("reserves, and confirms", done, "has its booking").await;

    let (log, mut done) = unbounded_channel();
    let (_confirm, confirmation) = oneshot::channel();
    let shield = shield_with(Tokio::current(), |caller| book(caller, log, confirmation));
    assert_eq!(done.recv().await, Some("reserves"));
    drop(shield);
    at_last("reserves, and leaves unconfirmed", done, "is released").await;

    let (log, mut done) = unbounded_channel();
    let shield = shield_with(Tokio::current(), |caller| find_gift(caller, log, pending()));
    assert_eq!(done.recv().await, Some("wants a gift"));
    drop(shield);
    at_last("wants a gift, and leaves before one is found", done, "gets none").await;
}

/// The last thing that happened to a customer, and what it should be.
async fn at_last(customer: &str, mut done: UnboundedReceiver<&'static str>, expected: &str) {
    let last = done.recv().await.expect("something happens");
    println!("{customer:<46}{last}");
    assert_eq!(last, expected);
    assert_eq!(done.recv().await, None);
}

fn write(log: &Log, entry: &'static str) {
    log.send(entry).expect("the log is read");
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use futures_shield::Tracker;
    use futures_shield::testing::cancel_at_every_await;
    use tokio::task::yield_now;

    use super::*;

    /// Its record fails. Whenever the customer leaves, it is informed or refunded, and never both.
    #[tokio::test]
    async fn nobody_pays_for_nothing() {
        let tracker = Tracker::new(Tokio::current());
        let (log, mut done) = unbounded_channel();
        let customer = || {
            let (database, answer) = oneshot::channel();
            tokio::spawn(async move {
                yield_now().await;
                database.send(false)
            });
            let (order, log) = (order(&tracker, log.clone(), answer), log.clone());
            async move {
                order.await.expect_err("its record fails");
                write(&log, "is informed");
            }
        };
        let check = async |_| {
            tracker.wait().await;
            assert_eq!(done.try_recv(), Ok("is charged"));
            assert!(matches!(done.try_recv(), Ok("is informed" | "is refunded")));
            assert!(done.try_recv().is_err());
        };
        assert_eq!(cancel_at_every_await(customer, check).await, 1);
    }
}
