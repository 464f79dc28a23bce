futures_shield_benches::contender!(smol, |executor| executor.spawn(ready()).await);
