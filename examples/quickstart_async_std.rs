//! Work that runs inside its caller, and is spawned only because its caller gives up.
//! `cargo run --example quickstart_async_std --features async-std`

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::time::Duration;

use async_std::future::timeout;
use async_std::task::{self, block_on, sleep};
use futures_shield::{AsyncStd, ShieldExt};

async fn charge() -> task::TaskId {
    println!("charging in {}", task::current().id());
    sleep(Duration::from_millis(20)).await;
    println!("charged in {}", task::current().id());
    task::current().id()
}

fn main() {
    block_on(async {
        let here = task::current().id();

        // Nobody gives up: no task is spawned.
        assert_eq!(charge().shield_on_drop(AsyncStd).await, here);

        // The caller gives up: the rest is spawned.
        let (ended, outcome) = async_std::channel::bounded(1);
        let shield = charge()
            .shield_on_drop(AsyncStd)
            .on_orphan(move |outcome| ended.try_send(outcome.expect("it finished")).expect("there is room"));
        assert!(timeout(Duration::from_millis(5), shield).await.is_err());
        assert_ne!(outcome.recv().await, Ok(here));
    });
}
