//! A client that hangs up, resets its stream or loses its connection: the handler completes.

use std::future::IntoFuture;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::Request;
use axum::routing::get;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;

use super::{app, hang_up, serve, watched};
use crate::support::http2::{Call, Connection};
use crate::support::{BOTH, Steps, http1, http2, timely, tracker};

/// How a client goes away.
#[derive(Clone, Copy, Debug)]
enum Leaves {
    /// It closes its HTTP/1 connection.
    HangsUp,
    /// It sends RST_STREAM, and keeps its HTTP/2 connection.
    Resets,
    /// Its HTTP/2 connection breaks.
    IsCutOff,
}

const WAYS: [Leaves; 3] = [Leaves::HangsUp, Leaves::Resets, Leaves::IsCutOff];

/// A client that waits for its answer.
enum Client {
    Http1(TcpStream),
    Http2(Connection, Call),
}

impl Client {
    async fn ask(address: SocketAddr, leaves: Leaves) -> Self {
        match leaves {
            Leaves::HangsUp => Self::Http1(http1::get(address, "/").await),
            Leaves::Resets | Leaves::IsCutOff => {
                let mut connection = Connection::open(address).await;
                let call = connection.send(http2::get(address, "/")).await.unwrap();
                Self::Http2(connection, call)
            }
        }
    }

    /// Returns the connection that is left, if there is one.
    fn leave(self, leaves: Leaves) -> Option<Connection> {
        match (self, leaves) {
            (Self::Http2(connection, call), Leaves::Resets) => {
                call.reset();
                Some(connection)
            }
            _ => None,
        }
    }

    async fn answer(self) -> String {
        match self {
            Self::Http1(connection) => http1::answer(connection).await.unwrap(),
            Self::Http2(_connection, call) => call.answer().await.unwrap().body,
        }
    }
}

/// The control: without the layer, each of these ways to leave drops the handler.
#[tokio::test]
async fn without_the_layer_the_handler_is_cut_off() {
    for leaves in WAYS {
        let mut steps = Steps::new();
        let client = Client::ask(serve(app(&steps)).await, leaves).await;
        steps.expect(&["inside"]).await;
        let _connection = client.leave(leaves);
        steps.expect(&["dropped"]).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn with_the_layer_the_handler_completes() {
    for (mode, leaves) in BOTH.into_iter().flat_map(|mode| WAYS.map(|leaves| (mode, leaves))) {
        let (mut steps, tracker) = (Steps::new(), tracker());
        let layer = mode.layer(tracker.clone());
        let line = line!() - 1;
        let address = serve(watched(&steps, app(&steps).layer(layer))).await;
        let client = Client::ask(address, leaves).await;
        steps.expect(&["arrived", "inside"]).await;
        assert_eq!((tracker.len(), tracker.orphans()), (1, 0));
        let connection = client.leave(leaves);
        steps.expect(&["caller gone"]).await;
        assert_eq!((tracker.len(), tracker.orphans()), (1, 1), "{mode:?} {leaves:?}");
        let location = tracker.unfinished().locations()[0].location();
        assert_eq!((location.file(), location.line()), (file!(), line));

        steps.open();
        steps.expect(&["completed", "dropped"]).await;
        timely(tracker.wait()).await;

        // A connection that is left serves the next request.
        if let Some(mut connection) = connection {
            let call = connection.send(http2::get(address, "/")).await.unwrap();
            steps.open();
            assert_eq!(call.answer().await.unwrap().body, "receipt");
        }
    }
}

#[tokio::test]
async fn a_client_that_stays_gets_its_answer() {
    for (mode, leaves) in BOTH.into_iter().flat_map(|mode| WAYS.map(|leaves| (mode, leaves))) {
        let (mut steps, tracker) = (Steps::new(), tracker());
        steps.open();
        let plain = Client::ask(serve(app(&steps)).await, leaves).await.answer().await;
        assert!(plain.ends_with("receipt"), "{plain}");
        steps.expect(&["inside", "completed", "dropped"]).await;

        let app = watched(&steps, app(&steps).layer(mode.layer(tracker.clone())));
        let address = serve(app).await;
        let client = Client::ask(address, leaves).await;
        steps.expect(&["arrived", "inside"]).await;
        steps.open();
        assert_eq!(client.answer().await, plain, "{mode:?} {leaves:?}");
        timely(tracker.wait()).await;
    }
}

#[tokio::test]
async fn only_chosen_requests_continue() {
    for mode in BOTH {
        let (mut steps, tracker) = (Steps::new(), tracker());
        let chosen = |request: &Request| request.headers().contains_key("x-keep");
        let app = watched(&steps, app(&steps).layer(mode.layer(tracker.clone()).only_if(chosen)));
        let address = serve(app).await;

        let connection = http1::get(address, "/").await;
        steps.expect(&["arrived", "inside"]).await;
        drop(connection);
        steps.expect(&["dropped", "caller gone"]).await;
        assert!(tracker.is_empty());

        let connection = http1::send(address, "GET / HTTP/1.1\r\nhost: here\r\nx-keep: 1\r\n\r\n").await;
        hang_up(&mut steps, connection).await;
    }
}

/// Clients that hang up at any point, before the request arrives or after the answer was sent:
/// started work completes.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn started_work_always_completes() {
    const CLIENTS: usize = 60;
    for mode in BOTH {
        let (mut steps, tracker) = (Steps::new(), tracker());
        let reporter = steps.reporter();
        let handler = move || {
            let reporter = reporter.clone();
            async move {
                reporter.report("inside");
                for _ in 0..20 {
                    tokio::task::yield_now().await;
                }
                reporter.report("completed");
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
                let connection = http1::get(address, "/").await;
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
            http1::answer(http1::get(address, "/").await)
                .await
                .unwrap()
                .starts_with("HTTP/1.1 200 OK")
        );

        // After the connections have ended, and then the orphans, all steps have been reported.
        stop.send(()).unwrap();
        timely(server).await.unwrap().unwrap();
        timely(tracker.wait()).await;
        let told: Vec<_> = std::iter::from_fn(|| steps.try_next()).collect();
        let [inside, completed] = ["inside", "completed"].map(|what| told.iter().filter(|told| **told == what).count());
        assert_eq!(inside, completed);
        assert!(completed > 0);
    }
}
