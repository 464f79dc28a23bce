//! **`f.shield(&tokio).on_orphan(|_| {}).await`**

use futures_shield::{ShieldExt, Tokio};

futures_shield_contenders::contender!(Tokio, |tokio, work| work().shield(tokio).on_orphan(|_| {}));
