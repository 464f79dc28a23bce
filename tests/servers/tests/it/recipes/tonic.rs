//! "tonic" of docs/guide.md.

use futures_shield::{ShieldLayer, Tokio, Tracker};
use tonic::transport::{Error, Server, server::TcpIncoming};
use tower::limit::GlobalConcurrencyLimitLayer;

use crate::Orders; // an `OrdersServer<..>`, which is generated

pub async fn serve(orders: Orders, tracker: Tracker<Tokio>, tcp: TcpIncoming) -> Result<(), Error> {
    Server::builder()
        .layer(ShieldLayer::new(tracker))
        .layer(GlobalConcurrencyLimitLayer::new(100)) // inside
        .add_service(orders)
        .serve_with_incoming(tcp)
        .await
}
