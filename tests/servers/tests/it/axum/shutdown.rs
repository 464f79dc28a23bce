//! The shutdown of `examples/axum.rs`: bounded, whatever the clients do, and each order that is
//! left is named.

use std::future::{IntoFuture, pending};
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use axum::Router;
use axum::extract::{Path, Request};
use axum::routing::post;
use futures_shield::{Tokio, Tracker};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{sleep, timeout};

use crate::support::{BOTH, Mode, http1, timely};

const SHORT: Duration = Duration::from_millis(100);
const LONG: Duration = Duration::from_secs(20);

/// Waits for the rest of its request, and then, if it is "stuck", forever.
async fn place(Path(item): Path<String>, _card: String) {
    if item == "stuck" {
        pending::<()>().await;
    }
}

/// Sends `card` as the body of a request that says it has four bytes.
async fn send(address: SocketAddr, item: &str, card: &str) -> TcpStream {
    let mut connection = TcpStream::connect(address).await.unwrap();
    let request = format!("POST /orders/{item} HTTP/1.1\r\nhost: shop\r\ncontent-length: 4\r\n\r\n{card}");
    connection.write_all(request.as_bytes()).await.unwrap();
    connection
}

fn shut_down(mode: Mode) {
    let [clients, connections, work] = [(); 3].map(|()| Runtime::new().unwrap());
    let orders = Tracker::new(Tokio::from(work.handle().clone()));
    let (tell, mut told) = mpsc::unbounded_channel();
    let shield = mode.layer(orders.clone());
    let line = line!() - 1;
    let shield = shield.on_orphan(move |request: &Request| {
        let (order, tell) = (request.uri().path().to_owned(), tell.clone());
        tell.send((order.clone(), "arrives")).unwrap();
        move |outcome: Result<_, _>| {
            let ending = if outcome.is_ok() { "ends" } else { "is cancelled" };
            tell.send((order, ending)).unwrap();
        }
    });
    let app = Router::new().route("/orders/{item}", post(place)).layer(shield);
    let listener = connections.block_on(TcpListener::bind(("127.0.0.1", 0))).unwrap();
    let address = listener.local_addr().unwrap();
    let (ctrl_c, signal) = oneshot::channel::<()>();
    let server = axum::serve(listener, app).with_graceful_shutdown(async { drop(signal.await) });
    let server = connections.spawn(server.into_future());

    // One has its answer and stays, one never sends the rest, and one waits for an order that never
    // ends.
    let open = clients.block_on(timely(async {
        let mut stays = send(address, "tea", "visa").await;
        http1::read_until(&mut stays, "200 OK").await;
        let half_sent = send(address, "half", "vi").await;
        assert_eq!(told.recv().await, Some(("/orders/tea".into(), "arrives")));
        assert_eq!(told.recv().await, Some(("/orders/half".into(), "arrives")));
        let stuck = send(address, "stuck", "visa").await;
        assert_eq!(told.recv().await, Some(("/orders/stuck".into(), "arrives")));
        // As long as its card takes to arrive.
        sleep(SHORT).await;
        [stays, half_sent, stuck]
    }));

    let start = Instant::now();
    drop(ctrl_c);
    let ended = connections.block_on(async { timeout(SHORT, server).await });
    ended.expect_err("clients stay");
    connections.shutdown_timeout(LONG);
    let left = work.block_on(async { orders.drain(sleep(SHORT)).await }).unwrap_err();
    let [stuck] = left.locations() else { panic!("{left}") };
    assert_eq!(
        (stuck.len(), stuck.location().file(), stuck.location().line()),
        (1, file!(), line)
    );
    work.shutdown_timeout(LONG);
    assert!(start.elapsed() < LONG, "{:?}", start.elapsed());

    assert!(orders.is_empty());
    // Without the rest of its request, the one was answered with a 400 that reached nobody.
    let told: Vec<_> = std::iter::from_fn(|| told.try_recv().ok()).collect();
    let [half, stuck] = [
        ("/orders/half".into(), "ends"),
        ("/orders/stuck".into(), "is cancelled"),
    ];
    assert_eq!(told, [half, stuck]);
    clients.block_on(async {
        for mut connection in open {
            let mut rest = Vec::new();
            let read = timely(connection.read_to_end(&mut rest)).await;
            assert!(read.is_err() || rest.is_empty(), "{rest:?}");
        }
    });
}

#[test]
fn it_ends_in_time_and_names_what_is_left() {
    BOTH.into_iter().for_each(shut_down);
}
