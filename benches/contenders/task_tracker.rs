futures_shield_benches::contender!(task_tracker, |tracker| tracker.spawn(ready()).await.unwrap());
