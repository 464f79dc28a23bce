//! Local futures stay on their thread.

use std::thread;

use futures_executor::block_on;

use crate::bench::{Bench, Skip};
use crate::hand::Hand;
use crate::probe::{Probe, Seen};

pub(crate) fn stays_on_its_thread<H: Hand>(mut bench: Bench<H>) -> Result<(), Skip> {
    let here = thread::current().id();
    let stayed = move |seen: &Seen| seen.threads.iter().all(|thread| *thread == here);

    bench.expect("a future that another thread woke to be polled and dropped on the thread that spawned it");
    let spawner = bench.spawner().clone();
    let ((probe, watch), (pending, pending_watch)) = (Probe::gated(1), Probe::gated(1));
    let polled = pending_watch.clone();
    bench.run(async move {
        spawner.call(probe);
        spawner.call(pending);
        watch.until(|seen| seen.polls >= 1).await;
        let wakes = watch.clone();
        let waker = thread::spawn(move || wakes.open());
        watch.until_ended().await;
        watch.until(|seen| seen.dropped).await;
        waker.join().expect("waking a future does not panic");
        assert!(watch.now(stayed), "it was on another thread");
        polled.until(|seen| seen.polls >= 1).await;
    });

    // An executor that is never shut down kept what applies.
    if bench.skip_if_never_shut_down().is_err() {
        return Ok(());
    }
    bench.expect("a future that is dropped with the runtime to be dropped on the thread that spawned it");
    bench.shut_down(&[&pending_watch]);
    block_on(pending_watch.until_dropped_unfinished());
    assert!(pending_watch.now(stayed), "it was on another thread");
    Ok(())
}
