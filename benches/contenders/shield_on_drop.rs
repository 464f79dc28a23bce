use futures_shield::ShieldExt;

futures_shield_benches::contender!(tokio, |tokio| ready().shield_on_drop(tokio).await);
