futures_shield_benches::contender!(tokio, |_tokio| Box::pin(ready()).await);
