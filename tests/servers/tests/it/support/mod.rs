//! What the servers share: a deadline for each wait, handlers that report their steps, and raw
//! clients.

pub mod http1;
pub mod http2;
pub mod memory;
mod mode;
mod steps;

use std::future::Future;
use std::time::Duration;

use futures_shield::{Tokio, Tracker};

pub use mode::{BOTH, Mode};
pub use steps::{Reporter, Steps};

/// Awaits `future`, and panics if it takes so long that something must be wrong.
pub async fn timely<F: Future>(future: F) -> F::Output {
    tokio::time::timeout(Duration::from_secs(60), future)
        .await
        .expect("the deadline passed")
}

/// Waits until `condition` is true.
pub async fn until(mut condition: impl FnMut() -> bool) {
    timely(async {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(1)).await;
        }
    })
    .await;
}

/// Creates a tracker on the current runtime.
pub fn tracker() -> Tracker<Tokio> {
    Tracker::new(Tokio::current())
}
