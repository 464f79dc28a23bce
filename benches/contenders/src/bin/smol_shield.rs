//! **`f.shield(&executor).await` on `smol::Executor`**

use futures_shield::ShieldExt;
use smol::Executor;

futures_shield_contenders::contender!(Executor<'static>, |executor, work| work().shield(executor));
