//! **`f.shield(&tokio).fallible().await`**

use futures_shield::{ShieldExt, Tokio};

futures_shield_contenders::contender!(Tokio, |tokio, work| work().shield(tokio).fallible());
