//! **`f.shield(&schedule_fn(schedule)).await`**

use futures_shield::{Runnable, ScheduleFn, ShieldExt};

futures_shield_contenders::contender!(ScheduleFn<fn(Runnable)>, |executor, work| work().shield(executor));
