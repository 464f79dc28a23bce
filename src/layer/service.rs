//! The service that a layer makes.

use std::fmt;
use std::task::{Context, Poll};

use tower_service::Service;

use super::future::{Response, ResponseFuture};
use super::predicate::{Always, Predicate};
use super::{Mode, ShieldLayer};
use crate::inline::ShieldOnDrop;
use crate::relay::launch;
use crate::shield::Shield;
use crate::spawn::Spawn;
use crate::util::contain::Contained;

/// Service made by [`ShieldLayer`](crate::ShieldLayer).
///
/// # Examples
///
/// See [`ShieldLayer`](crate::ShieldLayer).
#[derive(Clone)]
pub struct ShieldService<I, S, P = Always> {
    inner: I,
    layer: ShieldLayer<S, P>,
}

impl<I, S, P> ShieldService<I, S, P> {
    pub(super) fn new(inner: I, layer: ShieldLayer<S, P>) -> Self {
        Self { inner, layer }
    }
}

impl<I, S, P, R> Service<R> for ShieldService<I, S, P>
where
    I: Service<R>,
    I::Future: Send + 'static,
    I::Response: Send + 'static,
    I::Error: Send + 'static,
    S: Spawn + Clone,
    P: Predicate<R>,
{
    type Response = I::Response;
    type Error = I::Error;
    type Future = ResponseFuture<I::Future, S>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), I::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, request: R) -> Self::Future {
        let ShieldLayer {
            spawner,
            chosen,
            mode,
            location,
        } = &self.layer;
        let chosen = chosen.is_chosen(&request);
        let future = self.inner.call(request);
        let response = match mode {
            _ if !chosen => Response::Bare { future },
            Mode::Eager => Response::Eager {
                shield: Shield::new(launch!(spawner, spawn_detached, *location, future, None)),
            },
            Mode::OnDrop => Response::OnDrop {
                shield: ShieldOnDrop::new(location, Box::pin(future), Contained::new(spawner.clone())),
            },
        };
        ResponseFuture::new(response)
    }
}

impl<I: fmt::Debug, S: fmt::Debug, P> fmt::Debug for ShieldService<I, S, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ShieldService")
            .field("inner", &self.inner)
            .field("layer", &self.layer)
            .finish()
    }
}
