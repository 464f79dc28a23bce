use futures_shield::ShieldExt;

futures_shield_benches::contender!(tracker, |tracker| ready().shield(tracker).await);
