//! Server-sent events whose body owns a `cleanup`: the subscription ends with the body, however
//! that ends.

use std::convert::Infallible;
use std::net::SocketAddr;

use axum::Router;
use axum::response::Sse;
use axum::response::sse::Event;
use axum::routing::get;
use futures_shield::{Tokio, Tracker, cleanup};
use futures_util::{Stream, stream};

use super::serve;
use crate::support::{BOTH, Mode, Reporter, Steps, http1, timely, tracker};

/// What happens after the first event.
#[derive(Clone, Copy)]
enum Then {
    Ends,
    Waits,
    Panics,
}

/// A subscription, whose end takes a round trip to a broker.
fn subscribe(
    reporter: Reporter,
    tracker: Tracker<Tokio>,
    then: Then,
) -> impl Stream<Item = Result<Event, Infallible>> + Send {
    reporter.report("subscribed");
    let subscription = cleanup(tracker, reporter, async |reporter: Reporter| {
        tokio::task::yield_now().await;
        reporter.report("unsubscribed");
    });
    stream::unfold((subscription, false), move |(subscription, sent)| async move {
        match then {
            _ if !sent => Some((Ok(Event::default().data("news")), (subscription, true))),
            Then::Ends => {
                subscription.run().await;
                None
            }
            Then::Waits => std::future::pending().await,
            Then::Panics => panic!("the broker sent nonsense"),
        }
    })
}

async fn serve_events(steps: &Steps, tracker: &Tracker<Tokio>, mode: Mode, then: Then) -> SocketAddr {
    let (reporter, events) = (steps.reporter(), tracker.clone());
    let handler = move || {
        let events = subscribe(reporter.clone(), events.clone(), then);
        async { Sse::new(events) }
    };
    let app = Router::new().route("/", get(handler));
    serve(app.layer(mode.layer(tracker.clone()))).await
}

/// The layer covers the response future and not its body. The `cleanup` in the body does.
#[tokio::test]
async fn a_client_that_hangs_up_is_unsubscribed() {
    for mode in BOTH {
        let (mut steps, tracker) = (Steps::new(), tracker());
        let address = serve_events(&steps, &tracker, mode, Then::Waits).await;
        let mut connection = http1::get(address, "/").await;
        http1::read_until(&mut connection, "data: news").await;
        steps.expect(&["subscribed"]).await;
        timely(tracker.wait()).await;
        steps.expect_nothing();

        drop(connection);
        steps.expect(&["unsubscribed"]).await;
        timely(tracker.wait()).await;
        steps.expect_nothing();
    }
}

/// The last event reaches the client before the stream waits for its cleanup, and the body ends
/// after it.
#[tokio::test]
async fn a_stream_that_ends_has_unsubscribed_before() {
    for mode in BOTH {
        let (mut steps, tracker) = (Steps::new(), tracker());
        let address = serve_events(&steps, &tracker, mode, Then::Ends).await;
        let answer = http1::answer(http1::get(address, "/").await).await.unwrap();
        assert!(answer.contains("data: news"), "{answer}");
        steps.expect(&["subscribed", "unsubscribed"]).await;
        steps.expect_nothing();
    }
}

#[tokio::test]
async fn a_stream_that_panics_is_unsubscribed() {
    for mode in BOTH {
        let (mut steps, tracker) = (Steps::new(), tracker());
        let address = serve_events(&steps, &tracker, mode, Then::Panics).await;
        let connection = http1::get(address, "/").await;
        steps.expect(&["subscribed", "unsubscribed"]).await;
        drop(connection);
        timely(tracker.wait()).await;
        steps.expect_nothing();
    }
}
