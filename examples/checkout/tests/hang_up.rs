//! What the guard counts as a hang-up, and what it does not: a panic, and the shop's own end.

use std::future::{pending, ready};

use axum::routing::get;
use axum::{Router, middleware};
use checkout::hang_up::{self, Clients};
use checkout::server::Server;
use checkout::within::within;
use futures_shield::{ShieldLayer, Tokio};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// A server with handlers that never end, and one that panics, each bare and shielded both ways.
async fn server(clients: &Clients) -> Server {
    let shield = || ShieldLayer::new(Tokio::current());
    let panics = || get(async || -> String { panic!("a bug of the handler") });
    let never = || get(pending::<String>);
    let router = Router::new()
        .route("/panics/none", panics())
        .route("/panics/shield", panics().layer(shield()))
        .route("/panics/on-drop", panics().layer(shield().on_drop()))
        .route("/never/none", never())
        .route("/never/shield", never().layer(shield()))
        .route("/never/on-drop", never().layer(shield().on_drop()))
        .layer(middleware::from_fn_with_state(clients.clone(), hang_up::notice));
    Server::start(router, 0).await.unwrap()
}

async fn get_path(server: &Server, path: &str) -> TcpStream {
    let mut client = TcpStream::connect(server.address()).await.unwrap();
    let request = format!("GET {path} HTTP/1.1\r\nhost: shop\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    client
}

#[tokio::test]
async fn a_panic_is_no_hang_up() {
    let clients = Clients::default();
    let server = server(&clients).await;
    for path in ["/panics/none", "/panics/shield", "/panics/on-drop"] {
        let mut client = get_path(&server, path).await;
        // The server closes the connection, after the request was dropped.
        let mut answer = String::new();
        within("the end", client.read_to_string(&mut answer))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(answer, "", "{path}");
        assert_eq!(clients.hung_up.get(), 0, "{path}");
    }
}

#[tokio::test]
async fn the_end_of_the_shop_is_no_hang_up() {
    let clients = Clients::default();
    let server = server(&clients).await;
    let hangs_up = get_path(&server, "/never/none").await;
    let mut stay = Vec::new();
    for path in ["/never/none", "/never/shield", "/never/on-drop"] {
        stay.push(get_path(&server, path).await);
    }
    drop(hangs_up);
    within("the hang-up", clients.hung_up.reached(1)).await.unwrap();

    clients.cut_off_from_now();
    let cut_off = within("the end", server.stop(ready(()))).await.unwrap().unwrap();
    assert_eq!(cut_off, 3);
    assert_eq!((clients.hung_up.get(), clients.cut_off.get()), (1, 3));
}
