use futures::FutureExt;
use futures_shield::Spawn;

futures_shield_benches::contender!(tokio, |tokio| {
    let (remote, handle) = ready().remote_handle();
    tokio.spawn_detached(remote);
    handle.await
});
