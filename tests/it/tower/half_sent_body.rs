//! A client that sends half of a request body, to a handler whose extractor waits for all of it.

use std::future::IntoFuture;
use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::post;
use futures_shield::{Tokio, Tracker};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;
use tower::ServiceBuilder;
use tower_http::timeout::RequestBodyTimeoutLayer;

use super::Mode;
use crate::support::timely;

const BOTH: [Mode; 2] = [Mode::Eager, Mode::OnDrop];

async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());
    address
}

/// Sends a request of which half the body is missing.
async fn half(address: SocketAddr) -> TcpStream {
    timely(async {
        let mut connection = TcpStream::connect(address).await.unwrap();
        let request = "POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 10\r\nconnection: close\r\n\r\nfirst";
        connection.write_all(request.as_bytes()).await.unwrap();
        connection
    })
    .await
}

/// An app with one handler, and what that does: `begun`, before it reads the body, and `ended`.
fn app() -> (Router, mpsc::UnboundedReceiver<&'static str>) {
    let (tell, told) = mpsc::unbounded_channel();
    let watch = from_fn(move |request: Request, next: Next| {
        let tell = tell.clone();
        async move {
            tell.send("begun").unwrap();
            let response = next.run(request).await;
            tell.send("ended").unwrap();
            response
        }
    });
    let handler = post(|body: Bytes| async move { format!("{} bytes", body.len()) });
    (Router::new().route("/", handler).layer(watch), told)
}

#[tokio::test]
async fn a_handler_that_waits_for_its_body_is_unfinished_while_the_client_stays() {
    for mode in BOTH {
        let tracker = Tracker::new(Tokio::current());
        let (app, mut told) = app();
        let address = serve(app.layer(mode.layer(tracker.clone()))).await;
        let mut connection = half(address).await;
        assert_eq!(timely(told.recv()).await, Some("begun"));

        if mode == Mode::Eager {
            let unfinished = tracker
                .drain(tokio::time::sleep(Duration::from_millis(50)))
                .await
                .unwrap_err();
            assert_eq!(unfinished.len(), 1);
        }

        // The rest of the body ends it.
        connection.write_all(b"rest.").await.unwrap();
        let mut response = String::new();
        timely(connection.read_to_string(&mut response)).await.unwrap();
        assert!(response.ends_with("10 bytes"), "{response}");
        timely(tracker.wait()).await;
    }
}

#[tokio::test]
async fn a_client_that_hangs_up_ends_the_wait_for_its_body() {
    for mode in BOTH {
        let tracker = Tracker::new(Tokio::current());
        let (app, mut told) = app();
        let address = serve(app.layer(mode.layer(tracker.clone()))).await;
        let connection = half(address).await;
        assert_eq!(timely(told.recv()).await, Some("begun"));
        drop(connection);
        assert_eq!(
            timely(told.recv()).await,
            Some("ended"),
            "{mode:?}: not dropped partway"
        );
        timely(tracker.wait()).await;
    }
}

#[tokio::test]
async fn a_body_timeout_inside_bounds_the_wait() {
    for mode in BOTH {
        let tracker = Tracker::new(Tokio::current());
        let (app, _told) = app();
        let timeout = RequestBodyTimeoutLayer::new(Duration::from_millis(50));
        let layers = ServiceBuilder::new().layer(mode.layer(tracker.clone())).layer(timeout);
        let mut connection = half(serve(app.layer(layers)).await).await;

        // The client stays, and gets an answer.
        let mut response = String::new();
        timely(connection.read_to_string(&mut response)).await.unwrap();
        assert!(response.starts_with("HTTP/1.1 4"), "{response}");
        timely(tracker.wait()).await;
    }
}
