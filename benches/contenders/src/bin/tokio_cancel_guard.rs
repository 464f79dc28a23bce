//! `tokio_cancel_guard::Shield::new(f).await`

use futures_shield::Tokio;

futures_shield_contenders::contender!(Tokio, |_tokio, work| tokio_cancel_guard::Shield::new(work()));
