//! Sees clients hang up: their requests' futures are dropped before they could answer.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;

use crate::counter::Counter;

/// Counts the requests that were dropped without an answer, by the reason. Clones share the counts.
#[derive(Clone, Debug, Default)]
pub struct Clients {
    /// Requests whose clients hung up.
    pub hung_up: Counter,
    /// Requests that the shop itself dropped at its end.
    pub cut_off: Counter,
    cutting: Arc<AtomicBool>,
}

impl Clients {
    /// From this call on, a dropped request counts as cut off: the shop ends its connections.
    pub fn cut_off_from_now(&self) {
        self.cutting.store(true, Ordering::SeqCst);
    }
}

/// A middleware that counts each request that is dropped without an answer.
///
/// It is outside of the shield, so the handler and its shield have been dropped by the time the
/// counter moves.
pub async fn notice(State(clients): State<Clients>, request: Request, next: Next) -> Response {
    let unanswered = Unanswered(Some(clients));
    let response = next.run(request).await;
    unanswered.disarm();
    response
}

struct Unanswered(Option<Clients>);

impl Unanswered {
    fn disarm(mut self) {
        self.0 = None;
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        let Some(clients) = &self.0 else { return };
        if thread::panicking() {
            // The handler's panic unwinds through here. Its client has not hung up.
        } else if clients.cutting.load(Ordering::SeqCst) {
            clients.cut_off.add(1);
        } else {
            tracing::warn!("the client hung up, its request is dropped");
            clients.hung_up.add(1);
        }
    }
}
