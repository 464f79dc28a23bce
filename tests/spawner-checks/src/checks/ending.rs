//! From the first poll to the end and the drop.

use std::thread;

use crate::bench::{Bench, Skip};
use crate::hand::Hand;
use crate::probe::Probe;

/// More futures than a bounded queue would hold.
const MANY: usize = 1_000;

pub(crate) fn runs_to_its_end<H: Hand>(mut bench: Bench<H>) -> Result<(), Skip> {
    bench.expect("each of 1,000 futures that were spawned together to be run to its end");
    // Spawned inside, so that a spawner that must be called there breaks its own rule only.
    let spawner = bench.spawner().clone();
    bench.run(async move {
        let mut watches = Vec::new();
        for _ in 0..MANY {
            let (probe, watch) = Probe::gated(0);
            spawner.call(probe);
            watches.push(watch);
        }
        for watch in watches {
            watch.until_ended().await;
        }
    });
    Ok(())
}

pub(crate) fn polls_after_each_wake<H: Hand>(mut bench: Bench<H>) -> Result<(), Skip> {
    let spawner = bench.spawner().clone();

    bench.expect("a future that wakes itself in each of its polls to be polled again");
    let (probe, watch) = Probe::yielding(10);
    let calls = spawner.clone();
    bench.run(async move {
        calls.call(probe);
        watch.until_ended().await;
    });

    bench.expect("a future that its caller woke to be polled again");
    let (probe, watch) = Probe::gated(3);
    let calls = spawner.clone();
    bench.run(async move {
        calls.call(probe);
        for polls in 1..=3 {
            watch.until(|seen| seen.polls >= polls).await;
            watch.open();
        }
        watch.until_ended().await;
    });

    bench.expect("a future that was woken before it was ready to be polled again, and once more when it is ready");
    let (probe, watch) = Probe::gated(1);
    let calls = spawner.clone();
    bench.run(async move {
        calls.call(probe);
        watch.until(|seen| seen.polls >= 1).await;
        watch.wake();
        watch.until(|seen| seen.polls >= 2).await;
        watch.open();
        watch.until_ended().await;
    });

    bench.expect("a future that another thread woke to be polled again");
    let (probe, watch) = Probe::gated(1);
    bench.run(async move {
        spawner.call(probe);
        watch.until(|seen| seen.polls >= 1).await;
        let wakes = watch.clone();
        let waker = thread::spawn(move || wakes.open());
        watch.until_ended().await;
        waker.join().expect("waking a future does not panic");
    });
    Ok(())
}

pub(crate) fn never_polls_after_the_end<H: Hand>(mut bench: Bench<H>) -> Result<(), Skip> {
    bench.expect("a future that has completed, and is woken then, not to be polled again");
    let spawner = bench.spawner().clone();
    let (probe, watch) = Probe::gated(0);
    let (other, others) = Probe::gated(0);
    bench.run(async move {
        spawner.call(probe);
        watch.until_ended().await;
        watch.wake();
        // Gives the executor an occasion to do it.
        spawner.call(other);
        others.until_ended().await;
        assert!(!watch.now(|seen| seen.polled_after_the_end), "it was polled again");
    });
    Ok(())
}

pub(crate) fn drops_after_the_end<H: Hand>(mut bench: Bench<H>) -> Result<(), Skip> {
    bench.expect("a future that has completed to be dropped, even if its waker is kept");
    let spawner = bench.spawner().clone();
    let (probe, watch) = Probe::gated(1);
    bench.run(async move {
        spawner.call(probe);
        watch.until(|seen| seen.polls >= 1).await;
        watch.open();
        watch.until_ended().await;
        watch.until(|seen| seen.dropped).await;
    });
    Ok(())
}

pub(crate) fn outlives_the_spawner<H: Hand>(mut bench: Bench<H>) -> Result<(), Skip> {
    bench.expect("a future to be run to its end after its spawner was dropped");
    let spawner = bench.spawner().clone();
    let (probe, watch) = Probe::gated(1);
    let seen = watch.clone();
    bench.run(async move {
        spawner.call(probe);
        seen.until(|seen| seen.polls >= 1).await;
    });
    let mut run = bench.drop_spawner();
    run(Box::pin(async move {
        watch.open();
        watch.until_ended().await;
    }));
    Ok(())
}
