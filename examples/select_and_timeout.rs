//! `select!` and `timeout` end the wait for shielded work, and never the work. By value, the
//! outcome goes to the hook; by reference, the shield can be awaited again.
//! `cargo run --example select_and_timeout --features tokio`

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::time::Duration;

use futures_shield::{Shield, ShieldExt, Tokio};
use tokio::sync::oneshot::{self, Sender};
use tokio::time::{interval, timeout};

const PATIENCE: Duration = Duration::from_millis(20);

/// Shielded work that waits for the bank, and the bank.
fn charge() -> (Shield<String>, Sender<&'static str>) {
    let (bank, answer) = oneshot::channel();
    let work = async move { format!("receipt {}", answer.await.expect("the bank answers")) };
    (work.shield(Tokio::current()), bank)
}

#[tokio::main]
async fn main() {
    // 1. By value in `select!`: the branch that loses is dropped, and the shield with it.
    let (shield, bank) = charge();
    let (lost, found) = oneshot::channel();
    let shield = shield.on_orphan(|outcome| drop(lost.send(outcome)));
    tokio::select! {
        _ = shield => unreachable!("the bank has not answered yet"),
        () = client_hangs_up() => println!("1. select!, by value:       the client hung up"),
    }
    bank.send("A").expect("the work still listens");
    let outcome = found.await.expect("the hook is called").expect("the work finished");
    println!("                            the hook got {outcome:?}");
    assert_eq!(outcome, "receipt A");

    // 2. By value in `timeout`: the same.
    let (shield, bank) = charge();
    let (lost, found) = oneshot::channel();
    let shield = shield.on_orphan(|outcome| drop(lost.send(outcome)));
    assert!(timeout(PATIENCE, shield).await.is_err());
    println!("2. timeout, by value:       too late");
    bank.send("B").expect("the work still listens");
    let outcome = found.await.expect("the hook is called").expect("the work finished");
    println!("                            the hook got {outcome:?}");
    assert_eq!(outcome, "receipt B");

    // 3. By reference: the shield is still there, to be awaited again, and nothing is an orphan.
    let (shield, bank) = charge();
    let (lost, found) = oneshot::channel();
    let mut shield = shield.on_orphan(|outcome| drop(lost.send(outcome)));
    assert!(timeout(PATIENCE, &mut shield).await.is_err());
    println!("3. timeout, by reference:   too late, but {shield:?}");
    bank.send("C").expect("the work still listens");
    let outcome = shield.await;
    println!("                            awaited again, the caller got {outcome:?}");
    assert_eq!(outcome, "receipt C");
    assert!(found.await.is_err(), "the hook is dropped unused");

    // 4. By reference in a loop, to do something else while it waits.
    let (mut shield, bank) = charge();
    let mut ticks = interval(PATIENCE);
    for tick in 1..=3 {
        tokio::select! {
            _ = &mut shield => unreachable!("the bank has not answered yet"),
            _ = ticks.tick() => println!("4. select!, by reference:   tick {tick}, still waiting"),
        }
    }
    bank.send("D").expect("the work still listens");
    let outcome = shield.await;
    println!("                            the caller got {outcome:?}");
    assert_eq!(outcome, "receipt D");
}

async fn client_hangs_up() {}
