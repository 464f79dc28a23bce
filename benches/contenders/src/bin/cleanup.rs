//! **`cleanup(&tokio, (), |()| f).run().await`**

use futures_shield::{Tokio, cleanup};

futures_shield_contenders::contender!(Tokio, |tokio, work| cleanup(tokio, (), |()| work()).run());
