//! Work on another runtime than the connections', which may be gone.

use std::thread;

use axum::Router;
use axum::body::Body;
use axum::extract::Request;
use futures_shield::{ShieldLayer, Spawn, Tokio};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::mpsc;
use tower_http::catch_panic::CatchPanicLayer;

use super::{app, hang_up, is_ok, serve, watched};
use crate::support::{BOTH, Steps, http1, timely};

/// A runtime that is not the connection's. It is shut down when its drop returns, on another
/// thread, because a runtime cannot be dropped inside another one.
struct Other(Option<Runtime>);

impl Other {
    fn new() -> Self {
        Self(Some(
            Builder::new_multi_thread()
                .worker_threads(1)
                .enable_all()
                .build()
                .unwrap(),
        ))
    }

    fn spawner(&self) -> Tokio {
        Tokio::from(self.0.as_ref().unwrap().handle().clone())
    }
}

impl Drop for Other {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.take() {
            thread::spawn(|| drop(runtime)).join().unwrap();
        }
    }
}

#[tokio::test]
async fn eager_dead_runtime() {
    let mut steps = Steps::new();
    let other = Other::new();
    let spawner = other.spawner();
    drop(other);

    let address = serve(app(&steps).layer(ShieldLayer::new(spawner))).await;
    assert_eq!(http1::answer(http1::get(address, "/").await).await, Ok(String::new()));
    steps.expect_nothing();
}

#[tokio::test]
async fn eager_runtime_shuts_down() {
    let mut steps = Steps::new();
    let other = Other::new();
    let address = serve(app(&steps).layer(ShieldLayer::new(other.spawner()))).await;

    let connection = http1::get(address, "/").await;
    steps.expect(&["inside"]).await;
    drop(other);
    assert_eq!(http1::answer(connection).await, Ok(String::new()));
    steps.expect(&["dropped"]).await;
}

/// A panic with a message, so a layer outside can answer it.
#[tokio::test]
async fn eager_dead_runtime_is_answered() {
    let steps = Steps::new();
    let other = Other::new();
    let spawner = other.spawner();
    drop(other);

    let (tell, mut told) = mpsc::unbounded_channel();
    let catch = CatchPanicLayer::custom(move |payload: Box<dyn std::any::Any + Send>| {
        tell.send(payload.downcast_ref::<String>().unwrap().clone()).unwrap();
        axum::http::Response::new(Body::from("receipt"))
    });
    let app = app(&steps).layer(ShieldLayer::new(spawner)).layer(catch);
    assert!(is_ok(&http1::answer(http1::get(serve(app).await, "/").await).await));
    let words = timely(told.recv()).await.unwrap();
    assert!(
        words.contains(file!()) && words.contains("was cancelled by its executor"),
        "{words}"
    );
}

#[tokio::test]
async fn on_drop_dead_runtime() {
    let mut steps = Steps::new();
    let other = Other::new();
    let spawner = other.spawner();
    drop(other);

    let address = serve(watched(&steps, app(&steps).layer(ShieldLayer::new(spawner).on_drop()))).await;
    let connection = http1::get(address, "/").await;
    steps.open();
    assert!(is_ok(&http1::answer(connection).await));
    steps
        .expect(&["arrived", "inside", "completed", "dropped", "caller gone"])
        .await;

    let connection = http1::get(address, "/").await;
    steps.expect(&["arrived", "inside"]).await;
    drop(connection);
    // No worse than without the layer.
    steps.expect(&["dropped", "caller gone"]).await;
}

/// The work may run on another runtime than the connection.
#[tokio::test]
async fn completes_on_another_runtime() {
    let other = Other::new();
    for mode in BOTH {
        let mut steps = Steps::new();
        let app = watched(&steps, app(&steps).layer(mode.layer(other.spawner())));
        let connection = http1::get(serve(app).await, "/").await;

        hang_up(&mut steps, connection).await;
    }
}

/// The layer takes any spawner, and so does a generic server.
#[tokio::test]
async fn generic_server() {
    fn shielded<S: Spawn + Clone + Send + Sync + 'static>(app: Router, spawner: S) -> Router {
        app.layer(ShieldLayer::new(spawner.clone()))
            .layer(ShieldLayer::new(spawner).on_drop().only_if(|_: &Request| true))
    }

    let steps = Steps::new();
    steps.open();
    let address = serve(shielded(app(&steps), Tokio::current())).await;
    assert!(is_ok(&http1::answer(http1::get(address, "/").await).await));
}
