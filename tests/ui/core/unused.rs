//! Nothing here does what it looks like, and each is told in its own words.
#![deny(unused_must_use)]

use futures_shield::{Caller, ShieldExt, SpawnFn, BoxTask, Tracker, cleanup, shield, shield_with, spawn_fn};

fn shields(spawner: SpawnFn<fn(BoxTask)>) {
    async { 7 }.shield(&spawner);
    async { 7 }.shield(&spawner).fallible();
    shield(&spawner, async { 7 });
    shield_with(&spawner, async |_| 7);
    async { 7 }.shield_on_drop(&spawner);
    cleanup(&spawner, (), async |()| {});
    cleanup(&spawner, (), async |()| {}).run();
}

fn waits(caller: Caller, tracker: Tracker<SpawnFn<fn(BoxTask)>>) {
    caller.gone();
    caller.run_until_gone(async {});
    caller.run_with_grace(async {}, || async {});
    tracker.wait();
    tracker.drain(async {});
}

fn main() {
    let _ = (shields, waits, spawn_fn(drop::<BoxTask>));
}
