//! An axum server that stops in time, and that logs each order whose client is gone.
//! One client stays connected, one hangs up, and one never sends the rest of its request.
//! `cargo run --example axum --features tokio,tower`
//! With `-- stuck`, one order never ends, and the exit code is 1.

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::convert::Infallible;
use std::future::{IntoFuture, pending};
use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::ExitCode;
use std::thread;
use std::time::Duration;

use axum::Router;
use axum::extract::{Path, Request};
use axum::response::Response;
use axum::routing::post;
use futures_shield::{ShieldError, ShieldLayer, Tokio, Tracker};
use tokio::net::TcpListener;
use tokio::runtime::Runtime;
use tokio::sync::oneshot;
use tokio::time::sleep;
use tower::ServiceBuilder;
use tower::limit::GlobalConcurrencyLimitLayer;

const GRACE: Duration = Duration::from_millis(200); // for clients
const DEADLINE: Duration = Duration::from_millis(500); // for orders

fn main() -> io::Result<ExitCode> {
    // axum spawns each connection, and leaves it running when the server's future is dropped. So
    // connections have a runtime of their own, which ends them.
    let (connections, work) = (Runtime::new()?, Runtime::new()?);
    let orders = Tracker::new(Tokio::from(work.handle().clone()));
    let listener = connections.block_on(TcpListener::bind(("127.0.0.1", 0)))?;

    // A real server waits for `tokio::signal::ctrl_c()`.
    let address = listener.local_addr()?;
    let (ctrl_c, signal) = oneshot::channel();
    let clients = thread::spawn(move || clients(address, ctrl_c));

    // Stop accepting, give clients their answers, and end the connections that are left.
    connections.block_on(serve(listener, app(&orders), signal))?;
    connections.shutdown_timeout(GRACE);
    // Now nobody can add an order. Wait for those that run.
    let drained = work.block_on(async { orders.drain(sleep(DEADLINE)).await });
    // Here, database pools are closed. Then cancel what is left: the hook names each order.
    work.shutdown_timeout(GRACE);

    drop(clients.join().expect("the clients do not panic")?);
    Ok(match drained {
        Ok(()) => ExitCode::SUCCESS,
        Err(unfinished) => {
            println!("{unfinished}");
            ExitCode::FAILURE
        }
    })
}

async fn serve(listener: TcpListener, app: Router, signal: oneshot::Receiver<()>) -> io::Result<()> {
    let (stop, stopped) = oneshot::channel::<()>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async move {
        let _ = signal.await;
        drop(stop);
    });
    let grace = async {
        let _ = stopped.await;
        sleep(GRACE).await;
    };
    tokio::select! {
        served = server.into_future() => served,
        () = grace => Ok(()),
    }
}

fn app(orders: &Tracker<Tokio>) -> Router {
    let shield = ShieldLayer::new(orders.clone()).on_orphan(|request: &Request| {
        let order = request.uri().path().to_owned();
        move |outcome: Result<Result<Response, Infallible>, ShieldError>| match outcome {
            Ok(Ok(response)) => println!("{order}: {}, and its client is gone", response.status()),
            Ok(Err(never)) => match never {},
            Err(error) => println!("{order}: {error}"),
        }
    });
    // The limit is inside the shield, so that it bounds orphans, too.
    let limit = GlobalConcurrencyLimitLayer::new(100);
    Router::new()
        .route("/orders/{item}", post(place))
        .layer(ServiceBuilder::new().layer(shield).layer(limit))
}

async fn place(Path(item): Path<String>, _card: String) {
    match &*item {
        "stuck" => pending().await,
        _ => sleep(Duration::from_millis(50)).await,
    }
}

/// Places orders, presses Ctrl-C, and returns the connections that are still open.
fn clients(address: SocketAddr, ctrl_c: oneshot::Sender<()>) -> io::Result<Vec<TcpStream>> {
    let send = |item: &str, card: &str| {
        let mut connection = TcpStream::connect(address)?;
        let head = format!("POST /orders/{item} HTTP/1.1\r\nhost: shop\r\ncontent-length: 4\r\n\r\n");
        connection.write_all((head + card).as_bytes())?;
        io::Result::Ok(connection)
    };
    let (mut stays, half_sent) = (send("tea", "visa")?, send("half", "vi")?);
    assert_ne!(stays.read(&mut [0; 1024])?, 0);
    let hangs_up = send("milk", "visa")?;
    let mut open = vec![stays, half_sent];
    if std::env::args().any(|argument| argument == "stuck") {
        open.push(send("stuck", "visa")?);
    }
    thread::sleep(Duration::from_millis(20)); // The requests arrive.
    drop(hangs_up);
    drop(ctrl_c);
    Ok(open)
}
