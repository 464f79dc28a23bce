futures_shield_benches::contender!(tokio, |_tokio| tokio::spawn(ready()).await.unwrap());
