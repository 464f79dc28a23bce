//! What other layers see, on either side of a shield.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;

use axum::body::Body;
use axum::extract::Request;
use axum::http::{Response, StatusCode};
use futures_shield::{ShieldError, ShieldLayer, Spawn};
use tokio::sync::Semaphore;
use tower::layer::util::Identity;
use tower::{Layer, Service, ServiceBuilder, service_fn};
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::on_early_drop::OnEarlyDropLayer;

use super::Mode;
use crate::support::{Crank, Log, panics_with, poll};

type Handled = Result<Response<Body>, Infallible>;

/// A handler that waits at the gate, and then answers, or panics.
fn handler(
    gate: &Arc<Semaphore>,
    log: &Log,
    panics: bool,
) -> impl Service<Request, Response = Response<Body>, Error = Infallible, Future: Future<Output = Handled> + Send + 'static>
+ Clone
+ Send
+ 'static
+ use<> {
    let (gate, log) = (Arc::clone(gate), log.clone());
    service_fn(move |_: Request| {
        let (gate, log) = (Arc::clone(&gate), log.clone());
        async move {
            gate.acquire().await.unwrap().forget();
            log.push("handled");
            assert!(!panics, "out of paper");
            Ok(Response::new(Body::empty()))
        }
    })
}

/// Says what the outcome of an orphan was.
fn describe<B, E>(outcome: Result<Result<Response<B>, E>, ShieldError>) -> String {
    match outcome {
        Ok(Ok(response)) => format!("orphan: {}", response.status().as_u16()),
        Ok(Err(_)) => "orphan: an error".to_owned(),
        Err(error) if error.is_panic() => "orphan: panicked".to_owned(),
        Err(_) => "orphan: cancelled".to_owned(),
    }
}

/// A layer whose hooks log their outcome.
macro_rules! logged {
    ($layer:expr, $log:expr) => {{
        let log = $log.clone();
        $layer.on_orphan(move |_: &axum::http::Request<_>| {
            let log = log.clone();
            move |outcome| log.push(describe(outcome))
        })
    }};
}

fn request() -> Request {
    Request::new(Body::empty())
}

/// Calls `service`, lets the handler begin, and hangs up.
fn hang_up<S: Service<Request>>(service: &mut S, crank: &Crank) {
    let mut response = Box::pin(service.call(request()));
    assert!(poll(&mut response).is_pending());
    crank.run();
    drop(response);
}

/// Calls `service` and waits for the status of its response.
fn status<S, B>(service: &mut S, crank: &Crank) -> StatusCode
where
    S: Service<Request, Response = Response<B>, Error = Infallible>,
{
    let mut response: Pin<Box<S::Future>> = Box::pin(service.call(request()));
    loop {
        if let std::task::Poll::Ready(Ok(response)) = poll(&mut response) {
            return response.status();
        }
        assert!(crank.run() > 0, "it hangs");
    }
}

#[test]
fn catch_panic_outside() {
    for mode in Mode::BOTH {
        let (crank, gate, log) = (Crank::new(), Arc::new(Semaphore::new(0)), Log::default());
        let shield = logged!(mode.layer(crank.spawner()), log);
        let mut service = ServiceBuilder::new()
            .layer(CatchPanicLayer::new())
            .layer(shield)
            .service(handler(&gate, &log, true));

        hang_up(&mut service, &crank);
        gate.add_permits(1);
        crank.run();
        assert_eq!(log.take(), ["handled", "orphan: panicked"], "{mode:?}");

        gate.add_permits(1);
        assert_eq!(status(&mut service, &crank), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(log.take(), ["handled"], "{mode:?}");
    }
}

#[test]
fn catch_panic_inside() {
    for mode in Mode::BOTH {
        let (crank, gate, log) = (Crank::new(), Arc::new(Semaphore::new(0)), Log::default());
        let shield = logged!(mode.layer(crank.spawner()), log);
        let mut service = ServiceBuilder::new()
            .layer(shield)
            .layer(CatchPanicLayer::new())
            .service(handler(&gate, &log, true));

        hang_up(&mut service, &crank);
        gate.add_permits(1);
        crank.run();
        assert_eq!(log.take(), ["handled", "orphan: 500"], "{mode:?}");

        gate.add_permits(1);
        assert_eq!(status(&mut service, &crank), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(log.take(), ["handled"], "{mode:?}");
    }
}

/// Logs each response future that is dropped before it has completed.
macro_rules! reports_hang_ups {
    ($log:expr) => {{
        let log = $log.clone();
        OnEarlyDropLayer::builder().on_future_drop(move |_: &Request| {
            let log = log.clone();
            move || log.push("hung up")
        })
    }};
}

#[test]
fn early_drop_outside_reports_hang_ups() {
    for mode in Mode::BOTH {
        let (crank, gate, log) = (Crank::new(), Arc::new(Semaphore::new(0)), Log::default());
        let mut outside = ServiceBuilder::new()
            .layer(reports_hang_ups!(log))
            .layer(mode.layer(crank.spawner()))
            .service(handler(&gate, &log, false));
        let mut inside = ServiceBuilder::new()
            .layer(mode.layer(crank.spawner()))
            .layer(reports_hang_ups!(log))
            .service(handler(&gate, &log, false));

        hang_up(&mut outside, &crank);
        assert_eq!(log.take(), ["hung up"], "{mode:?}");
        gate.add_permits(1);
        crank.run();
        assert_eq!(log.take(), ["handled"], "{mode:?}");

        hang_up(&mut inside, &crank);
        gate.add_permits(1);
        crank.run();
        assert_eq!(log.take(), ["handled"], "{mode:?}: it is not dropped before its end");
    }
}

/// A panic drops the guard of a layer outside as a hang-up does. A layer in between that catches it
/// keeps the two apart.
#[test]
fn early_drop_outside_reports_panics() {
    for mode in Mode::BOTH {
        let (crank, gate, log) = (Crank::new(), Arc::new(Semaphore::new(2)), Log::default());
        let mut uncaught = ServiceBuilder::new()
            .layer(reports_hang_ups!(log))
            .layer(mode.layer(crank.spawner()))
            .service(handler(&gate, &log, true));
        let text = panics_with(|| {
            let mut response = Box::pin(uncaught.call(request()));
            let _ = poll(&mut response);
            crank.run();
            poll(&mut response)
        });
        assert_eq!(text, "out of paper");
        assert_eq!(log.take(), ["handled", "hung up"], "{mode:?}");

        let mut caught = ServiceBuilder::new()
            .layer(reports_hang_ups!(log))
            .layer(CatchPanicLayer::new())
            .layer(mode.layer(crank.spawner()))
            .service(handler(&gate, &log, true));
        assert_eq!(status(&mut caught, &crank), StatusCode::INTERNAL_SERVER_ERROR);
        assert_eq!(log.take(), ["handled"], "{mode:?}");
    }
}

/// A `ServiceBuilder` without other layers, and a generic function over both sides.
#[test]
fn composes_with_any_layer() {
    fn stack<O, I, S, T>(outside: O, inside: I, spawner: S) -> impl Layer<T, Service: Service<Request>>
    where
        I: Layer<T>,
        I::Service: Service<Request, Future: Send + 'static, Response: Send + 'static, Error: Send + 'static>,
        S: Spawn + Clone,
        O: Layer<futures_shield::layer::ShieldService<I::Service, S>>,
        O::Service: Service<Request>,
    {
        ServiceBuilder::new()
            .layer(outside)
            .layer(ShieldLayer::new(spawner))
            .layer(inside)
            .into_inner()
    }

    let (crank, gate, log) = (Crank::new(), Arc::new(Semaphore::new(0)), Log::default());
    let stacked = stack(Identity::new(), CatchPanicLayer::new(), crank.spawner());
    hang_up(&mut stacked.layer(handler(&gate, &log, false)), &crank);
    gate.add_permits(1);
    crank.run();
    assert_eq!(log.take(), ["handled"]);
}

#[cfg(feature = "tokio")]
mod on_tokio {
    use std::time::Duration;

    use futures_shield::{Tokio, Tracker};
    use tower_http::timeout::TimeoutLayer;

    use super::*;
    use crate::support::timely;

    /// Inside a shield, a timeout cuts the handler off: that bounds the orphans, and it is the
    /// user's choice.
    #[tokio::test]
    async fn timeout_inside_bounds_orphans() {
        for mode in Mode::BOTH {
            let (gate, log) = (Arc::new(Semaphore::new(0)), Log::default());
            let tracker = Tracker::new(Tokio::current());
            let timeout = TimeoutLayer::with_status_code(StatusCode::REQUEST_TIMEOUT, Duration::from_millis(50));
            let mut service = ServiceBuilder::new()
                .layer(logged!(mode.layer(tracker.clone()), log))
                .layer(timeout)
                .service(handler(&gate, &log, false));

            let mut response = Box::pin(service.call(request()));
            assert!(poll(&mut response).is_pending());
            drop(response);
            assert_eq!(tracker.len(), 1, "{mode:?}");
            timely(tracker.wait()).await;
            assert_eq!(
                log.take(),
                ["orphan: 408"],
                "{mode:?}: the handler did not get to its end"
            );
        }
    }
}
