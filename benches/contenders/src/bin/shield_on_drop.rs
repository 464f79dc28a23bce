//! **`f.shield_on_drop(&tokio).await`**

use futures_shield::{ShieldExt, Tokio};

futures_shield_contenders::contender!(Tokio, |tokio, work| work().shield_on_drop(tokio));
