//! **`f.shield(&dyn_spawner).await`**

use futures_shield::{DynSpawner, ShieldExt};

futures_shield_contenders::contender!(DynSpawner, |spawner, work| work().shield(spawner));
