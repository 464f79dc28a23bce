//! Acquire and release as one thing: a shield whose output is a `cleanup`. A lease is released at
//! whichever point its caller is gone.
//! 400 callers give up at various points, with the shield and without it. Without it, some leases
//! are held forever.
//! `cargo run --example lease --features tokio`

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::fmt;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use futures_shield::{Cleanup, Shield, ShieldExt, Tokio, Tracker, cleanup};
use tokio::task::yield_now;

/// A lease, which is released when it is dropped.
type Lease = Cleanup<u32, (), Tracker<Tokio>>;

/// If the caller is gone when the lease arrives, the outcome is dropped, and so the lease is
/// released.
fn lease(broker: Arc<Broker>, tracker: &Tracker<Tokio>) -> Shield<io::Result<Lease>> {
    let guards = tracker.clone();
    async move {
        let lease = broker.acquire().await?;
        Ok(cleanup(guards, lease, async move |lease| broker.release(lease).await))
    }
    .shield(tracker)
}

/// The same without the shield: if the caller is gone during `acquire`, the lease that is granted
/// is never released.
async fn unshielded(broker: Arc<Broker>, tracker: Tracker<Tokio>) -> io::Result<Lease> {
    let lease = broker.acquire().await?;
    Ok(cleanup(tracker, lease, async move |lease| broker.release(lease).await))
}

#[tokio::main(flavor = "current_thread")]
async fn main() {
    let tracker = Tracker::new(Tokio::current());
    let (careful, careless) = (Arc::new(Broker::default()), Arc::new(Broker::default()));
    for caller in 0..400 {
        leave_after(caller % 20, lease(Arc::clone(&careful), &tracker)).await;
        leave_after(caller % 20, unshielded(Arc::clone(&careless), tracker.clone())).await;
    }
    tracker.wait().await;

    println!("shielded:   {careful}");
    println!("unshielded: {careless}");
    assert_eq!(careful.held.load(Ordering::Relaxed), 0);
    assert_ne!(careless.held.load(Ordering::Relaxed), 0);
}

/// A caller that gets its lease, or gives up after some steps.
async fn leave_after<T>(steps: u32, lease: impl Future<Output = T>) -> Option<T> {
    let patience = async {
        for _ in 0..steps {
            yield_now().await;
        }
    };
    tokio::select! {
        biased;
        lease = lease => Some(lease),
        () = patience => None,
    }
}

/// Grants leases. Each message to it takes a few steps.
#[derive(Default)]
struct Broker {
    granted: AtomicU32,
    held: AtomicU32,
}

impl Broker {
    async fn acquire(&self) -> io::Result<u32> {
        travel().await;
        self.held.fetch_add(1, Ordering::Relaxed);
        let lease = self.granted.fetch_add(1, Ordering::Relaxed);
        travel().await;
        Ok(lease)
    }

    async fn release(&self, _lease: u32) {
        travel().await;
        self.held.fetch_sub(1, Ordering::Relaxed);
    }
}

impl fmt::Display for Broker {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (granted, held) = (&self.granted, &self.held);
        write!(f, "{granted:?} leases were granted, and {held:?} are held forever")
    }
}

async fn travel() {
    for _ in 0..4 {
        yield_now().await;
    }
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use futures_shield::testing::cancel_at_every_await;

    use super::*;

    async fn is_never_held_in_the_end<F: Future>(lease: impl Fn(Arc<Broker>, &Tracker<Tokio>) -> F) {
        let (broker, tracker) = (Arc::<Broker>::default(), Tracker::new(Tokio::current()));
        let check = async |_| {
            tracker.wait().await;
            assert_eq!(broker.held.load(Ordering::Relaxed), 0, "a lease is held forever");
        };
        cancel_at_every_await(|| lease(Arc::clone(&broker), &tracker), check).await;
    }

    #[tokio::test]
    async fn lease_is_released() {
        is_never_held_in_the_end(lease).await;
    }

    #[tokio::test]
    #[should_panic(expected = "a lease is held forever")]
    async fn unshielded_lease_is_not() {
        is_never_held_in_the_end(|broker, tracker| unshielded(broker, tracker.clone())).await;
    }
}
