//! A spawner of local futures where one of `Send` futures is asked for, and the other way round.

use futures_shield::{LocalTask, ShieldExt, Task, spawn_fn, spawn_local_fn};

fn main() {
    drop(async {}.shield(spawn_local_fn(drop::<LocalTask>)));
    drop(async {}.shield_on_drop(spawn_local_fn(drop::<LocalTask>)));
    drop(async {}.shield_local(spawn_fn(drop::<Task>)));
    drop(async {}.shield_on_drop_local(spawn_fn(drop::<Task>)));
}
