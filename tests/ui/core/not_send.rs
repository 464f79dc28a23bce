//! An `Rc` is held across an `.await`.

use std::future::ready;
use std::rc::Rc;

use futures_shield::{ShieldExt, SpawnFn, BoxTask, shield_with, spawn_fn};

type Spawner = SpawnFn<fn(BoxTask)>;

fn eager(spawner: &Spawner) {
    let order = async {
        let shared = Rc::new(7);
        ready(()).await;
        println!("{shared}");
    };
    order.shield(spawner).detach();
}

async fn on_drop(spawner: &Spawner) {
    let order = async {
        let shared = Rc::new(7);
        ready(()).await;
        println!("{shared}");
    };
    order.shield_on_drop(spawner).await;
}

async fn with_caller(spawner: &Spawner) {
    let order = shield_with(spawner, async |caller| {
        let shared = Rc::new(7);
        caller.gone().await;
        println!("{shared}");
    });
    order.await;
}

fn main() {
    let _ = (eager, on_drop, with_caller, spawn_fn(drop::<BoxTask>));
}
