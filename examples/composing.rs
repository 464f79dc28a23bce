//! What composes with a shield: many waiters, a limit on orphans, and aborting from outside.
//! Adapters before `.shield(..)` are part of the work and continue; adapters after it are dropped
//! with the caller.
//! `cargo run --example composing --features tokio`

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use futures_shield::{ShieldExt, Tokio, Tracker};
use futures_util::future::{Aborted, abortable};
use tokio::sync::{Semaphore, oneshot};
use tokio::task::yield_now;

#[tokio::main]
async fn main() {
    many_waiters().await;
    limit_on_orphans().await;
    abort_from_outside().await;
}

/// One load of a price, and three waiters. Two are dropped, and the third gets the price. If all
/// were dropped, the hook would be called.
async fn many_waiters() {
    let loads = Arc::new(AtomicUsize::new(0));
    let (exchange, answer) = oneshot::channel();
    let load = {
        let loads = Arc::clone(&loads);
        async move {
            loads.fetch_add(1, Ordering::Relaxed);
            answer.await.expect("the exchange answers")
        }
    };
    let first = load.shield(Tokio::current()).shared();
    let (second, third) = (first.clone(), first.clone());

    drop(first);
    drop(second);
    exchange.send(42).expect("the work listens");
    let price = third.await;
    println!("many waiters:        two of three gave up, the third got {price}");
    assert_eq!((price, loads.load(Ordering::Relaxed)), (42, 1));
}

/// Ten callers that give up immediately, and two permits. The work holds its permit, so the limit
/// bounds orphans, too.
async fn limit_on_orphans() {
    let tracker = Tracker::new(Tokio::current());
    let permits = Arc::new(Semaphore::new(2));
    let (running, most) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    for _ in 0..10 {
        let (permits, running, most) = (Arc::clone(&permits), Arc::clone(&running), Arc::clone(&most));
        let work = async move {
            let _permit = permits.acquire().await.expect("it is never closed");
            most.fetch_max(running.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
            yield_now().await;
            running.fetch_sub(1, Ordering::SeqCst);
        };
        drop(work.shield(&tracker));
    }
    tracker.wait().await;
    let most = most.load(Ordering::SeqCst);
    println!("a limit on orphans:  never more than {most} of ten at the same time");
    assert!(most <= 2);
    assert_eq!(permits.available_permits(), 2);
}

/// Dropping a shield does not stop the work. If something must be able to stop it, put that inside
/// the shield.
async fn abort_from_outside() {
    let (work, handle) = abortable(std::future::pending::<()>());
    let shield = work.shield(Tokio::current());
    handle.abort();
    let ended = shield.await;
    println!("aborted:             {ended:?}");
    assert_eq!(ended, Err(Aborted));
}
