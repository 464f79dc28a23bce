//! A pinned future in its place, until it is dropped there.

use std::mem;
use std::pin::Pin;

use pin_project_lite::pin_project;

use super::contain::contain;

pin_project! {
    /// A pinned future whose `Drop` may panic: [`Contained`](super::contain::Contained) for what
    /// cannot be moved.
    pub(crate) struct Slot<F> {
        #[pin]
        future: Option<F>,
    }

    impl<F> PinnedDrop for Slot<F> {
        fn drop(this: Pin<&mut Self>) {
            if mem::needs_drop::<F>() && this.future.is_some() {
                contain(move || this.clear());
            }
        }
    }
}

impl<F> Slot<F> {
    pub(crate) const fn new(future: F) -> Self {
        Self { future: Some(future) }
    }

    pub(crate) const fn empty() -> Self {
        Self { future: None }
    }

    /// Returns the future, or `None` once it was dropped.
    pub(crate) fn get(self: Pin<&mut Self>) -> Option<Pin<&mut F>> {
        self.project().future.as_pin_mut()
    }

    /// Puts a future into an empty slot.
    pub(crate) fn set(self: Pin<&mut Self>, future: F) {
        self.project().future.set(Some(future));
    }

    /// Drops the future, and stops a panic of its drop.
    pub(crate) fn set_empty(self: Pin<&mut Self>) {
        contain(move || self.clear());
    }

    /// Drops the future. A panic of its drop passes through this call.
    pub(crate) fn clear(self: Pin<&mut Self>) {
        self.project().future.set(None);
    }
}
