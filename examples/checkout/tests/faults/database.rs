//! The database is locked, and the disk is full.

use std::time::{Duration, Instant};

use checkout::store::PATIENCE;
use sqlx::sqlite::SqliteConnectOptions;
use sqlx::{ConnectOptions, Connection, SqliteConnection};
use tokio::process::Command;
use tokio::time;

use crate::crowd::Crowd;
use crate::rounds::Rounds;
use crate::world::World;

const CROWD: u32 = 100;
const TIME: Duration = Duration::from_millis(300);

/// A connection of somebody else.
async fn connect(world: &World) -> SqliteConnection {
    let options = SqliteConnectOptions::new().filename(world.database());
    options.connect().await.unwrap()
}

/// Locks the database against writers while customers order.
async fn locked(world: &mut World, rounds: &mut Rounds, lock: Duration) -> usize {
    let (shop, address) = world.restart(rounds, "60").await;
    let mut other = connect(world).await;
    let crowd = Crowd::gather(CROWD, address, TIME, &mut rounds.rng);
    time::sleep(TIME.mul_f64(rounds.rng.f64())).await;
    let write = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    time::sleep(lock).await;
    write.rollback().await.unwrap();
    other.close().await.unwrap();
    world.receipts(crowd).await;
    shop.signal("TERM").await;
    let ended = shop.end().await;
    assert!(ended.status.success(), "{ended:?}");
    world.check_end(&ended).await
}

#[tokio::test]
async fn the_database_is_locked_for_a_moment() {
    let mut rounds = Rounds::new("database locked for a moment");
    let mut world = World::new(Duration::from_millis(50)).await;
    while rounds.more(2) {
        let named = locked(&mut world, &mut rounds, PATIENCE / 10).await;
        assert_eq!(named, 0, "an order waits for a short lock");
    }
    world.restart(&mut rounds, "0").await;
}

#[tokio::test]
async fn the_database_is_locked_for_long() {
    let mut rounds = Rounds::new("database locked for long");
    let mut world = World::new(Duration::from_millis(50)).await;
    while rounds.more(1) {
        locked(&mut world, &mut rounds, PATIENCE + Duration::from_millis(500)).await;
    }
    world.restart(&mut rounds, "0").await;
}

#[tokio::test]
async fn the_database_is_locked_at_the_end() {
    let mut rounds = Rounds::new("database locked at the end");
    let mut world = World::new(Duration::from_millis(50)).await;
    while rounds.more(2) {
        let (shop, address) = world.restart(&mut rounds, "0.1").await;
        let mut other = connect(&world).await;
        let crowd = Crowd::gather(CROWD, address, TIME, &mut rounds.rng);
        time::sleep(TIME.mul_f64(rounds.rng.f64())).await;
        let write = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
        time::sleep(TIME.mul_f64(rounds.rng.f64())).await;
        let start = Instant::now();
        shop.signal("TERM").await;
        let ended = shop.end().await;
        assert!(start.elapsed() < PATIENCE, "{:?}", start.elapsed());
        world.check_end(&ended).await;
        write.rollback().await.unwrap();
        world.receipts(crowd).await;
    }
    world.restart(&mut rounds, "0").await;
}

#[tokio::test]
async fn the_disk_is_full() {
    let mut rounds = Rounds::new("disk full");
    let mut world = World::new(Duration::from_millis(50)).await;
    while rounds.more(2) {
        // The limit is on each file. The signal is ignored, so that a write fails, as it does on a
        // full disk.
        world.restart(&mut rounds, "0").await;
        let size = std::fs::metadata(world.database()).unwrap().len() / 512;
        let limit = size + rounds.rng.u64(150..1500);
        let limited = format!("trap '' XFSZ; ulimit -f {limit}; exec \"$0\" \"$@\"");
        let mut command = Command::new("sh");
        command.args(["-c", &limited, env!("CARGO_BIN_EXE_checkout")]);
        let mut shop = world.shop_by(&mut command, rounds.mode(), "30");
        let (address, _) = shop.address().await;
        let crowd = Crowd::gather(CROWD, address, TIME, &mut rounds.rng);
        world.receipts(crowd).await;
        shop.signal("TERM").await;
        let ended = shop.end().await;
        world.check_end(&ended).await;
        let full = |line: &String| line.contains("ERROR") && line.contains("orders.db: ");
        assert!(ended.stdout.iter().any(full), "the disk was not full: {ended:?}");
    }
    world.restart(&mut rounds, "0").await;
}
