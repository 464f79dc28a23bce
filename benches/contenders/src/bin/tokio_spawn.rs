//! `tokio::spawn(f).await`

use futures_shield::Tokio;

futures_shield_contenders::contender!(Tokio, |_tokio, work| tokio::spawn(work()));
