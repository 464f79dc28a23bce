futures_shield_benches::contender!(tokio, |_tokio| ready().await);
