//! A download loses a race. It continues on smol's global executor, and its outcome goes to a hook.
//! `cargo run --example quickstart_smol --features smol`

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::time::Duration;

use futures_shield::{ShieldExt, Smol};
use smol::Timer;
use smol::channel::bounded;
use smol::future::FutureExt;

async fn download() -> &'static str {
    Timer::after(Duration::from_millis(20)).await;
    "the file"
}

fn main() {
    smol::block_on(async {
        let (cache, cached) = bounded(1);
        let shield = download().shield(Smol).on_orphan(move |outcome| {
            // Called with the value, or with an error if the work panicked or was cancelled by its
            // executor.
            let file = outcome.expect("the download finished");
            cache.try_send(file).expect("there is room for one");
        });

        let impatient = async {
            Timer::after(Duration::from_millis(5)).await;
            "nothing"
        };
        // Whichever is not ready first is dropped.
        println!("in time: {}", shield.or(impatient).await);
        println!("in the cache later: {:?}", cached.recv().await);
    });
}
