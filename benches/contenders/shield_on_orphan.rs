use futures_shield::ShieldExt;

futures_shield_benches::contender!(tokio, |tokio| ready().shield(tokio).on_orphan(|_| {}).await);
