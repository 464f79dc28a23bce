//! Sees clients hang up: their requests' futures are dropped before they could answer.

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::counter::Counter;

/// A middleware that adds to the counter for each request that is dropped unanswered.
///
/// It is the outermost layer, so the handler and its shield have been dropped by the time the counter moves.
pub async fn notice(State(hang_ups): State<Counter>, request: Request, next: Next) -> Response {
    let unanswered = Unanswered(Some(hang_ups));
    let response = next.run(request).await;
    unanswered.disarm();
    response
}

struct Unanswered(Option<Counter>);

impl Unanswered {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        if let Some(hang_ups) = &self.0 {
            tracing::warn!("the client hung up, its request is dropped");
            hang_ups.add(1);
        }
    }
}
