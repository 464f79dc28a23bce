//! **`shield_with(&tokio, |caller| f).await`**

use futures_shield::{Tokio, shield_with};

futures_shield_contenders::contender!(Tokio, |tokio, work| shield_with(tokio, |_caller| work()));
