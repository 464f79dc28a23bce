//! Customers, some hundred at once, who hang up at random.

use std::net::SocketAddr;
use std::time::Duration;

use checkout::customer;
use fastrand::Rng;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio::time;

/// Customers who have come, and perhaps not gone yet.
pub(crate) struct Crowd(JoinSet<Option<u64>>);

impl Crowd {
    /// Lets so many customers come to the shop, within `time`.
    pub(crate) fn gather(size: u32, shop: SocketAddr, time: Duration, rng: &mut Rng) -> Self {
        let mut customers = JoinSet::new();
        for _ in 0..size {
            let comes = time.mul_f64(rng.f64());
            let stays = time.mul_f64(rng.f64());
            let sort = rng.u8(0..10);
            customers.spawn(async move {
                time::sleep(comes).await;
                // The shop may be down, and hang up itself: that is the fault under test.
                match sort {
                    0 => half_an_order(shop, stays).await,
                    1..=6 => an_order(shop, stays).await,
                    _ => a_receipt(shop).await,
                }
            });
        }
        Self(customers)
    }

    /// Waits until all have gone, and returns the charges of those who got a receipt.
    pub(crate) async fn receipts(self) -> Vec<u64> {
        self.0.join_all().await.into_iter().flatten().collect()
    }
}

/// Hangs up in the middle of its request.
async fn half_an_order(shop: SocketAddr, stays: Duration) -> Option<u64> {
    let mut customer = TcpStream::connect(shop).await.ok()?;
    let half = "POST /orders HTTP/1.1\r\nhost: shop\r\ncontent-type: application/json\r\ncontent-length: 99\r\n\r\n{";
    customer.write_all(half.as_bytes()).await.ok()?;
    time::sleep(stays).await;
    None
}

/// Hangs up some time after its order.
async fn an_order(shop: SocketAddr, stays: Duration) -> Option<u64> {
    let _customer = customer::order(shop, "book", 1999).await.ok()?;
    time::sleep(stays).await;
    None
}

/// Waits for the answer, and returns the charge that it names.
async fn a_receipt(shop: SocketAddr) -> Option<u64> {
    let mut customer = customer::order(shop, "book", 1999).await.ok()?;
    let mut answer = Vec::new();
    while !answer.ends_with(b"}") {
        if customer.read_buf(&mut answer).await.ok()? == 0 {
            return None;
        }
        if answer.starts_with(b"HTTP/1.1 50") {
            // The shop says why, and the customer has no receipt.
            return None;
        }
    }
    let answer = String::from_utf8(answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 201 Created"), "{answer}");
    let (_, charge) = answer.split_once(r#""charge":"#).unwrap();
    Some(charge.trim_end_matches('}').parse().unwrap())
}
