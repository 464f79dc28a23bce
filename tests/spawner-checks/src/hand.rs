//! One way to call both kinds of spawner.

use std::any::Any;
use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_shield::{Spawn, SpawnLocal};

use crate::probe::Probe;

/// When a probe calls the spawner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum When {
    InItsFirstPoll,
    InItsDrop,
}

/// Something that a probe can be handed to.
pub(crate) trait Hand: Clone + 'static {
    fn hand(&self, probe: Probe);

    /// Hands over `first`, which hands over `next` when it is polled or dropped.
    fn hand_chain(&self, first: Probe, when: When, next: Probe);

    /// Hands over a probe, and records a panic of the call for its observer.
    fn call(&self, probe: Probe) {
        let watch = probe.watch();
        let called = catch_unwind(AssertUnwindSafe(|| self.hand(probe)));
        watch.called(called.err().map(|payload| message(&*payload)));
    }
}

/// A spawner of `Send` futures.
#[derive(Clone)]
pub(crate) struct Sent<S>(pub(crate) S);

impl<S: Spawn + Clone + Send + Sync + 'static> Hand for Sent<S> {
    fn hand(&self, probe: Probe) {
        self.0.spawn_detached(probe);
    }

    fn hand_chain(&self, first: Probe, when: When, next: Probe) {
        let spawner = self.clone();
        self.0.spawn_detached(Chain {
            probe: first,
            when,
            call: Some(move || spawner.call(next)),
        });
    }
}

/// A spawner of local futures.
#[derive(Clone)]
pub(crate) struct Local<S>(pub(crate) S);

impl<S: SpawnLocal + Clone + 'static> Hand for Local<S> {
    fn hand(&self, probe: Probe) {
        self.0.spawn_local_detached(probe);
    }

    fn hand_chain(&self, first: Probe, when: When, next: Probe) {
        let spawner = self.clone();
        self.0.spawn_local_detached(Chain {
            probe: first,
            when,
            call: Some(move || spawner.call(next)),
        });
    }
}

/// A probe that calls something.
struct Chain<C: FnOnce()> {
    probe: Probe,
    when: When,
    call: Option<C>,
}

/// The closure is never pinned.
impl<C: FnOnce()> Unpin for Chain<C> {}

impl<C: FnOnce()> Chain<C> {
    fn call_if(&mut self, now: When) {
        if self.when == now
            && let Some(call) = self.call.take()
        {
            call();
        }
    }
}

impl<C: FnOnce()> Future for Chain<C> {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        self.call_if(When::InItsFirstPoll);
        Pin::new(&mut self.probe).poll(cx)
    }
}

impl<C: FnOnce()> Drop for Chain<C> {
    fn drop(&mut self) {
        self.call_if(When::InItsDrop);
    }
}

/// Returns the text of a panic.
pub(crate) fn message(payload: &(dyn Any + Send)) -> String {
    payload
        .downcast_ref::<&str>()
        .map(|text| (*text).to_owned())
        .or_else(|| payload.downcast_ref::<String>().cloned())
        .unwrap_or_else(|| "a payload that is no text".to_owned())
}
