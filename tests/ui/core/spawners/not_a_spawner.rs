//! The argument is no spawner.

use futures_shield::{DynSpawner, ShieldExt, Tracker, cleanup, shield, shield_with};

struct Config;

fn main() {
    drop(async {}.shield(Config));
    drop(async {}.shield_local(Config));
    drop(async {}.shield_on_drop(Config));
    drop(async {}.shield_on_drop_local(Config));
    drop(shield(Config, async {}));
    drop(shield_with(Config, async |_| {}));
    drop(cleanup(Config, (), async |()| {}));
    drop(DynSpawner::new(Config));

    let tracker = Tracker::new(Config);
    drop(async {}.shield(&tracker));
}
