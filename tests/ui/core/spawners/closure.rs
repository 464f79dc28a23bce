//! A closure is made a spawner by `spawn_fn`.

use futures_shield::{ShieldExt, Task};

fn main() {
    drop(async {}.shield(|task: Task| drop(task)));
}
