//! The service under test, as a generated one would be, and its server.

use std::convert::Infallible;
use std::future::Future;
use std::net::SocketAddr;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll};

use http::{Request, Response};
use tokio::sync::Mutex;
use tonic::body::Body;
use tonic::server::{Grpc, NamedService};
use tonic::transport::Server;
use tonic::transport::server::TcpIncoming;
use tower::layer::layer_fn;
use tower::{Layer, Service, ServiceExt, service_fn};

use super::codec::Text;
use crate::rapid_reset::Counts;
use crate::support::Reporter;

/// Places orders, one after the other: the handler holds `till` while it works.
#[derive(Clone)]
pub struct Orders {
    pub reporter: Reporter,
    pub till: Arc<Mutex<u32>>,
    pub counts: Arc<Counts>,
}

impl Orders {
    pub fn new(reporter: Reporter) -> Self {
        Self {
            reporter,
            till: Arc::default(),
            counts: Arc::default(),
        }
    }

    /// Handles a call, as its message says.
    async fn place(self, message: String) -> Result<tonic::Response<String>, tonic::Status> {
        match &*message {
            "count" => {
                self.counts.handle().await;
                Ok(tonic::Response::new("counted".into()))
            }
            "wait" => Ok(tonic::Response::new(self.reporter.handle().await.into())),
            "panic" => {
                let _till = self.till.lock().await;
                panic!("the till is on fire")
            }
            _ => {
                let mut till = self.till.lock().await;
                let receipt = self.reporter.handle().await;
                *till += 1;
                Ok(tonic::Response::new(format!("{receipt} {till} for {message}")))
            }
        }
    }
}

impl NamedService for Orders {
    const NAME: &'static str = "shop.Orders";
}

impl Service<Request<Body>> for Orders {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let orders = self.clone();
        let method = service_fn(move |request: tonic::Request<String>| orders.clone().place(request.into_inner()));
        Box::pin(async move { Ok(Grpc::new(Text).unary(method, request).await) })
    }
}

/// Serves on a port of its own, for as long as the runtime lives, with `layer` over the service.
pub async fn serve<L>(server: Server, layer: L, orders: Orders) -> SocketAddr
where
    L: Layer<Orders> + Send + 'static,
    L::Service: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    <L::Service as Service<Request<Body>>>::Future: Send,
{
    let incoming = TcpIncoming::bind(([127, 0, 0, 1], 0).into()).unwrap();
    let address = incoming.local_addr().unwrap();
    let (reporter, counts) = (orders.reporter.clone(), Arc::clone(&orders.counts));
    // Outside of `layer`: counts the calls that arrive, and reports when each is dropped with all
    // that `layer` holds.
    let watched = layer_fn(move |inner: L::Service| {
        let (reporter, counts) = (reporter.clone(), Arc::clone(&counts));
        service_fn(move |request: Request<Body>| {
            counts.arrived.fetch_add(1, Ordering::SeqCst);
            let (inner, gone) = (inner.clone(), reporter.at_drop("caller gone"));
            async move {
                let response = inner.oneshot(request).await;
                drop(gone);
                response
            }
        })
    });
    let server = server.layer(watched).layer(layer);
    tokio::spawn(server.serve_with_incoming(orders, incoming));
    address
}
