use tokio_cancel_guard::Shield;

futures_shield_benches::contender!(tokio, |_tokio| Shield::new(ready()).await);
