//! `f.remote_handle()` of `futures`, spawned, then `handle.await`

use futures::FutureExt;
use futures_shield::{Spawn, Tokio};

futures_shield_contenders::contender!(Tokio, |tokio, work| {
    let (remote, handle) = work().remote_handle();
    tokio.spawn_detached(remote);
    handle
});
