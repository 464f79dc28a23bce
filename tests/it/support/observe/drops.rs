//! Values that count, announce or sabotage their own drop.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

/// Counts the drops of the values made from it.
#[derive(Clone, Default)]
pub(crate) struct Drops(Arc<AtomicUsize>);

impl Drops {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Returns a value whose drop is counted.
    pub(crate) fn one(&self) -> OnDrop {
        let count = Arc::clone(&self.0);
        OnDrop::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
        })
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Runs a closure when it is dropped.
pub(crate) struct OnDrop(Option<Box<dyn FnOnce() + Send>>);

impl OnDrop {
    pub(crate) fn new(f: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(f)))
    }
}

impl Drop for OnDrop {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

/// Panics with its text when it is dropped.
#[derive(Debug)]
pub(crate) struct Bomb(pub(crate) &'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        std::panic::panic_any(self.0);
    }
}

/// A future that keeps a value until it is dropped itself. An `async` block drops what it holds
/// when it returns or panics.
pub(crate) struct HoldsUntilDrop<H, F> {
    _held: H,
    future: Pin<Box<F>>,
}

impl<H, F> HoldsUntilDrop<H, F> {
    pub(crate) fn new(held: H, future: F) -> Self {
        Self {
            _held: held,
            future: Box::pin(future),
        }
    }
}

impl<H: Unpin, F: Future> Future for HoldsUntilDrop<H, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.future.as_mut().poll(cx)
    }
}
