//! The end of a runtime.

use std::panic::{AssertUnwindSafe, catch_unwind};

use futures_executor::block_on;

use crate::bench::{Bench, Skip};
use crate::hand::{Hand, When};
use crate::probe::Probe;

/// Runs the executor once, and has its spawner outlive it.
fn shut_down_under_spawner<H: Hand>(mut bench: Bench<H>) -> Result<H, Skip> {
    bench.skip_if_never_shut_down()?;
    let spawner = bench.spawner().clone();
    bench.run(async move {
        let (probe, watch) = Probe::gated(0);
        spawner.call(probe);
        watch.until_ended().await;
    });
    bench.shut_down_under_spawner()
}

pub(crate) fn refuses_without_panic<H: Hand>(bench: Bench<H>) -> Result<(), Skip> {
    bench.expect("a call after the runtime was dropped to return");
    let spawner = shut_down_under_spawner(bench)?;
    let (probe, watch) = Probe::gated(0);
    spawner.call(probe);
    block_on(watch.until(|seen| seen.called));
    Ok(())
}

pub(crate) fn drops_what_it_refuses<H: Hand>(bench: Bench<H>) -> Result<(), Skip> {
    bench.expect("a future that was spawned after the runtime was dropped to be dropped");
    let spawner = shut_down_under_spawner(bench)?;
    let (probe, watch) = Probe::gated(0);
    // A panic here breaks another rule.
    let refused = catch_unwind(AssertUnwindSafe(|| spawner.hand(probe)));
    block_on(watch.until_dropped_unfinished());
    drop(refused);
    Ok(())
}

pub(crate) fn during_shutdown<H: Hand>(mut bench: Bench<H>) -> Result<(), Skip> {
    bench.expect("a future that was spawned in the drop of one that the runtime dropped at its shutdown to be dropped");
    bench.skip_if_kept_by_spawner()?;
    bench.skip_if_never_shut_down()?;
    let spawner = bench.spawner().clone();
    let ((first, first_watch), (next, next_watch)) = (Probe::gated(1), Probe::gated(0));
    let polled = first_watch.clone();
    bench.run(async move {
        spawner.hand_chain(first, When::InItsDrop, next);
        polled.until(|seen| seen.polls >= 1).await;
    });
    bench.shut_down(&[&first_watch]);
    block_on(next_watch.until(|seen| seen.called));
    block_on(next_watch.until(|seen| seen.dropped));
    Ok(())
}

pub(crate) fn shutdown_drops_futures<H: Hand>(mut bench: Bench<H>) -> Result<(), Skip> {
    bench.expect("a pending future to be polled before the shutdown");
    bench.skip_if_never_shut_down()?;
    let spawner = bench.spawner().clone();
    let ((pending, pending_watch), (fresh, fresh_watch)) = (Probe::gated(1), Probe::gated(1));
    let polled = pending_watch.clone();
    bench.run(async move {
        spawner.call(pending);
        polled.until(|seen| seen.polls >= 1).await;
        // Most executors do not come to poll this one.
        spawner.call(fresh);
    });
    let expectation = bench.expectation();
    bench.shut_down(&[&pending_watch, &fresh_watch]);

    expectation.expect("a future that was spawned right before the runtime was dropped to be dropped");
    block_on(fresh_watch.until_dropped_unfinished());
    expectation.expect("a future that was pending when the runtime was dropped to be dropped");
    block_on(pending_watch.until_dropped_unfinished());
    expectation.expect("a wake of a future whose runtime was dropped to do nothing");
    pending_watch.open();
    assert!(!pending_watch.now(|seen| seen.ended), "it was run to its end");
    Ok(())
}
