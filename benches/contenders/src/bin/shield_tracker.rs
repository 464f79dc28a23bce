//! **`f.shield(&tracker).await`**

use futures_shield::{ShieldExt, Tokio, Tracker};

futures_shield_contenders::contender!(Tracker<Tokio>, |tracker, work| work().shield(tracker));
