//! The layer, and how it is configured.

use std::fmt;
use std::panic::Location;

use tower_layer::Layer;

use super::on_orphan::{NoHook, OnOrphan};
use super::predicate::{Always, OnlyIf};
use super::service::ShieldService;
use super::with_caller::{NoCaller, WithCaller};
use crate::caller::Caller;
use crate::error::ShieldError;
use crate::util::CallLocation;
use crate::util::contain::Contained;

/// Shields each response future of a service, which servers drop when a client hangs up.
///
/// It goes on any `tower::Service` (axum, tonic, hyper). It shields the future that
/// [`call`](tower_service::Service::call) of the inner service returns. The service is not cloned
/// and its error type does not change. Back-pressure is kept: `poll_ready` polls the inner service,
/// and `call` then calls that same service.
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
///     .route("/orders", post(|| async { "recorded, even if the client hangs up" }))
///     .layer(
///         ServiceBuilder::new()
///             .layer(ShieldLayer::new(orders.clone()).only_if(|request: &Request| request.method() == Method::POST))
///             .layer(GlobalConcurrencyLimitLayer::new(100)), // inside: it bounds the orphans, too
///     );
/// # drop(app);
/// # });
/// # }
/// ```
///
/// By default each response future is a task of its own, as by
/// [`ShieldExt::shield`](crate::ShieldExt::shield). [`on_drop`](Self::on_drop) selects the other
/// mode, without a task for each request. The spawner is usually a [`Tracker`](crate::Tracker): the
/// server can then count its orphans and wait for them when it stops. Errors, events, trackers and
/// [`spawn_location`](crate::spawn_location) name the line where the layer was made.
///
/// # Denial of service
///
/// **Put a concurrency limit inside the shield.** An HTTP/2 server bounds the *streams* of a
/// connection, and that bounds its running handlers only because the server drops the handler of a
/// stream that is reset. A shielded handler continues. So a client that opens streams and resets
/// them immediately (Rapid Reset, CVE-2023-44487) can start handlers without bound. Measured with
/// 10,000 streams opened and reset on one connection, and handlers that take 3 s:
///
/// | service | handlers that ran at the same time, at most |
/// | --- | --- |
/// | without a shield | 2 |
/// | shielded, in either mode | 356 |
/// | shielded, with a limit of 50 inside | 50 |
///
/// - Inside means after the shield, in *one* `ServiceBuilder`, as in the example above. The permit
///   is then part of the response future: an orphan keeps its permit until it ends, and a client
///   that waits for one has begun nothing and can be dropped.
/// - With two `.layer(..)` calls on an axum `Router`, the shielded future also contains the wait
///   for the permit. The handlers are bounded, but not the requests that wait, each of which is an
///   orphan once its client is gone.
/// - Use `GlobalConcurrencyLimitLayer`: axum may apply a layer again for each connection, and each
///   application of a `ConcurrencyLimitLayer` is a new limit.
/// - tonic's own `Server::concurrency_limit_per_connection` is applied *outside* the layers given
///   to `Server::layer`. Its permit is returned when the stream is reset, so it does not bound
///   orphans.
/// - A limit bounds the number of orphans, but not the time for which they run. To bound that time,
///   put a timeout inside the shield, or end the handler with [`Caller::run_with_grace`].
/// - To answer 503 while too many handlers are orphans, use a layer outside that checks
///   [`Tracker::orphans`](crate::Tracker::orphans). Do not use the predicate for that: a request
///   that it does not choose can be cut off partway, under exactly the load at which clients hang
///   up.
///
/// # What goes inside, and what outside
///
/// A layer inside is part of the work: it continues with the handler when the client hangs up. A
/// layer outside is part of the caller: its future is dropped.
///
/// | layer | place | because |
/// | --- | --- | --- |
/// | concurrency limit | inside | see above |
/// | timeout (`TimeoutLayer`) | outside, to answer the client in time | the handler continues as an orphan |
/// | | inside, to bound the handler | the timeout cuts the handler off partway: a shield does not protect the handler from a layer that is itself inside the shield |
/// | `TraceLayer` | outside | the handler keeps the span (see below), and so do the events of orphans. If the client hangs up, `on_response` is not called. Inside, it is called for orphans too, with the time that the handler took |
/// | `CatchPanicLayer` | outside | the panic resumes in the response future and is caught there; the panic of an orphan is an `Err` in its hook, and counts as a panic. Inside, the shield sees a response with status 500, and the hook gets that |
/// | tower-http's `OnEarlyDropLayer` | outside | it reports that the client hung up. Inside, it reports nothing, because the handler is not dropped |
///
/// A guard that reports its own drop as a hang-up is also dropped when the handler panics, because
/// a panic unwinds through the caller. It must check [`std::thread::panicking`], or have a
/// `CatchPanicLayer` between itself and the shield. `OnEarlyDropLayer` does not check, so it needs
/// a `CatchPanicLayer`.
///
/// # What is covered
///
/// - The response *future* is covered, and a streaming body is not: what a body does after the
///   response has been returned is cut off when the client hangs up, as without the layer. If a
///   body has to clean up, let it own a [`cleanup`](crate::cleanup()).
/// - The response of an orphan reaches nobody. It is dropped, unless [`on_orphan`](Self::on_orphan)
///   gives the request a hook.
/// - A handler that waits for the rest of a request body is unfinished work like any other. If the
///   client sends half of a body and keeps the connection open, an axum handler whose extractor
///   waits for the body never ends, and [`Tracker::drain`](crate::Tracker::drain) waits for it
///   until its deadline. Bound it: tower-http's `RequestBodyTimeoutLayer`, inside, ends such a body
///   with an error. If the client hangs up, the body ends with an error by itself, and the handler
///   with it.
///
/// # The handler's span
///
/// With the feature `tracing`, a shielded handler is polled and dropped inside the span in which
/// the service was called, wherever it runs. So the events of a handler, and of an orphan, are
/// found under the span of the request, for example the span that a `TraceLayer` outside creates.
/// The span closes only when the orphan has ended. Other context, such as task-locals, is not
/// passed on to a task: set it inside the shield.
///
/// # Cancel safety
///
/// If the response future is dropped, the handler continues, as with
/// [`ShieldExt::shield`](crate::ShieldExt::shield), or in the mode [`on_drop`](Self::on_drop) as
/// with [`shield_on_drop`](crate::ShieldExt::shield_on_drop). If the predicate returned `false`,
/// the handler is dropped with the response future, as without the layer.
///
/// # Panics
///
/// A panic of the handler resumes in the code that awaits the response, with its own payload: the
/// connection sees what it would have seen without the layer. If the executor drops the handler
/// unfinished, as a runtime does when it is shut down, awaiting the response panics with a
/// descriptive message, which ends the connection.
///
/// A panic of a closure that this layer was given, of the inner service or of the spawner passes
/// through `call`. If the request has been given a [`Caller`] by then, that caller is gone. If the
/// spawner panicked, the handler's outcome goes to its hook.
///
/// # Examples
///
/// A handler that stops queueing when its client is gone, and a log of the orders whose answer
/// reached nobody:
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use axum::{Extension, Router, extract::Request, http::StatusCode, response::Response, routing::post};
/// use futures_shield::{Caller, ShieldLayer, Tokio, Tracker};
/// use tower::{ServiceBuilder, limit::GlobalConcurrencyLimitLayer};
///
/// # struct Connection;
/// # impl Connection { async fn charge_and_record(&self) -> &'static str { "recorded" } }
/// # async fn connection() -> Connection { Connection }
/// async fn order(Extension(caller): Extension<Caller>) -> Result<&'static str, StatusCode> {
///     // Nothing has begun: this may be cut off.
///     let connection = caller.run_until_gone(connection()).await.ok_or(StatusCode::SERVICE_UNAVAILABLE)?;
///     // This may not.
///     Ok(connection.charge_and_record().await)
/// }
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let shield = ShieldLayer::new(Tracker::new(Tokio::current()))
///     .with_caller(|request: &mut Request, caller| request.extensions_mut().insert(caller))
///     .on_orphan(|request: &Request| {
///         let path = request.uri().path().to_owned();
///         move |outcome| match outcome {
///             Ok(Ok(_response)) => eprintln!("{path}: done, and its client is gone"),
///             Ok(Err(infallible)) => match infallible {},
///             Err(error) => eprintln!("{path}: {error}"),
///         }
///     });
/// let app: Router = Router::new()
///     .route("/orders", post(order))
///     .layer(ServiceBuilder::new().layer(shield).layer(GlobalConcurrencyLimitLayer::new(100)));
/// # drop(app);
/// # });
/// # }
/// ```
#[derive(Clone)]
pub struct ShieldLayer<S, P = Always, C = NoCaller, H = NoHook> {
    pub(super) spawner: Contained<S>,
    pub(super) predicate: P,
    pub(super) with_caller: C,
    pub(super) on_orphan: H,
    pub(super) mode: Mode,
    pub(super) location: CallLocation,
}

/// How the chosen response futures run.
#[derive(Clone, Copy, Debug)]
pub(super) enum Mode {
    /// As tasks, as by `.shield()`.
    Eager,
    /// Inside the connection's task until they are dropped, as by `.shield_on_drop()`.
    OnDrop,
}

impl<S> ShieldLayer<S> {
    /// Creates a layer that shields every response future, as
    /// [`ShieldExt::shield`](crate::ShieldExt::shield) does.
    #[track_caller]
    pub fn new(spawner: S) -> Self {
        Self {
            spawner: Contained::new(spawner),
            predicate: Always,
            with_caller: NoCaller,
            on_orphan: NoHook,
            mode: Mode::Eager,
            location: Location::caller(),
        }
    }
}

impl<S, P, C, H> ShieldLayer<S, P, C, H> {
    /// Shields as [`ShieldExt::shield_on_drop`](crate::ShieldExt::shield_on_drop) does: without a
    /// task for each request. When a client hangs up, the rest of its handler is spawned.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// # use futures_shield::{ShieldLayer, Tokio};
    /// use tower::{ServiceBuilder, limit::GlobalConcurrencyLimitLayer};
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let layers = ServiceBuilder::new()
    ///     .layer(ShieldLayer::new(Tokio::current()).on_drop())
    ///     .layer(GlobalConcurrencyLimitLayer::new(100));
    /// # drop(layers);
    /// # });
    /// # }
    /// ```
    #[must_use]
    pub fn on_drop(mut self) -> Self {
        self.mode = Mode::OnDrop;
        self
    }

    /// Shields only the responses to requests for which `predicate` returns `true`. A second
    /// predicate replaces the first.
    ///
    /// The closure's parameter needs a type. A request that is not chosen is handled as without the
    /// layer: its handler is dropped partway when the client hangs up.
    #[must_use]
    pub fn only_if<R, F>(self, predicate: F) -> ShieldLayer<S, OnlyIf<F>, C, H>
    where
        F: Fn(&R) -> bool,
    {
        ShieldLayer {
            spawner: self.spawner,
            predicate: OnlyIf::new(predicate),
            with_caller: self.with_caller,
            on_orphan: self.on_orphan,
            mode: self.mode,
            location: self.location,
        }
    }

    /// Gives each request its [`Caller`], so that the handler can see whether its client is still
    /// there.
    ///
    /// `pass` is called for every request, after the predicate and before the inner service, even
    /// if the predicate returned `false`: so a handler can rely on getting its `Caller`. What
    /// `pass` returns is dropped. The caller is gone once the response future has completed or was
    /// dropped. A second `with_caller` replaces the first.
    ///
    /// The type of the request has to be written: `|request: &mut Request, caller|`.
    ///
    /// # Examples
    ///
    /// With axum, the extensions of the request carry it. Without the layer, the `Extension`
    /// extractor would answer 500.
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use axum::{Extension, Router, extract::Request, routing::get};
    /// use futures_shield::{Caller, ShieldLayer, Tokio};
    /// use tower::{ServiceBuilder, limit::GlobalConcurrencyLimitLayer};
    ///
    /// async fn report(Extension(caller): Extension<Caller>) -> String {
    ///     let mut rows = Vec::new();
    ///     while rows.len() < 1_000 && !caller.is_gone() {
    ///         rows.push("row");
    ///     }
    ///     rows.join("\n")
    /// }
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let shield = ShieldLayer::new(Tokio::current())
    ///     .with_caller(|request: &mut Request, caller| request.extensions_mut().insert(caller));
    /// let app: Router = Router::new()
    ///     .route("/", get(report))
    ///     .layer(ServiceBuilder::new().layer(shield).layer(GlobalConcurrencyLimitLayer::new(100)));
    /// # drop(app);
    /// # });
    /// # }
    /// ```
    #[must_use]
    pub fn with_caller<R, F, O>(self, pass: F) -> ShieldLayer<S, P, WithCaller<F>, H>
    where
        F: Fn(&mut R, Caller) -> O,
    {
        ShieldLayer {
            spawner: self.spawner,
            predicate: self.predicate,
            with_caller: WithCaller::new(pass),
            on_orphan: self.on_orphan,
            mode: self.mode,
            location: self.location,
        }
    }

    /// Gives each shielded request a hook, which is called with the outcome if the client is gone.
    ///
    /// `make_hook` is called for each shielded request, after [`with_caller`](Self::with_caller)
    /// and before the inner service. It returns the hook, which can capture parts of the request:
    /// the layer has one location, so this is the only way to learn *which* request it was. A
    /// second `on_orphan` replaces the first.
    ///
    /// The hook is called at most once, when the handler has ended and its response future was
    /// dropped before it completed: see [`Shield::on_orphan`](crate::Shield::on_orphan). It is also
    /// called if the response future was never polled, unless the layer is in
    /// [`on_drop`](Self::on_drop) mode: there, a handler that was never polled never ran, and its
    /// hook is dropped. If the response has reached its caller, the hook is dropped, too.
    ///
    /// It takes a closure that returns a closure, `|request: &Request| move |outcome| ..`. If the
    /// outer one is missing, as in `on_orphan(|outcome| ..)`, the compiler reports that it expected
    /// a `FnOnce(Result<_, ShieldError>)` closure and found another type, or a "type mismatch in
    /// closure arguments" (E0631).
    ///
    /// The type of the request has to be written: `|request: &Request|`. The type of the outcome is
    /// `Result<Result<Response, Error>, ShieldError>`, for the response and the error of the inner
    /// service. It has to be written only if the hook calls methods of the response.
    ///
    /// # Panics
    ///
    /// A panic of a hook, or of its drop, is contained. A panic of `make_hook` passes through
    /// `call`.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use std::convert::Infallible;
    /// use axum::{Router, extract::Request, response::Response, routing::post};
    /// use futures_shield::{ShieldError, ShieldLayer, Tokio};
    /// use tower::{ServiceBuilder, limit::GlobalConcurrencyLimitLayer};
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let shield = ShieldLayer::new(Tokio::current()).on_orphan(|request: &Request| {
    ///     let order = request.headers().get("idempotency-key").cloned();
    ///     move |outcome: Result<Result<Response, Infallible>, ShieldError>| match outcome {
    ///         Ok(Ok(response)) => eprintln!("{order:?}: {}, which nobody has read", response.status()),
    ///         Ok(Err(infallible)) => match infallible {},
    ///         Err(error) => eprintln!("{order:?}: {error}"),
    ///     }
    /// });
    /// let app: Router = Router::new()
    ///     .route("/orders", post(|| async { "recorded" }))
    ///     .layer(ServiceBuilder::new().layer(shield).layer(GlobalConcurrencyLimitLayer::new(100)));
    /// # drop(app);
    /// # });
    /// # }
    /// ```
    #[must_use]
    pub fn on_orphan<R, F, K, T>(self, make_hook: F) -> ShieldLayer<S, P, C, OnOrphan<F, T>>
    where
        F: Fn(&R) -> K,
        K: FnOnce(Result<T, ShieldError>) + Send + 'static,
    {
        ShieldLayer {
            spawner: self.spawner,
            predicate: self.predicate,
            with_caller: self.with_caller,
            on_orphan: OnOrphan::new(make_hook),
            mode: self.mode,
            location: self.location,
        }
    }
}

impl<S: fmt::Debug, P, C, H> fmt::Debug for ShieldLayer<S, P, C, H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShieldLayer")
            .field("spawner", &self.spawner)
            .field("mode", &self.mode)
            .field("location", &format_args!("{}", self.location))
            .finish_non_exhaustive()
    }
}

impl<I, S: Clone, P: Clone, C: Clone, H: Clone> Layer<I> for ShieldLayer<S, P, C, H> {
    type Service = ShieldService<I, S, P, C, H>;

    fn layer(&self, inner: I) -> Self::Service {
        // `Contained` before the clone, which may panic.
        let inner = Contained::new(inner);
        ShieldService::new(inner, self.clone())
    }
}
