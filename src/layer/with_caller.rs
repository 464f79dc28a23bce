//! How a handler gets its `Caller`.

use std::fmt;

use crate::caller::Caller;
use crate::util::contain::Contained;

/// Gives a request its [`Caller`]. Implemented by [`NoCaller`] and [`WithCaller`], and sealed.
///
/// # Examples
///
/// A function that returns a layer with any such closure names it by this trait:
///
/// ```
/// use axum::extract::Request;
/// use futures_shield::layer::{Always, PassCaller};
/// use futures_shield::{ShieldLayer, Spawn};
///
/// fn shield<S: Spawn>(spawner: S) -> ShieldLayer<S, Always, impl PassCaller<Request> + Clone> {
///     ShieldLayer::new(spawner)
///         .with_caller(|request: &mut Request, caller| request.extensions_mut().insert(caller))
/// }
/// # shield(futures_shield::spawn_fn(|task| drop(task)));
/// ```
pub trait PassCaller<R>: sealed::Sealed {
    /// `caller` creates the `Caller`, so that a layer whose requests get none does not create one.
    #[doc(hidden)]
    fn pass(&self, request: &mut R, caller: impl FnOnce() -> Caller);
}

/// Gives no request a caller. The default of a [`ShieldLayer`](crate::ShieldLayer).
#[derive(Clone, Copy, Debug, Default)]
pub struct NoCaller;

/// Calls the closure given to [`ShieldLayer::with_caller`](crate::ShieldLayer::with_caller).
#[derive(Clone)]
pub struct WithCaller<F>(Contained<F>);

impl<F> WithCaller<F> {
    pub(super) fn new(pass: F) -> Self {
        Self(Contained::new(pass))
    }
}

impl<F> fmt::Debug for WithCaller<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WithCaller").finish_non_exhaustive()
    }
}

impl<R> PassCaller<R> for NoCaller {
    fn pass(&self, _request: &mut R, _caller: impl FnOnce() -> Caller) {}
}

impl<R, F, O> PassCaller<R> for WithCaller<F>
where
    F: Fn(&mut R, Caller) -> O,
{
    fn pass(&self, request: &mut R, caller: impl FnOnce() -> Caller) {
        (*self.0)(request, caller());
    }
}

mod sealed {
    #[expect(unnameable_types, reason = "so that nobody else implements `PassCaller`")]
    pub trait Sealed {}
    impl Sealed for super::NoCaller {}
    impl<F> Sealed for super::WithCaller<F> {}
}
