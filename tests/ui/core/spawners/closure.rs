//! A closure is made a spawner by `spawn_fn`.

use futures_shield::{ShieldExt, BoxTask};

fn main() {
    drop(async {}.shield(|task: BoxTask| drop(task)));
}
