//! axum over TCP, HTTP/1 and HTTP/2, with `ShieldLayer` in both modes.

mod half_sent_body;
mod hang_up;
mod limits;
mod panics;
mod runtimes;
mod shutdown;
mod sse;
mod with_caller;

use std::future::IntoFuture;
use std::net::SocketAddr;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::get;
use tokio::net::{TcpListener, TcpStream};

use crate::support::{Steps, http1};

/// Serves `app` on a port of its own, for as long as the runtime lives.
pub async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());
    address
}

/// An app whose handler waits at the gate.
fn app(steps: &Steps) -> Router {
    let reporter = steps.reporter();
    Router::new().route("/", get(move || reporter.clone().handle()))
}

/// Reports when a request arrives outside of the layers that `app` has, and when they are dropped,
/// with all that they hold.
fn watched(steps: &Steps, app: Router) -> Router {
    let reporter = steps.reporter();
    app.layer(from_fn(move |request: Request, next: Next| {
        reporter.report("arrived");
        let gone = reporter.at_drop("caller gone");
        async move {
            let response = next.run(request).await;
            drop(gone);
            response
        }
    }))
}

/// Hangs up on a handler that waits at the gate. It completes.
async fn hang_up(steps: &mut Steps, connection: TcpStream) {
    steps.expect(&["arrived", "inside"]).await;
    drop(connection);
    steps.expect(&["caller gone"]).await;
    steps.open();
    steps.expect(&["completed", "dropped"]).await;
}

fn is_ok(answer: &http1::Answer) -> bool {
    answer
        .as_ref()
        .is_ok_and(|text| text.starts_with("HTTP/1.1 200 OK\r\n") && text.ends_with("receipt"))
}
