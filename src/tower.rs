//! A tower layer that shields the response futures of a service.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::on_drop::ShieldOnDrop;
use crate::shield::{Shield, launch};
use crate::site::Site;
use crate::spawn::Spawn;

/// Shields each response future of a service from being dropped, as servers do when a client hangs up.
///
/// It goes on any `tower::Service` (axum, tonic, hyper): what [`call`](Service::call) of the inner service returns is
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
pub struct ShieldLayer<S, P = Every> {
    spawner: S,
    chosen: P,
    mode: Mode,
    site: Site,
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
            chosen: Every,
            mode: Mode::Eager,
            site: Location::caller(),
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
            chosen: OnlyIf(predicate),
            mode: self.mode,
            site: self.site,
        }
    }
}

impl<S: fmt::Debug, P> fmt::Debug for ShieldLayer<S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShieldLayer")
            .field("spawner", &self.spawner)
            .field("mode", &self.mode)
            .field("location", &format_args!("{}", self.site))
            .finish_non_exhaustive()
    }
}

impl<I, S: Clone, P: Clone> Layer<I> for ShieldLayer<S, P> {
    type Service = ShieldService<I, S, P>;

    fn layer(&self, inner: I) -> Self::Service {
        ShieldService {
            inner,
            layer: self.clone(),
        }
    }
}

/// Which requests' answers are shielded. Implemented by [`Every`] and [`OnlyIf`], and by nothing else.
///
/// # Examples
///
/// See [`ShieldLayer`].
pub trait Choose<R>: sealed::Sealed {
    #[doc(hidden)]
    fn chooses(&self, request: &R) -> bool;
}

/// Chooses every request: what a [`ShieldLayer`] does without [`only_if`](ShieldLayer::only_if).
///
/// # Examples
///
/// See [`ShieldLayer`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Every;

/// Chooses what the predicate given to [`ShieldLayer::only_if`] is true for.
///
/// # Examples
///
/// See [`ShieldLayer`].
#[derive(Clone, Copy)]
pub struct OnlyIf<F>(F);

impl<F> fmt::Debug for OnlyIf<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnlyIf").finish_non_exhaustive()
    }
}

impl<R> Choose<R> for Every {
    fn chooses(&self, _request: &R) -> bool {
        true
    }
}

impl<R, F: Fn(&R) -> bool> Choose<R> for OnlyIf<F> {
    fn chooses(&self, request: &R) -> bool {
        (self.0)(request)
    }
}

mod sealed {
    #[expect(unnameable_types, reason = "so that nobody else implements `Choose`")]
    pub trait Sealed {}
    impl Sealed for super::Every {}
    impl<F> Sealed for super::OnlyIf<F> {}
}

/// Service made by [`ShieldLayer`].
///
/// # Examples
///
/// See [`ShieldLayer`].
#[derive(Clone)]
pub struct ShieldService<I, S, P = Every> {
    inner: I,
    layer: ShieldLayer<S, P>,
}

impl<I, S, P, R> Service<R> for ShieldService<I, S, P>
where
    I: Service<R>,
    I::Future: Send + 'static,
    I::Response: Send + 'static,
    I::Error: Send + 'static,
    S: Spawn + Clone,
    P: Choose<R>,
{
    type Response = I::Response;
    type Error = I::Error;
    type Future = ShieldedResponse<I::Future, S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), I::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let ShieldLayer {
            spawner,
            chosen,
            mode,
            site,
        } = &self.layer;
        let chosen = chosen.chooses(&request);
        let future = self.inner.call(request);
        let response = match mode {
            _ if !chosen => Response::Bare { future },
            Mode::Eager => Response::Eager {
                shield: launch(site, future, None, |work| spawner.spawn_detached(work)),
            },
            Mode::OnDrop => Response::OnDrop {
                shield: ShieldOnDrop::new(site, future, spawner.clone()),
            },
        };
        ShieldedResponse { response }
    }
}

impl<I: fmt::Debug, S: fmt::Debug, P> fmt::Debug for ShieldService<I, S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShieldService")
            .field("inner", &self.inner)
            .field("layer", &self.layer)
            .finish()
    }
}

pin_project! {
    /// Response future of a [`ShieldService`].
    #[must_use = "an eager response is worked on whether or not this is awaited, but it reaches nobody: `.await` it"]
    pub struct ShieldedResponse<F: Future, S> {
        #[pin]
        response: Response<F, S>,
    }
}

pin_project! {
    #[project = ResponseProj]
    enum Response<F: Future, S> {
        /// Not chosen: it is dropped with its caller, as without the layer.
        Bare { #[pin] future: F },
        Eager { shield: Shield<F::Output> },
        OnDrop { shield: ShieldOnDrop<F, S> },
    }
}

impl<F: Future, S> Future for ShieldedResponse<F, S> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        match self.project().response.project() {
            ResponseProj::Bare { future } => future.poll(cx),
            ResponseProj::Eager { shield } => Pin::new(shield).poll(cx),
            ResponseProj::OnDrop { shield } => Pin::new(shield).poll(cx),
        }
    }
}

impl<F: Future, S> fmt::Debug for ShieldedResponse<F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut tuple = f.debug_tuple("ShieldedResponse");
        match &self.response {
            Response::Bare { .. } => return tuple.finish_non_exhaustive(),
            Response::Eager { shield } => tuple.field(shield),
            Response::OnDrop { shield } => tuple.field(shield),
        };
        tuple.finish()
    }
}
