//! A tower layer that shields the response futures of a service.

mod future;
mod predicate;
mod service;

use std::fmt;
use std::panic::Location;

use tower_layer::Layer;

pub use self::future::ResponseFuture;
pub use self::predicate::{Always, OnlyIf, Predicate};
pub use self::service::ShieldService;
use crate::util::CallLocation;

/// Shields each response future of a service from being dropped, as servers do when a client hangs up.
///
/// It goes on any `tower::Service` (axum, tonic, hyper): what [`call`](tower_service::Service::call) of the inner service returns is
/// shielded. The service is not cloned, its error type is unchanged, and back-pressure is kept: `poll_ready` is the
/// inner service's, and the service that was ready makes the future. Two things follow:
///
/// - A layer *inside* this one is shielded with the handler: the permits of a concurrency limit inside are held by
///   orphans, too, so it is their limit. A layer *outside* sees the future dropped: a `TimeoutLayer` outside answers
///   the client while the handler goes on.
/// - The response *future* is shielded, and not a streaming body: what a body does after the response has been returned
///   is cut off as before.
///
/// In axum, put the shield and the limit into one `ServiceBuilder`, as below, and use a `GlobalConcurrencyLimitLayer`.
/// With two `.layer(..)` calls the shielded future would contain the wait for a permit, too, and a client that hangs up
/// in the queue would still be served; and axum may make a layer anew for each connection, which would give each a
/// limit of its own.
///
/// Errors and events name the place where the layer was made. With a [`Tracker`](crate::Tracker) as the spawner, a
/// server can wait for the handlers that go on.
///
/// # Cancel safety
///
/// As [`ShieldExt::shield`](crate::ShieldExt::shield), or as [`shield_on_drop`](crate::ShieldExt::shield_on_drop) in
/// that mode. What answers a request that was not chosen is dropped with its caller, as without the layer.
///
/// # Panics
///
/// A panic of the service resumes in whoever awaits the response, with its own payload: the connection sees what it
/// would have seen without the layer, and a `CatchPanicLayer` outside catches it. Where the executor drops the work
/// unfinished (the runtime shuts down), awaiting the response panics in words, which ends the connection: it never
/// hangs.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use axum::{Router, extract::Request, http::Method, routing::post};
/// use futures_shield::{ShieldLayer, Tokio, Tracker};
/// use tower::{ServiceBuilder, limit::GlobalConcurrencyLimitLayer};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let orders = Tracker::new(Tokio::current());
/// let app: Router = Router::new()
///     .route("/orders", post(|| async { "recorded, also where the client hangs up" }))
///     .layer(
///         ServiceBuilder::new()
///             .layer(ShieldLayer::new(orders.clone()).only_if(|request: &Request| request.method() == Method::POST))
///             .layer(GlobalConcurrencyLimitLayer::new(100)),
///     );
/// # drop(app);
/// # });
/// # }
/// ```
#[derive(Clone)]
pub struct ShieldLayer<S, P = Always> {
    spawner: S,
    chosen: P,
    mode: Mode,
    location: CallLocation,
}

/// How the chosen response futures run.
#[derive(Clone, Copy, Debug)]
enum Mode {
    /// As tasks, as by `.shield()`.
    Eager,
    /// Inside the connection's task until they are dropped, as by `.shield_on_drop()`.
    OnDrop,
}

impl<S> ShieldLayer<S> {
    /// Makes a layer that shields every response future, as [`ShieldExt::shield`](crate::ShieldExt::shield) does.
    ///
    /// # Examples
    ///
    /// See [`ShieldLayer`].
    #[track_caller]
    pub fn new(spawner: S) -> Self {
        Self {
            spawner,
            chosen: Always,
            mode: Mode::Eager,
            location: Location::caller(),
        }
    }
}

impl<S, P> ShieldLayer<S, P> {
    /// Shields as [`ShieldExt::shield_on_drop`](crate::ShieldExt::shield_on_drop) does: without a task for each
    /// request.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// # use futures_shield::{ShieldLayer, Tokio};
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let layer = ShieldLayer::new(Tokio::current()).on_drop();
    /// # drop(layer);
    /// # });
    /// # }
    /// ```
    #[must_use]
    pub fn on_drop(mut self) -> Self {
        self.mode = Mode::OnDrop;
        self
    }

    /// Shields only what answers requests that `predicate` is true for. A second predicate replaces the first.
    ///
    /// The argument of the closure needs its type.
    ///
    /// # Examples
    ///
    /// See [`ShieldLayer`].
    #[must_use]
    pub fn only_if<R, F>(self, predicate: F) -> ShieldLayer<S, OnlyIf<F>>
    where
        F: Fn(&R) -> bool,
    {
        ShieldLayer {
            spawner: self.spawner,
            chosen: OnlyIf::new(predicate),
            mode: self.mode,
            location: self.location,
        }
    }
}

impl<S: fmt::Debug, P> fmt::Debug for ShieldLayer<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShieldLayer")
            .field("spawner", &self.spawner)
            .field("mode", &self.mode)
            .field("location", &format_args!("{}", self.location))
            .finish_non_exhaustive()
    }
}

impl<I, S: Clone, P: Clone> Layer<I> for ShieldLayer<S, P> {
    type Service = ShieldService<I, S, P>;

    fn layer(&self, inner: I) -> Self::Service {
        ShieldService::new(inner, self.clone())
    }
}
