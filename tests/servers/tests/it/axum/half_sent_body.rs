//! A client that sends half of a request body, to a handler whose extractor waits for all of it.

use std::net::SocketAddr;
use std::time::Duration;

use axum::Router;
use axum::body::Bytes;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::post;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tower::ServiceBuilder;
use tower_http::timeout::RequestBodyTimeoutLayer;

use super::serve;
use crate::support::{BOTH, Mode, http1, timely, tracker};

/// Sends a request of which half the body is missing.
async fn half(address: SocketAddr) -> TcpStream {
    let request = "POST / HTTP/1.1\r\nhost: here\r\ncontent-length: 10\r\nconnection: close\r\n\r\nfirst";
    http1::send(address, request).await
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
async fn unfinished_while_the_client_stays() {
    for mode in BOTH {
        let tracker = tracker();
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
        let response = http1::answer(connection).await.unwrap();
        assert!(response.ends_with("10 bytes"), "{response}");
        timely(tracker.wait()).await;
    }
}

#[tokio::test]
async fn hang_up_ends_the_wait() {
    for mode in BOTH {
        let tracker = tracker();
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
async fn timeout_inside_bounds_the_wait() {
    for mode in BOTH {
        let tracker = tracker();
        let (app, _told) = app();
        let timeout = RequestBodyTimeoutLayer::new(Duration::from_millis(50));
        let layers = ServiceBuilder::new().layer(mode.layer(tracker.clone())).layer(timeout);
        let connection = half(serve(app.layer(layers)).await).await;

        // The client stays, and gets an answer.
        let response = http1::answer(connection).await.unwrap();
        assert!(response.starts_with("HTTP/1.1 4"), "{response}");
        timely(tracker.wait()).await;
    }
}
