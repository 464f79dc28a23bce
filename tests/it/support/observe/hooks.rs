//! Hooks that record their call. An assertion inside a hook is contained by the library and fails
//! no test, so tests look at the record instead.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_shield::ShieldError;
use tokio::sync::oneshot;
use tokio::sync::oneshot::error::TryRecvError;

use super::Bomb;

pub(crate) type Outcome<T> = Result<T, ShieldError>;

/// The record of one hook. As a future it resolves once the hook was called, to the outcome, or was
/// dropped uncalled, to `None`.
pub(crate) struct HookCall<T>(oneshot::Receiver<Outcome<T>>);

/// Returns a hook and its record.
pub(crate) fn hook<T: Send + 'static>() -> (impl FnOnce(Outcome<T>) + Send + 'static, HookCall<T>) {
    let (send, receive) = oneshot::channel();
    (move |outcome| drop(send.send(outcome)), HookCall(receive))
}

impl<T> HookCall<T> {
    /// Returns the outcome that the hook was called with.
    #[track_caller]
    pub(crate) fn outcome(&mut self) -> Outcome<T> {
        match self.0.try_recv() {
            Ok(outcome) => outcome,
            Err(TryRecvError::Empty) => panic!("the hook has not been called"),
            Err(TryRecvError::Closed) => panic!("the hook was dropped uncalled, or its outcome was taken already"),
        }
    }

    /// Returns `true` if the hook has been neither called nor dropped.
    pub(crate) fn is_waiting(&mut self) -> bool {
        matches!(self.0.try_recv(), Err(TryRecvError::Empty))
    }

    /// Returns `true` if the hook was dropped without a call.
    pub(crate) fn is_dropped_uncalled(&mut self) -> bool {
        matches!(self.0.try_recv(), Err(TryRecvError::Closed))
    }
}

impl<T> Future for HookCall<T> {
    type Output = Option<Outcome<T>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(Result::ok)
    }
}

/// Returns a hook that panics when it is called, and its record.
pub(crate) fn hook_that_panics<T: Send + 'static>() -> (impl FnOnce(Outcome<T>) + Send + 'static, HookCall<T>) {
    let (hook, call) = hook();
    let panics = move |outcome| {
        hook(outcome);
        panic!("the hook's");
    };
    (panics, call)
}

/// Returns a hook whose drop panics, called or not.
pub(crate) fn hook_whose_drop_panics<T>() -> impl FnOnce(Outcome<T>) + Send + 'static {
    let bomb = Bomb("the hook's drop");
    move |_| drop(bomb)
}
