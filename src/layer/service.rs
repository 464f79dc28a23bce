//! The service that a layer makes.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use tower_service::Service;

use super::future::{Response, ResponseFuture};
use super::on_orphan::{MakeHook, NoHook};
use super::predicate::{Always, Predicate};
use super::shield_layer::{Mode, ShieldLayer};
use super::span::in_current_span;
use super::with_caller::{NoCaller, PassCaller};
use crate::caller::Caller;
use crate::error::ShieldError;
use crate::inline::ShieldOnDrop;
use crate::relay::{Hook, launch};
use crate::shield::Shield;
use crate::spawn::Spawn;
use crate::util::contain::Contained;
use crate::util::flag::SetOnDrop;
use crate::util::{CallLocation, is_large};

/// Service made by [`ShieldLayer`](crate::ShieldLayer).
///
/// # Examples
///
/// To keep it in a field, name the layer's type parameters, of which the last three have defaults:
///
/// ```
/// use futures_shield::layer::ShieldService;
///
/// struct Server<I, S> {
///     orders: ShieldService<I, S>,
/// }
/// ```
#[derive(Clone)]
pub struct ShieldService<I, S, P = Always, C = NoCaller, H = NoHook> {
    inner: Contained<I>,
    layer: ShieldLayer<S, P, C, H>,
}

impl<I, S, P, C, H> ShieldService<I, S, P, C, H> {
    pub(super) fn new(inner: Contained<I>, layer: ShieldLayer<S, P, C, H>) -> Self {
        Self { inner, layer }
    }
}

impl<I, S, P, C, H, R> Service<R> for ShieldService<I, S, P, C, H>
where
    I: Service<R>,
    I::Future: Send + 'static,
    I::Response: Send + 'static,
    I::Error: Send + 'static,
    S: Spawn + Clone,
    P: Predicate<R>,
    C: PassCaller<R>,
    H: MakeHook<R, Result<I::Response, I::Error>>,
{
    type Response = I::Response;
    type Error = I::Error;
    type Future = ResponseFuture<I::Future, S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), I::Error>> {
        self.inner.poll_ready(cx)
    }

    /// Each step may panic. Then the values of the steps before it are dropped, and their drops,
    /// too, may panic: hence `Contained`. If the request was given a caller, that caller is gone,
    /// because its `SetOnDrop` is dropped here.
    fn call(&mut self, request: R) -> Self::Future {
        let Self { inner, layer } = self;
        let mut request = Contained::new(request);

        let is_shielded = layer.predicate.is_chosen(&request);
        let mut gone: Option<SetOnDrop> = None;
        layer.with_caller.pass(&mut request, || {
            let (caller, set_on_drop) = Caller::new();
            gone = Some(set_on_drop);
            caller
        });
        if !is_shielded {
            return bare(gone, || inner.call(request.take()));
        }

        let hook = Contained::new(layer.on_orphan.make(&request));
        // It borrows the request, because a debug build copies a closure, with what it captured, at
        // each call.
        let call = || inner.call(request.take());
        match layer.mode {
            Mode::Eager => eager(layer.location, &layer.spawner, gone, hook, call),
            Mode::OnDrop => on_drop(layer.location, &layer.spawner, gone, hook, call),
        }
    }
}

// Separate functions for the modes, so that in debug builds no frame holds the copies of a large
// future for all modes.

fn bare<F: Future, S>(gone: Option<SetOnDrop>, call: impl FnOnce() -> F) -> ResponseFuture<F, S> {
    let future = Contained::new(Box::pin(call()));
    ResponseFuture::new(Response::Bare { future }, gone)
}

fn eager<F, S, K>(
    location: CallLocation,
    spawner: &Contained<S>,
    gone: Option<SetOnDrop>,
    hook: Contained<Option<K>>,
    call: impl FnOnce() -> F,
) -> ResponseFuture<F, S>
where
    F: Future<Output: Send + 'static> + Send + 'static,
    S: Spawn,
    K: FnOnce(Result<F::Output, ShieldError>) + Send + 'static,
{
    let shield = if const { is_large::<F>() } {
        launched(location, spawner, gone, hook, boxed(call))
    } else {
        in_place(location, spawner, gone, hook, call)
    };
    ResponseFuture::new(Response::Eager { shield }, None)
}

fn boxed<F>(call: impl FnOnce() -> F) -> Pin<Box<F>> {
    Box::pin(call())
}

fn in_place<F, S, K>(
    location: CallLocation,
    spawner: &Contained<S>,
    gone: Option<SetOnDrop>,
    hook: Contained<Option<K>>,
    call: impl FnOnce() -> F,
) -> Shield<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
    S: Spawn,
    K: FnOnce(Result<F::Output, ShieldError>) + Send + 'static,
{
    launched(location, spawner, gone, hook, call())
}

fn launched<F, S, K>(
    location: CallLocation,
    spawner: &Contained<S>,
    gone: Option<SetOnDrop>,
    hook: Contained<Option<K>>,
    future: F,
) -> Shield<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
    S: Spawn,
    K: FnOnce(Result<F::Output, ShieldError>) + Send + 'static,
{
    let future = in_current_span(future);
    let hook = hook.into_inner().map(|hook| Box::new(hook) as Hook<_>);
    Shield::new(launch!(spawner, spawn_work, location, future, gone, hook))
}

fn on_drop<F, S, K>(
    location: CallLocation,
    spawner: &Contained<S>,
    gone: Option<SetOnDrop>,
    hook: Contained<Option<K>>,
    call: impl FnOnce() -> F,
) -> ResponseFuture<F, S>
where
    F: Future<Output: Send + 'static> + Send + 'static,
    S: Spawn + Clone,
    K: FnOnce(Result<F::Output, ShieldError>) + Send + 'static,
{
    // Cloned first: if the clone panics, there is no future yet.
    let spawner = spawner.clone();
    let future = Box::pin(in_current_span(call()));
    let mut shield = ShieldOnDrop::new(location, future, spawner);
    if let Some(hook) = hook.into_inner() {
        // At delivery the hook is dropped unused, after `gone`: the drop of what it captured sees
        // that the caller is gone.
        let gone = gone.as_ref().map(SetOnDrop::another);
        let hook = Contained::new(hook);
        shield = shield.on_orphan(move |outcome| {
            drop(gone);
            hook.into_inner()(outcome);
        });
    }
    ResponseFuture::new(Response::OnDrop { shield }, gone)
}

impl<I: fmt::Debug, S: fmt::Debug, P, C, H> fmt::Debug for ShieldService<I, S, P, C, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShieldService")
            .field("inner", &self.inner)
            .field("layer", &self.layer)
            .finish()
    }
}
