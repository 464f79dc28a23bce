//! A real server over TCP, with clients that hang up.
//!
//! Events are sent through one channel, in order: `arrived` when a request arrives outside of the
//! layer under test; `inside` when its handler runs; then the handler's `completed`, and `handler
//! dropped` when its future is dropped; and `caller gone` when the layers outside are dropped,
//! after everything that they hold.

use std::convert::Infallible;
use std::future::IntoFuture;
use std::net::SocketAddr;
use std::panic::panic_any;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use axum::Router;
use axum::body::{Body, Bytes};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use axum::routing::{Route, get};
use futures_shield::{ShieldLayer, Spawn, Tokio, Tracker};
use futures_util::{FutureExt, Stream};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{Semaphore, mpsc, oneshot};
use tower::layer::util::Identity;
use tower::limit::{ConcurrencyLimit, ConcurrencyLimitLayer, GlobalConcurrencyLimitLayer};
use tower::{Layer, Service, ServiceBuilder};
use tower_http::catch_panic::CatchPanicLayer;

use super::Mode;
use crate::support::*;

const BOTH: [Mode; 2] = [Mode::Eager, Mode::OnDrop];

/// The events of the server, as they happen.
struct Story {
    told: mpsc::UnboundedReceiver<&'static str>,
    narrator: Narrator,
}

#[derive(Clone)]
struct Narrator {
    tell: mpsc::UnboundedSender<&'static str>,
    gate: Arc<Semaphore>,
}

impl Story {
    fn new() -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        let gate = Arc::new(Semaphore::new(0));
        Self {
            told,
            narrator: Narrator { tell, gate },
        }
    }

    /// Lets one handler through.
    fn open(&self) {
        self.narrator.gate.add_permits(1);
    }

    async fn next(&mut self) -> &'static str {
        timely(self.told.recv()).await.unwrap()
    }

    /// Asserts that these events are next, in this order.
    async fn expect(&mut self, events: &[&str]) {
        for event in events {
            assert_eq!(self.next().await, *event);
        }
    }

    /// Asserts that there is no other event.
    fn expect_nothing(&mut self) {
        assert!(self.told.try_recv().is_err());
    }

    /// Returns an app with a handler that waits at the gate.
    fn app(&self) -> Router {
        let narrator = self.narrator.clone();
        Router::new().route("/", get(move || narrator.clone().handle()))
    }

    /// Sends an event for each request and for its end, outside of the layers that `app` has.
    fn watch(&self, app: Router) -> Router {
        let narrator = self.narrator.clone();
        app.layer(from_fn(move |request: Request, next: Next| {
            let narrator = narrator.clone();
            async move {
                narrator.say("arrived");
                let _gone = narrator.at_drop("caller gone");
                next.run(request).await
            }
        }))
    }
}

impl Narrator {
    fn say(&self, what: &'static str) {
        let _ = self.tell.send(what);
    }

    fn at_drop(&self, what: &'static str) -> OnDrop {
        let narrator = self.clone();
        OnDrop::new(move || narrator.say(what))
    }

    async fn handle(self) -> &'static str {
        let _dropped = self.at_drop("handler dropped");
        self.say("inside");
        self.gate.acquire().await.unwrap().forget();
        self.say("completed");
        "receipt"
    }
}

/// Serves on a port of its own until the runtime is dropped.
async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());
    address
}

/// Sends a request, and returns the connection.
async fn request(address: SocketAddr) -> TcpStream {
    timely(async {
        let mut connection = TcpStream::connect(address).await.unwrap();
        let request = format!("GET / HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
        connection.write_all(request.as_bytes()).await.unwrap();
        connection
    })
    .await
}

/// Returns what the server sends until it closes the connection, without the date.
async fn answer(mut connection: TcpStream) -> Result<String, std::io::ErrorKind> {
    let mut bytes = Vec::new();
    let read = timely(connection.read_to_end(&mut bytes)).await;
    let text = String::from_utf8(bytes).unwrap();
    let lines = text.split_inclusive('\n');
    let text = lines.filter(|line| !line.to_lowercase().starts_with("date:")).collect();
    read.map(|_| text).map_err(|error| error.kind())
}

fn is_ok(answer: &Result<String, std::io::ErrorKind>) -> bool {
    answer
        .as_ref()
        .is_ok_and(|text| text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("receipt"))
}

fn tracker() -> Tracker<Tokio> {
    Tracker::new(Tokio::current())
}

// The client hangs up.

#[tokio::test]
async fn unshielded_handler_is_cut_off() {
    let mut story = Story::new();
    let app = story.watch(story.app());
    let connection = request(serve(app).await).await;

    story.expect(&["arrived", "inside"]).await;
    drop(connection);
    story.expect(&["handler dropped", "caller gone"]).await;
    story.open();
    story.expect_nothing();
}

/// The caller is gone before the handler may continue, so it is the orphan that completes.
async fn with_the_layer_it_completes(mode: Mode) {
    let (mut story, tracker) = (Story::new(), tracker());
    let app = story.watch(story.app().layer(mode.layer(tracker.clone())));
    let line = line!() - 1;
    let connection = request(serve(app).await).await;

    story.expect(&["arrived", "inside"]).await;
    assert_eq!((tracker.len(), tracker.orphans()), (1, 0));
    drop(connection);
    story.expect(&["caller gone"]).await;
    assert_eq!((tracker.len(), tracker.orphans()), (1, 1));
    let location = tracker.unfinished().locations()[0].location();
    assert_eq!((location.file(), location.line()), (file!(), line));

    story.open();
    story.expect(&["completed", "handler dropped"]).await;
    timely(tracker.wait()).await;
    story.expect_nothing();
}

#[tokio::test]
async fn completes_eagerly() {
    with_the_layer_it_completes(Mode::Eager).await;
}

#[tokio::test]
async fn completes_on_drop() {
    with_the_layer_it_completes(Mode::OnDrop).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_layer_it_completes_on_many_threads() {
    for mode in BOTH {
        with_the_layer_it_completes(mode).await;
    }
}

/// The work may run on another runtime than the connection.
#[tokio::test]
async fn completes_on_another_runtime() {
    let other = Other::new();
    for mode in BOTH {
        let mut story = Story::new();
        let app = story.watch(story.app().layer(mode.layer(other.spawner())));
        let connection = request(serve(app).await).await;

        story.expect(&["arrived", "inside"]).await;
        drop(connection);
        story.expect(&["caller gone"]).await;
        story.open();
        story.expect(&["completed", "handler dropped"]).await;
    }
}

#[tokio::test]
async fn staying_client_gets_its_answer() {
    let mut story = Story::new();
    story.open();
    let plain = answer(request(serve(story.app()).await).await).await;
    assert!(is_ok(&plain), "{plain:?}");
    story.expect(&["inside", "completed", "handler dropped"]).await;

    for mode in BOTH {
        let tracker = tracker();
        let address = serve(story.app().layer(mode.layer(tracker.clone()))).await;
        let connection = request(address).await;
        story.expect(&["inside"]).await;
        assert_eq!((tracker.len(), tracker.orphans()), (1, 0));
        story.open();
        assert_eq!(answer(connection).await, plain);
        story.expect(&["completed", "handler dropped"]).await;
        timely(tracker.wait()).await;
    }
}

#[tokio::test]
async fn only_chosen_requests_continue() {
    for mode in BOTH {
        let (mut story, tracker) = (Story::new(), tracker());
        let chosen = |request: &Request| request.headers().contains_key("x-keep");
        let app = story.watch(story.app().layer(mode.layer(tracker.clone()).only_if(chosen)));
        let address = serve(app).await;

        let connection = request(address).await;
        story.expect(&["arrived", "inside"]).await;
        drop(connection);
        story.expect(&["handler dropped", "caller gone"]).await;
        assert!(tracker.is_empty());

        let mut connection = TcpStream::connect(address).await.unwrap();
        let kept = b"GET / HTTP/1.1\r\nhost: here\r\nx-keep: 1\r\n\r\n";
        timely(connection.write_all(kept)).await.unwrap();
        story.expect(&["arrived", "inside"]).await;
        drop(connection);
        story.expect(&["caller gone"]).await;
        story.open();
        story.expect(&["completed", "handler dropped"]).await;
    }
}

/// Clients that hang up at any point, before the request arrives or after the answer was sent:
/// started work completes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whenever_clients_hang_up_what_has_started_completes() {
    const CLIENTS: usize = 60;
    for mode in BOTH {
        let (mut story, tracker) = (Story::new(), tracker());
        let narrator = story.narrator.clone();
        let handler = move || {
            let narrator = narrator.clone();
            async move {
                narrator.say("inside");
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
                narrator.say("completed");
            }
        };
        let app = Router::new()
            .route("/", get(handler))
            .layer(mode.layer(tracker.clone()));
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let server = axum::serve(listener, app).with_graceful_shutdown(async { drop(stopped.await) });
        let server = tokio::spawn(server.into_future());

        let clients = (0..CLIENTS).map(|turns| {
            tokio::spawn(async move {
                let connection = request(address).await;
                for _ in 0..turns {
                    tokio::task::yield_now().await;
                }
                drop(connection);
            })
        });
        for client in clients.collect::<Vec<_>>() {
            timely(client).await.unwrap();
        }
        // One client that stays, behind all that hung up.
        assert!(
            answer(request(address).await)
                .await
                .unwrap()
                .starts_with("HTTP/1.1 200 OK")
        );

        // After the connections have ended, and then the orphans, all events have been sent.
        stop.send(()).unwrap();
        timely(server).await.unwrap().unwrap();
        timely(tracker.wait()).await;
        let told: Vec<_> = std::iter::from_fn(|| story.told.try_recv().ok()).collect();
        let [inside, completed] = ["inside", "completed"].map(|what| told.iter().filter(|told| **told == what).count());
        assert_eq!(inside, completed);
        assert!(completed > 0);
    }
}

// Other layers.

/// The test ends the time itself: with a clock, a slow machine would answer before the handler has
/// begun.
async fn a_timeout_outside_answers(mode: Mode) {
    let (mut story, tracker) = (Story::new(), tracker());
    let (fire, fired) = oneshot::channel::<()>();
    let fired = fired.shared();
    let timeout = from_fn(move |request: Request, next: Next| {
        let fired = fired.clone();
        async move {
            tokio::select! {
                biased;
                response = next.run(request) => response,
                _ = fired => StatusCode::REQUEST_TIMEOUT.into_response(),
            }
        }
    });
    let app = story.watch(story.app().layer(mode.layer(tracker.clone())));
    let connection = request(serve(app.layer(timeout)).await).await;

    story.expect(&["arrived", "inside"]).await;
    fire.send(()).unwrap();
    let answer = answer(connection).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer}");
    story.expect(&["caller gone"]).await;
    story.expect_nothing();
    assert_eq!(tracker.len(), 1);

    story.open();
    story.expect(&["completed", "handler dropped"]).await;
    timely(tracker.wait()).await;
}

#[tokio::test]
async fn timeout_outside_eager() {
    a_timeout_outside_answers(Mode::Eager).await;
}

#[tokio::test]
async fn timeout_outside_on_drop() {
    a_timeout_outside_answers(Mode::OnDrop).await;
}

/// A limit of one for all connections, inside `outside`. Axum applies a layer to its handlers again
/// for each connection, until they have their state, and each application of a
/// `ConcurrencyLimitLayer` is a new limit: hence `with_state`, or the global limit. It is one layer
/// together with `outside`, because axum is always ready between two layers of its own.
fn limited<L>(app: &Router, outside: &L) -> [Router; 2]
where
    L: Layer<Limited> + Clone + Send + Sync + 'static,
    L::Service: Service<Request, Response: IntoResponse, Error: Into<Infallible>, Future: Send> + Clone + Send + Sync,
{
    let builder = ServiceBuilder::new().layer(outside.clone());
    [
        app.clone()
            .with_state(())
            .layer(builder.clone().layer(ConcurrencyLimitLayer::new(1))),
        app.clone().layer(builder.layer(GlobalConcurrencyLimitLayer::new(1))),
    ]
}

type Limited = ConcurrencyLimit<Route>;

#[tokio::test]
async fn limit_inside_bounds_orphans() {
    for (mode, which) in [(Mode::Eager, 0), (Mode::Eager, 1), (Mode::OnDrop, 0), (Mode::OnDrop, 1)] {
        let (mut story, tracker) = (Story::new(), tracker());
        let app = limited(&story.app(), &mode.layer(tracker.clone()))[which].clone();
        let address = serve(story.watch(app)).await;

        let first = request(address).await;
        story.expect(&["arrived", "inside"]).await;
        drop(first);
        story.expect(&["caller gone"]).await;

        // In the queue: its handler comes after the orphan has ended.
        let second = request(address).await;
        story.expect(&["arrived"]).await;
        story.expect_nothing();
        assert_eq!(tracker.len(), 1);
        // A client that leaves the queue leaves no orphan, because nothing has begun.
        let third = request(address).await;
        story.expect(&["arrived"]).await;
        drop(third);
        story.expect(&["caller gone"]).await;
        assert_eq!(tracker.len(), 1);

        story.open();
        story.expect(&["completed", "handler dropped", "inside"]).await;
        story.open();
        assert!(is_ok(&answer(second).await));
        story.expect(&["completed", "handler dropped", "caller gone"]).await;
        timely(tracker.wait()).await;
        story.expect_nothing();
    }
}

/// If it is applied to an axum router by itself, a limit queues in the response future, which is
/// then shielded too.
#[tokio::test]
async fn axum_limit_has_shielded_queue() {
    for mode in BOTH {
        let (mut story, tracker) = (Story::new(), tracker());
        let app = story.app().layer(GlobalConcurrencyLimitLayer::new(1));
        let address = serve(story.watch(app.layer(mode.layer(tracker.clone())))).await;

        for orphans in [1, 2] {
            let connection = request(address).await;
            story.expect(&["arrived"]).await;
            if orphans == 1 {
                story.expect(&["inside"]).await;
            }
            drop(connection);
            story.expect(&["caller gone"]).await;
            assert_eq!(tracker.len(), orphans);
        }
        story.expect_nothing();

        story.open();
        story.expect(&["completed", "handler dropped", "inside"]).await;
        story.open();
        story.expect(&["completed", "handler dropped"]).await;
        timely(tracker.wait()).await;
    }
}

#[tokio::test]
async fn unshielded_limit_is_released() {
    for which in [0, 1] {
        let mut story = Story::new();
        let address = serve(story.watch(limited(&story.app(), &Identity::new())[which].clone())).await;
        let first = request(address).await;
        story.expect(&["arrived", "inside"]).await;
        let _second = request(address).await;
        story.expect(&["arrived"]).await;
        story.expect_nothing();
        drop(first);
        story.expect(&["handler dropped", "caller gone", "inside"]).await;
    }
}

// Panics.

#[derive(Debug, PartialEq)]
struct Spilled;

fn spilling() -> Router {
    Router::new()
        .route(
            "/",
            get(|| async {
                if true {
                    panic_any(Spilled)
                }
            }),
        )
        .route(
            "/words",
            get(|| async {
                if true {
                    panic!("out of paper")
                }
            }),
        )
}

#[tokio::test]
async fn panic_is_caught_outside() {
    let plain = answer(request(serve(spilling().layer(CatchPanicLayer::new())).await).await).await;
    let text = plain.as_ref().unwrap();
    assert!(text.starts_with("HTTP/1.1 500 Internal Server Error\r\n"), "{text}");

    for mode in BOTH {
        let app = spilling()
            .layer(mode.layer(Tokio::current()))
            .layer(CatchPanicLayer::new());
        assert_eq!(answer(request(serve(app).await).await).await, plain);

        // The layer outside gets the handler's own payload.
        let (tell, mut told) = mpsc::unbounded_channel();
        let catch = CatchPanicLayer::custom(move |payload: Box<dyn std::any::Any + Send>| {
            tell.send(payload.is::<Spilled>()).unwrap();
            axum::http::Response::new(Body::empty())
        });
        let app = spilling().layer(mode.layer(Tokio::current())).layer(catch);
        assert!(answer(request(serve(app).await).await).await.is_ok());
        assert_eq!(timely(told.recv()).await, Some(true));
    }
}

/// A panic that nobody catches ends the connection, as without the layer.
#[tokio::test]
async fn panic_ends_the_connection() {
    let plain = answer(request(serve(spilling()).await).await).await;
    assert_eq!(plain, Ok(String::new()));

    for mode in BOTH {
        let tracker = tracker();
        let address = serve(spilling().layer(mode.layer(tracker.clone()))).await;
        // The server continues.
        for _ in 0..2 {
            assert_eq!(answer(request(address).await).await, plain);
        }
        timely(tracker.wait()).await;
    }
}

#[tokio::test]
async fn orphan_panic_spares_the_server() {
    for mode in BOTH {
        let (mut story, tracker) = (Story::new(), tracker());
        let narrator = story.narrator.clone();
        let handler = move || {
            let narrator = narrator.clone();
            async move {
                narrator.clone().handle().await;
                if true {
                    panic_any(Spilled);
                }
            }
        };
        let app = Router::new()
            .route("/", get(handler))
            .layer(mode.layer(tracker.clone()));
        let address = serve(story.watch(app.route("/well", get(|| async { "receipt" })))).await;

        let connection = request(address).await;
        story.expect(&["arrived", "inside"]).await;
        drop(connection);
        story.expect(&["caller gone"]).await;
        story.open();
        story.expect(&["completed", "handler dropped"]).await;
        timely(tracker.wait()).await;

        let mut connection = TcpStream::connect(address).await.unwrap();
        let well = b"GET /well HTTP/1.1\r\nhost: here\r\nconnection: close\r\n\r\n";
        timely(connection.write_all(well)).await.unwrap();
        assert!(is_ok(&answer(connection).await));
    }
}

// A runtime that shuts down.

/// A runtime that is not the connection's. It is shut down when its drop returns, on another
/// thread, because a runtime cannot be dropped inside another one.
struct Other(Option<Runtime>);

impl Other {
    fn new() -> Self {
        Self(Some(
            Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap(),
        ))
    }

    fn spawner(&self) -> Tokio {
        Tokio::from(self.0.as_ref().unwrap().handle().clone())
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            on_a_thread(|| drop(runtime));
        }
    }
}

#[tokio::test]
async fn eager_dead_runtime() {
    let mut story = Story::new();
    let other = Other::new();
    let spawner = other.spawner();
    drop(other);

    let address = serve(story.app().layer(ShieldLayer::new(spawner))).await;
    assert_eq!(answer(request(address).await).await, Ok(String::new()));
    story.expect_nothing();
}

#[tokio::test]
async fn eager_runtime_shuts_down() {
    let mut story = Story::new();
    let other = Other::new();
    let address = serve(story.app().layer(ShieldLayer::new(other.spawner()))).await;

    let connection = request(address).await;
    story.expect(&["inside"]).await;
    drop(other);
    assert_eq!(answer(connection).await, Ok(String::new()));
    story.expect(&["handler dropped"]).await;
}

/// A panic with a message, so a layer outside can answer it.
#[tokio::test]
async fn eager_dead_runtime_is_answered() {
    let story = Story::new();
    let other = Other::new();
    let spawner = other.spawner();
    drop(other);

    let (tell, mut told) = mpsc::unbounded_channel();
    let catch = CatchPanicLayer::custom(move |payload: Box<dyn std::any::Any + Send>| {
        tell.send(message(&*payload).to_owned()).unwrap();
        axum::http::Response::new(Body::from("receipt"))
    });
    let app = story.app().layer(ShieldLayer::new(spawner)).layer(catch);
    assert!(is_ok(&answer(request(serve(app).await).await).await));
    let words = timely(told.recv()).await.unwrap();
    assert!(
        words.contains(file!()) && words.contains("was cancelled by its executor"),
        "{words}"
    );
}

#[tokio::test]
async fn on_drop_dead_runtime() {
    let mut story = Story::new();
    let other = Other::new();
    let spawner = other.spawner();
    drop(other);

    let address = serve(story.watch(story.app().layer(ShieldLayer::new(spawner).on_drop()))).await;
    let connection = request(address).await;
    story.open();
    assert!(is_ok(&answer(connection).await));
    story
        .expect(&["arrived", "inside", "completed", "handler dropped", "caller gone"])
        .await;

    let connection = request(address).await;
    story.expect(&["arrived", "inside"]).await;
    drop(connection);
    // No worse than without the layer.
    story.expect(&["handler dropped", "caller gone"]).await;
}

// Not covered.

/// A body with one chunk that then waits forever.
struct Chunks {
    first: Option<&'static str>,
    _dropped: OnDrop,
}

impl Stream for Chunks {
    type Item = Result<Bytes, Infallible>;

    fn poll_next(mut self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        match self.first.take() {
            Some(chunk) => Poll::Ready(Some(Ok(chunk.into()))),
            None => Poll::Pending,
        }
    }
}

#[tokio::test]
async fn streaming_body_is_not_covered() {
    for mode in BOTH {
        let (mut story, tracker) = (Story::new(), tracker());
        let narrator = story.narrator.clone();
        let handler = move || {
            let narrator = narrator.clone();
            async move {
                Body::from_stream(Chunks {
                    first: Some("receipt"),
                    _dropped: narrator.at_drop("body dropped"),
                })
            }
        };
        let app = Router::new()
            .route("/", get(handler))
            .layer(mode.layer(tracker.clone()));
        let mut connection = request(serve(app).await).await;

        let mut text = String::new();
        while !text.contains("receipt") {
            let mut bytes = [0; 1024];
            let length = timely(connection.read(&mut bytes)).await.unwrap();
            assert_ne!(length, 0, "{text}");
            text.push_str(std::str::from_utf8(&bytes[..length]).unwrap());
        }
        timely(tracker.wait()).await;
        story.expect_nothing();
        drop(connection);
        story.expect(&["body dropped"]).await;
        assert!(tracker.is_empty());
    }
}

/// The layer takes any spawner, and so does a generic server.
#[tokio::test]
async fn generic_server() {
    fn shielded<S: Spawn + Clone + Send + Sync + 'static>(app: Router, spawner: S) -> Router {
        app.layer(ShieldLayer::new(spawner.clone()))
            .layer(ShieldLayer::new(spawner).on_drop().only_if(|_: &Request| true))
    }

    let story = Story::new();
    story.open();
    let address = serve(shielded(story.app(), Tokio::current())).await;
    assert!(is_ok(&answer(request(address).await).await));
}
