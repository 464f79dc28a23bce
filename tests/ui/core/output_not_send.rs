//! The output could not be brought to its caller, who may be on another thread.

use std::rc::Rc;

use futures_shield::{ShieldExt, BoxTask, spawn_fn};

fn main() {
    let spawner = spawn_fn(drop::<BoxTask>);
    drop(async { Rc::new(7) }.shield(&spawner));
    drop(async { Rc::new(7) }.shield_on_drop(&spawner));
}
