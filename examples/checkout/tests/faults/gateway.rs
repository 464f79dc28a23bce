//! The gateway is slow, is gone, and is a process of its own.

use std::time::Duration;

use axum::body::Body;
use axum::http::Uri;
use checkout::store::Store;
use checkout::within::within;
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::rt::TokioExecutor;
use tokio::time;

use crate::crowd::Crowd;
use crate::process::Process;
use crate::rounds::Rounds;
use crate::world::World;

const CROWD: u32 = 100;
const TIME: Duration = Duration::from_millis(300);

#[tokio::test]
async fn the_gateway_is_slow() {
    let mut rounds = Rounds::new("gateway slow");
    let mut world = World::new(Duration::from_millis(800)).await;
    let mut named = 0;
    while rounds.more(1) {
        let (shop, address) = world.restart(&mut rounds, "0.1").await;
        let crowd = Crowd::gather(CROWD, address, TIME, &mut rounds.rng);
        time::sleep(TIME).await;
        shop.signal("TERM").await;
        let ended = shop.end().await;
        world.receipts(crowd).await;
        assert_eq!(ended.status.code(), Some(1), "orders were still running: {ended:?}");
        assert!(
            ended.stderr.contains("shielded at examples/checkout/src/shop.rs"),
            "{ended:?}"
        );
        named += world.check_end(&ended).await;
    }
    world.restart(&mut rounds, "0").await;
    assert_eq!(rounds.settled, named);
}

#[tokio::test]
async fn the_gateway_is_gone() {
    let mut rounds = Rounds::new("gateway gone");
    let mut world = World::new(Duration::from_millis(50)).await;
    while rounds.more(2) {
        let (shop, address) = world.restart(&mut rounds, "30").await;
        let crowd = Crowd::gather(CROWD, address, TIME, &mut rounds.rng);
        for _ in 0..3 {
            time::sleep(TIME.mul_f64(rounds.rng.f64() / 3.0)).await;
            world.gateway_goes().await;
            time::sleep(Duration::from_millis(rounds.rng.u64(0..30))).await;
            world.gateway_comes().await;
        }
        world.receipts(crowd).await;
        shop.signal("TERM").await;
        let ended = shop.end().await;
        assert!(ended.status.success(), "{ended:?}");
        world.check_end(&ended).await;

        // Nothing is charged while it is gone, and a shop that starts then leaves open what is
        // open.
        world.gateway_goes().await;
        let mut shop = world.shop(rounds.mode(), "30");
        let (address, _) = shop.address().await;
        let crowd = Crowd::gather(10, address, Duration::ZERO, &mut rounds.rng);
        world.receipts(crowd).await;
        shop.signal("TERM").await;
        world.check_end(&shop.end().await).await;
        world.gateway_comes().await;
    }
    world.restart(&mut rounds, "0").await;
}

#[tokio::test]
async fn the_gateway_is_a_process() {
    let mut rounds = Rounds::new("gateway process");
    let mut gateway = Process::start(["gateway", "--port", "0", "--delay", "0.05"]);
    let (address, _) = gateway.address().await;
    let url = format!("http://{address}");
    let files = tempfile::tempdir().unwrap();
    let database = files.path().join("orders.db");
    let shop = || {
        let database = database.to_str().unwrap();
        Process::start(["serve", "--port", "0", "--gateway", &url, "--database", database])
    };
    while rounds.more(2) {
        let mut killed = shop();
        let (address, _) = killed.address().await;
        let crowd = Crowd::gather(CROWD, address, TIME, &mut rounds.rng);
        time::sleep(TIME.mul_f64(rounds.rng.f64())).await;
        killed.signal("KILL").await;
        killed.end().await;
        crowd.receipts().await;

        let mut settles = shop();
        settles.address().await;
        let store = Store::open(&database).await.unwrap();
        rounds.charges = charges(&url).await;
        assert_eq!(store.orders().await.unwrap().len() as u64, rounds.charges);
        settles.signal("TERM").await;
        assert!(settles.end().await.status.success());
    }
    gateway.signal("TERM").await;
    gateway.says(&format!("closed, charges made: {}", rounds.charges)).await;
    assert!(gateway.end().await.status.success());
}

/// What the gateway itself says, at `GET /charges`.
async fn charges(gateway: &str) -> u64 {
    let client = Client::builder(TokioExecutor::new()).build_http::<Body>();
    let uri: Uri = format!("{gateway}/charges").parse().unwrap();
    let answer = within("the gateway", client.get(uri)).await.unwrap().unwrap();
    let body = answer.into_body().collect().await.unwrap().to_bytes();
    serde_json::from_slice(&body).unwrap()
}
