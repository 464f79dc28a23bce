//! A caller gives up half-way, twice: a plain future is cut off with it, a shielded one goes on to its end.
//! It prints as it happens, what the caller does on the left and what the work does on the right.
//! `cargo run --example quickstart_smol --features smol`

#![expect(clippy::print_stdout, reason = "an example speaks to a person")]

use std::time::{Duration, Instant};

use futures_shield::{ShieldExt, Smol};
use smol::Timer;
use smol::channel::{Receiver, Sender, bounded};
use smol::future::FutureExt;

const PATIENCE: Duration = Duration::from_millis(50);

fn main() {
    smol::block_on(run());
}

async fn run() {
    let timeline = Timeline::start("a plain future");
    let (bank, answer) = bounded(1);
    let (record, recorded) = bounded(1);
    timeline.caller("orders");
    let work = order(timeline, answer, record);
    let plain = give_up(timeline, work, bank, recorded).await;

    let timeline = Timeline::start("the same future with .shield(Smol)");
    let (bank, answer) = bounded(1);
    let (record, recorded) = bounded(1);
    timeline.caller("orders");
    let work = order(timeline, answer, record).shield(Smol);
    let shielded = give_up(timeline, work, bank, recorded).await;

    assert_eq!(plain, None, "charged, and never recorded");
    assert_eq!(shielded, Some("receipt 7"));
}

/// The work: charge, then record. While it waits for the bank in between, it can be cut off.
async fn order(timeline: Timeline, bank: Receiver<&'static str>, record: Sender<&'static str>) {
    timeline.work("charges the card");
    let receipt = bank.recv().await.expect("the bank answers");
    timeline.work("records the order");
    record.send(receipt).await.expect("the caller looks it up");
}

/// The caller: it gives up before the bank has answered, and looks later for what has become of its order.
async fn give_up(
    timeline: Timeline,
    work: impl Future<Output = ()>,
    bank: Sender<&'static str>,
    recorded: Receiver<&'static str>,
) -> Option<&'static str> {
    let in_time = async {
        work.await;
        true
    };
    let too_late = async {
        Timer::after(PATIENCE).await;
        false
    };
    assert!(!in_time.or(too_late).await);
    timeline.caller("gives up, and drops the work");

    Timer::after(PATIENCE).await;
    // An error says that there is nobody any more who would hear the bank's answer.
    let _ = bank.send("receipt 7").await;

    let found = recorded.recv().await.ok();
    timeline.caller(if found.is_some() {
        "finds its order"
    } else {
        "finds no order: charged for nothing"
    });
    found
}

/// Two columns and a clock.
#[derive(Clone, Copy)]
struct Timeline {
    start: Instant,
}

impl Timeline {
    fn start(title: &str) -> Self {
        println!("\n{title}\n   ms  {:<36}work", "caller");
        Self { start: Instant::now() }
    }

    fn caller(self, event: &str) {
        println!("{:>5}  {event}", self.start.elapsed().as_millis());
    }

    fn work(self, event: &str) {
        self.caller(&format!("{:<36}{event}", ""));
    }
}
