//! axum over TCP, HTTP/1 and HTTP/2, with `ShieldLayer` in both modes.

mod hang_up;
mod shutdown;
mod sse;
mod with_caller;

use std::future::IntoFuture;
use std::net::SocketAddr;

use axum::Router;
use tokio::net::TcpListener;

/// Serves `app` on a port of its own, for as long as the runtime lives.
pub async fn serve(app: Router) -> SocketAddr {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(axum::serve(listener, app).into_future());
    address
}
