//! Clients that stay connected hold neither the end of the service nor its limit on orders.

use std::time::{Duration, Instant};

use checkout::customer;
use checkout::shop::LIMIT;
use checkout::within::within;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time;

use crate::process::Ended;
use crate::service::Service;

/// A client that has sent this, and stays.
async fn client(service: &Service, sent: &str) -> TcpStream {
    let mut client = TcpStream::connect(service.address).await.unwrap();
    client.write_all(sent.as_bytes()).await.unwrap();
    client
}

#[tokio::test]
async fn half_a_request_does_not_outlast_the_deadline() {
    for mode in ["none", "shield", "on-drop"] {
        let service = Service::start(&["--mode", mode, "--deadline", "0.5"]).await;
        let _head = client(&service, "POST /orders HTTP/1.1\r\nhost: shop\r\n").await;
        let body = "POST /orders HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\ncontent-length: 30\r\n\r\n{\"item\"";
        let _body = client(&service, body).await;
        // A whole one after them: when it has been charged, they have arrived.
        let mut whole = service.charged_customer().await;
        service.world.answer_one();
        whole.read_exact(&mut [0; 12]).await.unwrap();

        let start = Instant::now();
        service.terminate().await;
        let (Ended { status, stdout, stderr }, world) = service.end().await;
        assert!(
            start.elapsed() < Duration::from_secs(5),
            "{mode}: {:?}",
            start.elapsed()
        );
        assert!(status.success(), "{mode}: {status}: {stderr}");
        let cut_off = "connections cut off that had not sent a whole request";
        assert!(stdout.iter().any(|line| line.contains(cut_off)), "{mode}: {stdout:?}");
        assert_eq!((world.charges().get(), world.orders().await), (1, 1), "{mode}");
    }
}

#[tokio::test]
async fn an_idle_connection_ends_at_once() {
    let service = Service::start(&["--deadline", "60"]).await;
    let mut idle = client(&service, "GET /orders HTTP/1.1\r\nhost: shop\r\n\r\n").await;
    idle.read_exact(&mut [0; 12]).await.unwrap();

    service.terminate().await;
    let mut rest = String::new();
    within("the end of the connection", idle.read_to_string(&mut rest))
        .await
        .unwrap()
        .unwrap();
    let (Ended { status, stderr, .. }, _) = service.end().await;
    assert!(status.success(), "{status}: {stderr}");
}

#[tokio::test]
async fn clients_that_hang_up_start_no_more_than_the_limit() {
    for mode in ["shield", "on-drop"] {
        let mut service = Service::start(&["--mode", mode]).await;
        let mut customers = Vec::new();
        for _ in 0..LIMIT + 50 {
            customers.push(customer::order(service.address, "book", 1999).await.unwrap());
        }
        let limit = LIMIT as u64;
        service.world.charged(limit).await;
        drop(customers);
        for _ in 0..LIMIT {
            service.says("the client hung up").await;
        }

        // The orphans hold all permits, so the next customer waits.
        let mut next = customer::order(service.address, "book", 1999).await.unwrap();
        let one_more = service.world.charges().reached(limit + 1);
        let soon = Duration::from_millis(300);
        time::timeout(soon, one_more).await.expect_err("more than the limit");

        service.world.answer_all();
        let mut answer = [0; 20];
        within("the answer", next.read_exact(&mut answer))
            .await
            .unwrap()
            .unwrap();
        assert_eq!(&answer, b"HTTP/1.1 201 Created", "{mode}");
        service.terminate().await;
        let (Ended { status, stderr, .. }, world) = service.end().await;
        assert!(status.success(), "{mode}: {status}: {stderr}");
        assert_eq!(
            (world.charges().get(), world.orders().await),
            (limit + 1, LIMIT + 1),
            "{mode}"
        );
    }
}
