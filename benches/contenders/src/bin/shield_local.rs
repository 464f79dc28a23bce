//! **`f.shield_local(TokioLocal).await`**

use futures_shield::{ShieldExt, TokioLocal};

futures_shield_contenders::contender!(TokioLocal, |local, work| work().shield_local(local));
