use futures_shield::ShieldExt;

futures_shield_benches::contender!(smol, |executor| ready().shield(executor).await);
