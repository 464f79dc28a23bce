//! Tokio's task hooks, and so tokio-console, show the user's line for each way to shield on tokio's spawners. Run with
//! `RUSTFLAGS="--cfg tokio_unstable"`.
#![cfg(tokio_unstable)]

use std::boxed::Box;
use std::future::ready;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

use futures_shield::{
    BoxTask, Caller, DynSpawner, ShieldExt, Spawn, Tokio, Tracker, cleanup, shield, shield_with, spawn_fn,
    spawn_location,
};
use tokio::runtime::Handle;

/// A spawner of a user's own, in five lines, without `#[track_caller]`.
struct Mine(Handle);

impl Spawn for Mine {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        self.0.spawn_detached(future);
    }
}

/// Runs `body` on a runtime. Returns the lines of this file at which its tasks were spawned.
fn lines(body: impl AsyncFnOnce(Handle)) -> Vec<u32> {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let sees = Arc::clone(&seen);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .on_task_spawn(move |meta| {
            let at = meta.spawned_at();
            assert_eq!(at.file(), file!());
            sees.lock().unwrap().push(at.line());
        })
        .build()
        .unwrap();
    runtime.block_on(body(runtime.handle().clone()));
    let lines = seen.lock().unwrap().clone();
    lines
}

#[test]
fn each_way_to_shield_shows_the_users_line() {
    let mut expected = Vec::new();
    let mut here = |line| expected.push(line);
    let seen = lines(async |handle| {
        here(line!() + 1);
        ready(()).shield(&handle).await;
        here(line!() + 1);
        ready(()).shield(Tokio::current()).await;
        here(line!() + 1);
        shield(&handle, ready(())).await;
        here(line!() + 1);
        shield_with(&handle, async |_: Caller| ()).await;
        here(line!() + 1);
        assert_eq!(7.shield_large(&handle).await, 4103);
        here(line!() + 1);
        ready(()).shield(Box::new(Rc::new(Arc::new(&handle)))).await;
        here(line!() + 1);
        ready(()).shield(Tracker::new(&handle)).await;
        here(line!() + 1);
        ready(()).shield(Tracker::new(Tracker::new(handle.clone()))).await;
        here(line!() + 1);
        ready(()).shield(Mine(handle.clone())).await;
        here(line!() + 1);
        Tracker::new(&handle).spawn_detached(ready(()));
        tokio::task::yield_now().await;
    });
    assert_eq!(seen, expected);
}

/// A future that is boxed because it is large.
trait ShieldLarge: Sized {
    #[track_caller]
    fn shield_large(self, handle: &Handle) -> futures_shield::Shield<usize>;
}

impl ShieldLarge for usize {
    fn shield_large(self, handle: &Handle) -> futures_shield::Shield<usize> {
        let large = [1_u8; 4096];
        let work = async move {
            tokio::task::yield_now().await;
            large.len() + self
        };
        work.shield(handle)
    }
}

/// Where a frame in between makes that impossible, a spawner of the user's names its tasks by `spawn_location()`.
#[test]
fn elsewhere_a_spawner_knows_the_users_line() {
    let named = Arc::new(Mutex::new(Vec::new()));
    let names = Arc::clone(&named);
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let handle = runtime.handle().clone();
    let naming = DynSpawner::new(spawn_fn(move |task: BoxTask| {
        names.lock().unwrap().push(spawn_location().unwrap().line());
        drop(handle.spawn(task));
    }));
    let mut expected = Vec::new();
    runtime.block_on(async {
        expected.push(line!() + 1);
        ready(()).shield(&naming).await;
        expected.push(line!() + 1);
        drop(cleanup(&naming, (), async |()| ()));
        expected.push(line!() + 1);
        let mut started = std::pin::pin!(std::future::pending::<()>().shield_on_drop(naming.clone()));
        assert!(futures_poll(started.as_mut()).is_pending());
        started.set(std::future::pending().shield_on_drop(naming.clone()));
    });
    assert_eq!(*named.lock().unwrap(), expected);
}

fn futures_poll<F: Future>(future: std::pin::Pin<&mut F>) -> std::task::Poll<F::Output> {
    future.poll(&mut std::task::Context::from_waker(std::task::Waker::noop()))
}
