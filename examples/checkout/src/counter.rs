//! A count that tasks can wait for. The demo orders its events with it, so that nothing has to
//! sleep and hope.

use std::sync::Arc;

use tokio::sync::watch;

/// Starts at zero, only ever grows, and is shared by its clones.
#[derive(Clone, Debug, Default)]
pub struct Counter(Arc<watch::Sender<u64>>);

impl Counter {
    /// Adds to the count, wakes the tasks that wait for it, and returns the new count.
    pub fn add(&self, more: u64) -> u64 {
        let mut now = 0;
        self.0.send_modify(|count| {
            *count += more;
            now = *count;
        });
        now
    }

    pub fn get(&self) -> u64 {
        *self.0.borrow()
    }

    /// Returns once the count is `goal` or more.
    pub async fn reached(&self, goal: u64) {
        // It fails only if the sender is gone, and `self` is the sender.
        let _ = self.0.subscribe().wait_for(|count| *count >= goal).await;
    }
}
