//! Timeouts and limits, outside and inside of the layer.

use std::convert::Infallible;

use axum::Router;
use axum::extract::Request;
use axum::http::StatusCode;
use axum::middleware::{Next, from_fn};
use axum::response::IntoResponse;
use axum::routing::Route;
use futures_util::FutureExt;
use tokio::sync::oneshot;
use tower::layer::util::Identity;
use tower::limit::{ConcurrencyLimit, ConcurrencyLimitLayer, GlobalConcurrencyLimitLayer};
use tower::{Layer, Service, ServiceBuilder};

use super::{app, is_ok, serve, watched};
use crate::support::{BOTH, Steps, http1, timely, tracker};

/// The test ends the time itself: with a clock, a slow machine would answer before the handler has
/// begun.
#[tokio::test]
async fn timeout_outside_answers() {
    for mode in BOTH {
        let (mut steps, tracker) = (Steps::new(), tracker());
        let (fire, fired) = oneshot::channel::<()>();
        let fired = fired.shared();
        let timeout = from_fn(move |request: Request, next: Next| {
            let fired = fired.clone();
            async move {
                tokio::select! {
                    biased;
                    response = next.run(request) => response,
                    _ = fired => StatusCode::REQUEST_TIMEOUT.into_response(),
                }
            }
        });
        let app = watched(&steps, app(&steps).layer(mode.layer(tracker.clone())));
        let connection = http1::get(serve(app.layer(timeout)).await, "/").await;

        steps.expect(&["arrived", "inside"]).await;
        fire.send(()).unwrap();
        let answer = http1::answer(connection).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 408 Request Timeout\r\n"), "{answer}");
        steps.expect(&["caller gone"]).await;
        steps.expect_nothing();
        assert_eq!(tracker.len(), 1);

        steps.open();
        steps.expect(&["completed", "dropped"]).await;
        timely(tracker.wait()).await;
    }
}

/// A limit of one for all connections, inside `outside`. Axum applies a layer to its handlers again
/// for each connection, until they have their state, and each application of a
/// `ConcurrencyLimitLayer` is a new limit: hence `with_state`, or the global limit. It is one layer
/// together with `outside`, because axum is always ready between two layers of its own.
fn limited<L>(app: &Router, outside: &L) -> [Router; 2]
where
    L: Layer<Limited> + Clone + Send + Sync + 'static,
    L::Service: Service<Request, Response: IntoResponse, Error: Into<Infallible>, Future: Send> + Clone + Send + Sync,
{
    let builder = ServiceBuilder::new().layer(outside.clone());
    [
        app.clone()
            .with_state(())
            .layer(builder.clone().layer(ConcurrencyLimitLayer::new(1))),
        app.clone().layer(builder.layer(GlobalConcurrencyLimitLayer::new(1))),
    ]
}

type Limited = ConcurrencyLimit<Route>;

#[tokio::test]
async fn limit_inside_bounds_orphans() {
    for (mode, which) in BOTH.into_iter().flat_map(|mode| [(mode, 0), (mode, 1)]) {
        let (mut steps, tracker) = (Steps::new(), tracker());
        let app = limited(&app(&steps), &mode.layer(tracker.clone()))[which].clone();
        let address = serve(watched(&steps, app)).await;

        let first = http1::get(address, "/").await;
        steps.expect(&["arrived", "inside"]).await;
        drop(first);
        steps.expect(&["caller gone"]).await;

        // In the queue: its handler comes after the orphan has ended.
        let second = http1::get(address, "/").await;
        steps.expect(&["arrived"]).await;
        steps.expect_nothing();
        assert_eq!(tracker.len(), 1);
        // A client that leaves the queue leaves no orphan, because nothing has begun.
        let third = http1::get(address, "/").await;
        steps.expect(&["arrived"]).await;
        drop(third);
        steps.expect(&["caller gone"]).await;
        assert_eq!(tracker.len(), 1);

        steps.open();
        steps.expect(&["completed", "dropped", "inside"]).await;
        steps.open();
        assert!(is_ok(&http1::answer(second).await));
        steps.expect(&["completed", "dropped", "caller gone"]).await;
        timely(tracker.wait()).await;
        steps.expect_nothing();
    }
}

/// If it is applied to an axum router by itself, a limit queues in the response future, which is
/// then shielded too.
#[tokio::test]
async fn axum_limit_has_shielded_queue() {
    for mode in BOTH {
        let (mut steps, tracker) = (Steps::new(), tracker());
        let app = app(&steps).layer(GlobalConcurrencyLimitLayer::new(1));
        let address = serve(watched(&steps, app.layer(mode.layer(tracker.clone())))).await;

        for orphans in [1, 2] {
            let connection = http1::get(address, "/").await;
            steps.expect(&["arrived"]).await;
            if orphans == 1 {
                steps.expect(&["inside"]).await;
            }
            drop(connection);
            steps.expect(&["caller gone"]).await;
            assert_eq!(tracker.len(), orphans);
        }
        steps.expect_nothing();

        steps.open();
        steps.expect(&["completed", "dropped", "inside"]).await;
        steps.open();
        steps.expect(&["completed", "dropped"]).await;
        timely(tracker.wait()).await;
    }
}

#[tokio::test]
async fn unshielded_limit_is_released() {
    for which in [0, 1] {
        let mut steps = Steps::new();
        let address = serve(watched(&steps, limited(&app(&steps), &Identity::new())[which].clone())).await;
        let first = http1::get(address, "/").await;
        steps.expect(&["arrived", "inside"]).await;
        let _second = http1::get(address, "/").await;
        steps.expect(&["arrived"]).await;
        steps.expect_nothing();
        drop(first);
        steps.expect(&["dropped", "caller gone", "inside"]).await;
    }
}
