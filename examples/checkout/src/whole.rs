//! Reads each request whole before anything is done for it, so that a client that sends half of one
//! holds nothing but its own connection.

use std::time::Duration;

use axum::body::{self, Body};
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use tokio::time;

/// How long a client may take to send a request's body.
const PATIENCE: Duration = Duration::from_secs(10);

/// How long a body may be, in bytes.
const LIMIT: usize = 64 * 1024;

/// A middleware that passes on requests whose body has arrived.
pub async fn read(request: Request, next: Next) -> Response {
    let (parts, body) = request.into_parts();
    match time::timeout(PATIENCE, body::to_bytes(body, LIMIT)).await {
        Ok(Ok(bytes)) => next.run(Request::from_parts(parts, Body::from(bytes))).await,
        Ok(Err(_)) => (StatusCode::BAD_REQUEST, "the body is too long, or was cut off\n").into_response(),
        Err(_) => (StatusCode::REQUEST_TIMEOUT, "the body took too long\n").into_response(),
    }
}
