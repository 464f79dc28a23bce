//! **`f.shield(&async_std).await`**

use futures_shield::{AsyncStd, ShieldExt};

futures_shield_contenders::contender!(AsyncStd, |async_std, work| work().shield(async_std));
