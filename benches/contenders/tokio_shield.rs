use tokio_shield::Shield;

futures_shield_benches::contender!(tokio, |_tokio| ready().shield().await);
