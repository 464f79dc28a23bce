//! An axum server that stops in time, whatever its clients do, and logs each order whose client is
//! gone.
//! `cargo run --example axum --features tokio,tower`

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::{convert::Infallible, future::IntoFuture, io};
use std::{net::SocketAddr, process::ExitCode, time::Duration};

use axum::{Router, extract::Request, response::Response, routing::post};
use futures_shield::{ShieldLayer, Tokio, Tracker};
use tokio::time::{sleep, timeout};
use tokio::{io::AsyncWriteExt, net::TcpListener, net::TcpStream, runtime::Runtime, sync::oneshot};
use tower::{ServiceBuilder, limit::GlobalConcurrencyLimitLayer};

const GRACE: Duration = Duration::from_millis(200);

fn main() -> io::Result<ExitCode> {
    // axum spawns a task for each connection. Only a runtime of their own can end them.
    let (connections, work) = (Runtime::new()?, Runtime::new()?);
    let orders = Tracker::new(Tokio::from(work.handle().clone()));
    let listener = connections.block_on(TcpListener::bind("127.0.0.1:0"))?;
    let address = listener.local_addr()?;
    let (stop, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, app(&orders)).with_graceful_shutdown(async { drop(stopped.await) });
    let server = connections.spawn(server.into_future());
    let _clients = connections.block_on(ctrl_c(address))?;

    // 1. Stop accepting, give the clients a while, and end the connections that are left.
    drop(stop);
    let _ = connections.block_on(async { timeout(GRACE, server).await });
    connections.shutdown_timeout(GRACE);
    // 2. Nobody can add an order any more: wait for those that run.
    let drained = work.block_on(async { orders.drain(sleep(Duration::from_secs(1))).await });
    // 3. If that succeeded, close the pools here. Then cancel what is left: each hook is called.
    work.shutdown_timeout(GRACE);
    // 4. Report with the exit code whether an order was lost.
    Ok(match drained {
        Ok(()) => ExitCode::SUCCESS,
        Err(unfinished) => {
            println!("{unfinished}");
            ExitCode::FAILURE
        }
    })
}

fn app(orders: &Tracker<Tokio>) -> Router {
    let shield = ShieldLayer::new(orders.clone()).on_orphan(|request: &Request| {
        let order = request.uri().path().to_owned();
        move |outcome: Result<Result<Response, Infallible>, _>| match outcome {
            Ok(Ok(response)) => println!("{order}: {}, and its client is gone", response.status()),
            Err(error) => println!("{order}: {error}"),
        }
    });
    // The limit is inside the shield, so that it bounds orphans, too.
    let layers = ServiceBuilder::new()
        .layer(shield)
        .layer(GlobalConcurrencyLimitLayer::new(100));
    let order = async |_card: String| sleep(GRACE).await; // charge and record
    Router::new().route("/orders/{item}", post(order)).layer(layers)
}

/// Stands in for `tokio::signal::ctrl_c()`: two clients stay, one of them without sending the rest
/// of its order, and one hangs up.
async fn ctrl_c(address: SocketAddr) -> io::Result<[TcpStream; 2]> {
    let order = async |item: &str, card: &str| {
        let mut client = TcpStream::connect(address).await?;
        let head = format!("POST /orders/{item} HTTP/1.1\r\nhost: shop\r\ncontent-length: 4\r\n\r\n");
        client.write_all((head + card).as_bytes()).await?;
        io::Result::Ok(client)
    };
    let clients = [order("tea", "visa").await?, order("half", "vi").await?];
    let hangs_up = order("milk", "visa").await?;
    sleep(GRACE / 4).await; // the requests arrive
    drop(hangs_up);
    Ok(clients)
}
