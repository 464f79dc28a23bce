//! A shielded method that borrows its receiver.

use std::pin::Pin;
use std::sync::Arc;

use futures_shield::shield;

struct Service;

impl Service {
    #[shield]
    async fn shared(&self) {}

    #[shield]
    async fn exclusive(&mut self) {}

    #[shield]
    async fn named<'a>(&'a self) {}

    #[shield]
    async fn typed(self: &Arc<Self>) {}

    #[shield]
    async fn pinned(self: Pin<&mut Self>) {}

    async fn all_are_still_there(&mut self, this: Arc<Self>) {
        self.shared().await;
        self.exclusive().await;
        self.named().await;
        this.typed().await;
        Pin::new(self).pinned().await;
    }
}

fn main() {}
