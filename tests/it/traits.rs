//! The traits of every public type, checked when this file is compiled; and that every type fits
//! into a field without bounds.

use std::cell::Cell;
use std::error::Error;
use std::fmt::Debug;
use std::future::{Future, Ready, ready};
use std::marker::PhantomPinned;
use std::pin::Pin;
use std::rc::Rc;

use futures_shield::future::{CleanupRun, Drain, Gone, RunUntilGone, RunWithGrace, Wait};
use futures_shield::{
    Caller, Cleanup, DynSpawner, FallibleShield, SharedFallibleShield, SharedShield, Shield, ShieldError, ShieldExt,
    ShieldOnDrop, Spawn, SpawnLocal, Tracker, Unfinished, cleanup, spawn_fn,
};
use futures_util::FutureExt;
use futures_util::future::FusedFuture;
use static_assertions::{assert_impl_all, assert_not_impl_any};

use crate::support::*;

/// Without `Debug`, and without `Unpin`.
type Opaque = (Cell<u8>, PhantomPinned);
type Local = Pin<Box<dyn Future<Output = ()>>>;

// An output that is `Send` is enough for both `Send` and `Sync`.
assert_impl_all!(Shield<Opaque>: Send, Sync, Unpin, Debug, FusedFuture);
assert_impl_all!(FallibleShield<Opaque>: Send, Sync, Unpin, Debug, FusedFuture);
assert_impl_all!(Shield<Rc<u8>>: Unpin, Debug, FusedFuture);
assert_impl_all!(FallibleShield<Rc<u8>>: Unpin, Debug, FusedFuture);
assert_not_impl_any!(Shield<Rc<u8>>: Send, Sync);
assert_not_impl_any!(FallibleShield<Rc<u8>>: Send, Sync);
assert_not_impl_any!(Shield<u8>: Clone);

assert_impl_all!(SharedShield<u8>: Clone, Send, Sync, Unpin, Debug, FusedFuture);
assert_impl_all!(SharedFallibleShield<u8>: Clone, Send, Sync, Unpin, Debug, FusedFuture);
assert_not_impl_any!(SharedShield<Cell<u8>>: Send, Sync);
assert_not_impl_any!(SharedFallibleShield<Cell<u8>>: Send, Sync);

assert_impl_all!(ShieldOnDrop<Ready<u8>, ()>: Send, Sync, Unpin, Debug, FusedFuture);
assert_impl_all!(ShieldOnDrop<Local, Rc<()>>: Unpin, Debug, FusedFuture);
assert_not_impl_any!(ShieldOnDrop<Local, ()>: Send);
assert_not_impl_any!(ShieldOnDrop<Ready<()>, Rc<()>>: Send);

// The closure, the hook and the future of a cleanup do not show in its type.
assert_impl_all!(Cleanup<u8, Opaque, ()>: Send, Sync, Debug);
assert_impl_all!(CleanupRun<Opaque, ()>: Send, Unpin, Debug, FusedFuture);
assert_not_impl_any!(Cleanup<Rc<()>, (), ()>: Send, Sync);
assert_not_impl_any!(Cleanup<(), (), Rc<()>>: Send, Sync);
assert_not_impl_any!(CleanupRun<(), Rc<()>>: Send, Sync);

assert_impl_all!(Caller: Clone, Send, Sync, Unpin, Debug);
assert_impl_all!(Gone: Future, FusedFuture, Send, Sync, Unpin, Debug);
assert_impl_all!(RunUntilGone<Ready<u8>>: Send, Sync, Debug);
assert_impl_all!(RunWithGrace<Ready<u8>, fn() -> Ready<()>, Ready<()>>: Send, Sync, Debug);
assert_not_impl_any!(RunUntilGone<Rc<()>>: Send);
assert_not_impl_any!(RunWithGrace<(), (), Rc<()>>: Send);
assert_not_impl_any!(RunWithGrace<(), Rc<()>, ()>: Send);

assert_impl_all!(Tracker<ThreadPerTask>: Spawn, Clone, Send, Sync, Unpin, Debug);
assert_impl_all!(Tracker<Both>: Spawn, SpawnLocal);
assert_impl_all!(Tracker<LocalClosure>: SpawnLocal);
assert_impl_all!(Wait: Future, FusedFuture, Send, Sync, Unpin, Debug);
assert_impl_all!(Drain<Ready<()>>: Future, Send, Sync, Unpin, Debug);
assert_impl_all!(Unfinished: Error, Send, Sync, Clone, Eq);

assert_impl_all!(ShieldError: Error, Send, Sync, Unpin);
assert_impl_all!(DynSpawner: Spawn, Clone, Debug, Send, Sync);

const _: () = {
    const fn is_static<T: 'static>() {}
    is_static::<(
        Gone,
        Wait,
        Drain<()>,
        Caller,
        ShieldError,
        Unfinished,
        DynSpawner,
        Shield<()>,
    )>();
};

struct Both;

impl Spawn for Both {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, _: F) {}
}

impl SpawnLocal for Both {
    fn spawn_local_detached<F: Future<Output = ()> + 'static>(&self, _: F) {}
}

/// Fields of these types repeat no bounds, but that of an associated type, which no `struct` can do
/// without.
struct Fields<T, F: Future, M, C, V, S> {
    shield: Shield<T>,
    fallible: FallibleShield<T>,
    on_drop: ShieldOnDrop<F, S>,
    guard: Cleanup<V, T, S>,
    caller: Caller,
    gone: Gone,
    window: RunUntilGone<F>,
    grace: RunWithGrace<F, M, C>,
    tracker: Tracker<S>,
    wait: Wait,
    drain: Drain<C>,
}

impl<T, F: Future, M: FnOnce() -> C, C: Future, V, S> Fields<T, F, M, C, V, S> {
    async fn finish(self) -> (F::Output, Option<F::Output>, Option<F::Output>, T) {
        let run: CleanupRun<T, S> = self.guard.run();
        drop((
            self.shield,
            self.fallible,
            self.caller,
            self.gone,
            self.wait,
            self.tracker,
        ));
        assert_eq!(self.drain.await, Ok(()));
        (self.on_drop.await, self.window.await, self.grace.await, run.await)
    }
}

#[test]
fn types_fit_into_fields() {
    let (stays, caller) = caller_by_hand();
    let spawner = spawn_fn(drop);
    let tracker = Tracker::new(spawner.clone());
    let fields = Fields {
        shield: ready(1).shield(&spawner),
        fallible: ready(1).shield(&spawner).fallible(),
        on_drop: ready(2).shield_on_drop(spawner.clone()),
        guard: cleanup(spawner, 5, async |value| value),
        gone: caller.gone(),
        window: caller.run_until_gone(ready(3)),
        grace: caller.run_with_grace(ready(4), || ready(())),
        caller,
        wait: tracker.wait(),
        drain: tracker.drain(ready(())),
        tracker,
    };
    assert_eq!(fields.finish().now_or_never(), Some((2, Some(3), Some(4), 5)));
    drop(stays);
}
