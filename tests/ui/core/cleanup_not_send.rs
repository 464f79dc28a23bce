//! A guard's value and its cleanup have to be `Send`: they may end on another thread.

use std::rc::Rc;

use futures_shield::{SpawnFn, BoxTask, cleanup, spawn_fn};

type Spawner = SpawnFn<fn(BoxTask)>;

async fn value(spawner: &Spawner) {
    cleanup(spawner, Rc::new(7), async |_| {}).run().await;
}

async fn closure(spawner: &Spawner) {
    let shared = Rc::new(7);
    cleanup(spawner, (), move |()| async move { println!("{shared}") }).run().await;
}

fn main() {
    let _ = (value, closure, spawn_fn(drop::<BoxTask>));
}
