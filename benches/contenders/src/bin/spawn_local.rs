//! `tokio::task::spawn_local(f).await`

use futures_shield::TokioLocal;

futures_shield_contenders::contender!(TokioLocal, |_local, work| tokio::task::spawn_local(work()));
