//! A spawner of local futures where one of `Send` futures is asked for, and the other way round.

use futures_shield::{LocalBoxTask, ShieldExt, BoxTask, spawn_fn, spawn_local_fn};

fn main() {
    drop(async {}.shield(spawn_local_fn(drop::<LocalBoxTask>)));
    drop(async {}.shield_on_drop(spawn_local_fn(drop::<LocalBoxTask>)));
    drop(async {}.shield_local(spawn_fn(drop::<BoxTask>)));
    drop(async {}.shield_on_drop_local(spawn_fn(drop::<BoxTask>)));
}
