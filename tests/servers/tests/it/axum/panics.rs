//! Handlers that panic, while their client waits and as orphans.

use std::panic::panic_any;

use axum::Router;
use axum::body::Body;
use axum::routing::get;
use futures_shield::Tokio;
use tokio::sync::mpsc;
use tower_http::catch_panic::CatchPanicLayer;

use super::{hang_up, is_ok, serve, watched};
use crate::support::{BOTH, Steps, http1, timely, tracker};

#[derive(Debug, PartialEq)]
struct Spilled;

fn spilling() -> Router {
    let handler = async || {
        if true {
            panic_any(Spilled)
        }
    };
    Router::new().route("/", get(handler))
}

#[tokio::test]
async fn panic_is_caught_outside() {
    let plain = http1::answer(http1::get(serve(spilling().layer(CatchPanicLayer::new())).await, "/").await).await;
    let text = plain.as_ref().unwrap();
    assert!(text.starts_with("HTTP/1.1 500 Internal Server Error\r\n"), "{text}");

    for mode in BOTH {
        let app = spilling()
            .layer(mode.layer(Tokio::current()))
            .layer(CatchPanicLayer::new());
        assert_eq!(http1::answer(http1::get(serve(app).await, "/").await).await, plain);

        // The layer outside gets the handler's own payload.
        let (tell, mut told) = mpsc::unbounded_channel();
        let catch = CatchPanicLayer::custom(move |payload: Box<dyn std::any::Any + Send>| {
            tell.send(payload.is::<Spilled>()).unwrap();
            axum::http::Response::new(Body::empty())
        });
        let app = spilling().layer(mode.layer(Tokio::current())).layer(catch);
        assert!(http1::answer(http1::get(serve(app).await, "/").await).await.is_ok());
        assert_eq!(timely(told.recv()).await, Some(true));
    }
}

/// A panic that nobody catches ends the connection, as without the layer.
#[tokio::test]
async fn panic_ends_the_connection() {
    let plain = http1::answer(http1::get(serve(spilling()).await, "/").await).await;
    assert_eq!(plain, Ok(String::new()));

    for mode in BOTH {
        let tracker = tracker();
        let address = serve(spilling().layer(mode.layer(tracker.clone()))).await;
        // The server continues.
        for _ in 0..2 {
            assert_eq!(http1::answer(http1::get(address, "/").await).await, plain);
        }
        timely(tracker.wait()).await;
    }
}

#[tokio::test]
async fn orphan_panic_spares_the_server() {
    for mode in BOTH {
        let (mut steps, tracker) = (Steps::new(), tracker());
        let reporter = steps.reporter();
        let handler = move || {
            let reporter = reporter.clone();
            async move {
                reporter.clone().handle().await;
                if true {
                    panic_any(Spilled);
                }
            }
        };
        let app = Router::new()
            .route("/", get(handler))
            .layer(mode.layer(tracker.clone()));
        let address = serve(watched(&steps, app.route("/well", get(|| async { "receipt" })))).await;

        let connection = http1::get(address, "/").await;
        hang_up(&mut steps, connection).await;
        timely(tracker.wait()).await;

        assert!(is_ok(&http1::answer(http1::get(address, "/well").await).await));
    }
}
