//! Customers who hang up, SIGTERM and `kill -9`, again and again on the same database.

use std::time::Duration;

use tokio::time;

use crate::crowd::Crowd;
use crate::rounds::Rounds;
use crate::world::World;

const CROWD: u32 = 200;
const TIME: Duration = Duration::from_millis(300);

#[tokio::test]
async fn hundreds_hang_up_at_random() {
    let mut rounds = Rounds::new("hang up");
    let mut world = World::new(Duration::from_millis(50)).await;
    while rounds.more(2) {
        let (shop, address) = world.restart(&mut rounds, "30").await;
        let crowd = Crowd::gather(CROWD, address, TIME, &mut rounds.rng);
        world.receipts(crowd).await;
        shop.signal("TERM").await;
        let ended = shop.end().await;
        assert!(ended.status.success(), "{ended:?}");
        assert_eq!(
            world.check_end(&ended).await,
            0,
            "there was time for each order: {ended:?}"
        );
    }
    world.restart(&mut rounds, "0").await;
}

#[tokio::test]
async fn sigterm_again_and_again() {
    let mut rounds = Rounds::new("SIGTERM");
    let mut world = World::new(Duration::from_millis(50)).await;
    while rounds.more(5) {
        let deadline = ["0", "0.02", "0.1", "30"][rounds.rng.usize(0..4)];
        let (shop, address) = world.restart(&mut rounds, deadline).await;
        let crowd = Crowd::gather(CROWD, address, TIME, &mut rounds.rng);
        time::sleep(TIME.mul_f64(rounds.rng.f64())).await;
        shop.signal("TERM").await;
        if rounds.rng.bool() {
            time::sleep(Duration::from_millis(rounds.rng.u64(0..50))).await;
            shop.signal("TERM").await;
        }
        let ended = shop.end().await;
        world.receipts(crowd).await;
        world.check_end(&ended).await;
    }
    world.restart(&mut rounds, "0").await;
}

#[tokio::test]
async fn kill_9_again_and_again() {
    let mut rounds = Rounds::new("kill -9");
    let mut world = World::new(Duration::from_millis(50)).await;
    while rounds.more(5) {
        let (shop, address) = world.restart(&mut rounds, "30").await;
        let crowd = Crowd::gather(CROWD, address, TIME, &mut rounds.rng);
        time::sleep(TIME.mul_f64(rounds.rng.f64())).await;
        shop.signal("KILL").await;
        shop.end().await;
        world.receipts(crowd).await;
        // Sometimes also while it settles what was left open.
        if rounds.rng.bool() {
            let shop = world.shop(rounds.mode(), "30");
            time::sleep(Duration::from_millis(rounds.rng.u64(0..150))).await;
            shop.signal("KILL").await;
            shop.end().await;
        }
    }
    world.restart(&mut rounds, "0").await;
    assert!(rounds.settled > 0, "no kill came between a charge and its order");
}
