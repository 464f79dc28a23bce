use guarden::task::DetachableTask;

futures_shield_benches::contender!(tokio, |_tokio| DetachableTask::from(ready()).await);
