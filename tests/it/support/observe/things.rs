//! Futures, outputs and payloads that tell what becomes of them.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};
use std::thread::{self, ThreadId};

use futures_shield::ShieldError;
use tokio::sync::mpsc;

use crate::support::locked;

/// Counts the drops of what was made of it.
#[derive(Clone, Default)]
pub(crate) struct Drops(Arc<AtomicUsize>);

impl Drops {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Something whose drop is counted.
    pub(crate) fn one(&self) -> DropTeller {
        let count = Arc::clone(&self.0);
        DropTeller::new(move || {
            count.fetch_add(1, Ordering::SeqCst);
        })
    }

    pub(crate) fn count(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }
}

/// Runs a closure when it is dropped.
pub(crate) struct DropTeller(Option<Box<dyn FnOnce() + Send>>);

impl DropTeller {
    pub(crate) fn new(f: impl FnOnce() + Send + 'static) -> Self {
        Self(Some(Box::new(f)))
    }

    /// Something that tells the thread it was dropped on.
    pub(crate) fn thread(tell: mpsc::UnboundedSender<ThreadId>) -> Self {
        Self::new(move || tell.send(thread::current().id()).unwrap())
    }
}

impl Drop for DropTeller {
    fn drop(&mut self) {
        if let Some(f) = self.0.take() {
            f();
        }
    }
}

/// What a hook was given so far.
pub(crate) type Kept<T> = Arc<Mutex<Vec<Result<T, ShieldError>>>>;

/// A hook, and what it was given so far.
pub(crate) fn hook<T: Send + 'static>() -> (impl FnOnce(Result<T, ShieldError>) + Send + 'static, Kept<T>) {
    let kept = Kept::default();
    let keep = Arc::clone(&kept);
    (move |outcome| locked(&keep).push(outcome), kept)
}

/// What a hook is given, to be waited for. The end of it says that the hook is gone.
pub(crate) type Told<T> = mpsc::UnboundedReceiver<Result<T, ShieldError>>;

/// A hook, and what it is given, to be waited for.
pub(crate) fn telling_hook<T: Send + 'static>() -> (impl FnOnce(Result<T, ShieldError>) + Send + 'static, Told<T>) {
    let (tell, told) = mpsc::unbounded_channel();
    (move |outcome| assert!(tell.send(outcome).is_ok()), told)
}

/// Panics when it is dropped.
#[derive(Debug)]
pub(crate) struct Bomb(pub(crate) &'static str);

impl Drop for Bomb {
    fn drop(&mut self) {
        std::panic::panic_any(self.0);
    }
}

/// A future that keeps what it holds to the very end: unlike an `async` block it does not drop it when it returns, or
/// panics, but when it is dropped itself.
pub(crate) struct Holding<H, F> {
    _held: H,
    future: Pin<Box<F>>,
}

impl<H, F> Holding<H, F> {
    pub(crate) fn new(held: H, future: F) -> Self {
        Self {
            _held: held,
            future: Box::pin(future),
        }
    }
}

impl<H: Unpin, F: Future> Future for Holding<H, F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.future.as_mut().poll(cx)
    }
}

/// The text of a payload.
pub(crate) fn message(payload: &(dyn Any + Send)) -> &str {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        panic!("the payload is no text")
    }
}

/// Runs `f`, which has to panic, and gives its message.
pub(crate) fn panics_with<T>(f: impl FnOnce() -> T) -> String {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(_) => panic!("it did not panic"),
        Err(payload) => message(&*payload).to_owned(),
    }
}
