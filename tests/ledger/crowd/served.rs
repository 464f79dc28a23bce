//! Work under a tower layer: a service whose requests are operations.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_shield::{Caller, ShieldError, ShieldLayer, Spawn};
use tower::{Layer, Service, service_fn};

use super::foreign::{Hook, Out, Scripted, Token};
use super::handle::Response;
use super::record::locked;
use super::run::Crowd;
use crate::model::Kind;
use crate::program::{self, Mode};

/// A request. The layer gives it its caller.
struct Request(Option<Caller>);

/// A handler: work with a result.
struct Handler(Scripted);

impl Future for Handler {
    type Output = Result<Out, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        Pin::new(&mut self.0).poll(cx).map(Ok)
    }
}

/// Calls a service under a layer, in one mode or the other.
pub fn serve<S>(crowd: &Arc<Crowd>, spec: &program::Spawn, spawner: S) -> Response
where
    S: Spawn + Clone + Send + Sync + 'static,
{
    let handlers = Arc::clone(crowd);
    let spec_of_handler = spec.clone();
    let service = service_fn(move |request: Request| {
        if let Some(caller) = request.0 {
            locked(&handlers.callers).insert(spec_of_handler.id, caller);
        }
        handlers.react(&spec_of_handler.closure, false);
        Handler(Scripted::new(&handlers, spec_of_handler.id, &spec_of_handler.future))
    });
    let layer = ShieldLayer::new(spawner).with_caller(|request: &mut Request, caller| request.0 = Some(caller));
    let layer = if spec.mode == Mode::InlineLocal {
        layer.on_drop()
    } else {
        layer
    };
    match spec.hook.clone() {
        None => Box::pin(unwrapped(layer.layer(service).call(Request(None)))),
        Some(hook) => {
            let (crowd, work) = (Arc::clone(crowd), spec.id);
            let layer = layer.on_orphan(move |_: &Request| {
                crowd.record.fate(work, |fate| fate.has_hook = true);
                let hook = Hook {
                    token: Token::new(&crowd, Kind::Hook, hook.id, &hook.drop),
                    work,
                    run: hook.run.clone(),
                };
                move |outcome: Result<Result<Out, Infallible>, ShieldError>| {
                    hook.run(outcome.map(|Ok(output)| output));
                }
            });
            Box::pin(unwrapped(layer.layer(service).call(Request(None))))
        }
    }
}

async fn unwrapped(response: impl Future<Output = Result<Out, Infallible>>) -> Out {
    let Ok(output) = response.await;
    output
}
