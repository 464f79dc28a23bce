//! A client that hangs up, resets its stream or loses its connection: the handler completes.

use std::net::SocketAddr;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{Next, from_fn};
use axum::routing::get;
use tokio::net::TcpStream;

use super::serve;
use crate::support::http2::{Call, Connection};
use crate::support::{BOTH, Story, http1, http2, timely, tracker};

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

fn app(story: &Story) -> Router {
    let narrator = story.narrator();
    Router::new().route("/", get(move || narrator.clone().handle()))
}

/// Reports when the layers outside of `app` are dropped, and all that they hold before that.
fn watched(story: &Story, app: Router) -> Router {
    let narrator = story.narrator();
    app.layer(from_fn(move |request: Request, next: Next| {
        let gone = narrator.at_drop("caller gone");
        async move {
            let response = next.run(request).await;
            drop(gone);
            response
        }
    }))
}

/// The control: without the layer, each of these ways to leave drops the handler.
#[tokio::test]
async fn without_the_layer_the_handler_is_cut_off() {
    for leaves in WAYS {
        let mut story = Story::new();
        let client = Client::ask(serve(app(&story)).await, leaves).await;
        story.expect(&["inside"]).await;
        let _connection = client.leave(leaves);
        story.expect(&["dropped"]).await;
    }
}

#[tokio::test]
async fn with_the_layer_the_handler_completes() {
    for (mode, leaves) in BOTH.into_iter().flat_map(|mode| WAYS.map(|leaves| (mode, leaves))) {
        let (mut story, tracker) = (Story::new(), tracker());
        let app = watched(&story, app(&story).layer(mode.layer(tracker.clone())));
        let address = serve(app).await;
        let client = Client::ask(address, leaves).await;
        story.expect(&["inside"]).await;
        let connection = client.leave(leaves);
        story.expect(&["caller gone"]).await;
        assert_eq!(tracker.len(), 1, "{mode:?} {leaves:?}");

        story.open();
        story.expect(&["completed", "dropped"]).await;
        timely(tracker.wait()).await;

        // A connection that is left serves the next request.
        if let Some(mut connection) = connection {
            let call = connection.send(http2::get(address, "/")).await.unwrap();
            story.open();
            assert_eq!(call.answer().await.unwrap().body, "receipt");
        }
    }
}

#[tokio::test]
async fn a_client_that_stays_gets_its_answer() {
    for (mode, leaves) in BOTH.into_iter().flat_map(|mode| WAYS.map(|leaves| (mode, leaves))) {
        let (mut story, tracker) = (Story::new(), tracker());
        let app = watched(&story, app(&story).layer(mode.layer(tracker.clone())));
        let address = serve(app).await;
        let client = Client::ask(address, leaves).await;
        story.expect(&["inside"]).await;
        story.open();
        let answer = client.answer().await;
        assert!(answer.ends_with("receipt"), "{answer}");
        timely(tracker.wait()).await;
    }
}
