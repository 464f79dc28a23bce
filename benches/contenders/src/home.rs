//! Where contenders run. All but async-std run on one thread, so that what is counted repeats.

use std::pin::Pin;

use futures_shield::{AsyncStd, DynSpawner, Tokio, TokioLocal, Tracker};
use smol::Executor;
use tokio::runtime::{Builder, Runtime};
use tokio::task::LocalSet;
use tokio_util::task::TaskTracker;

/// A spawner, and a way to run a future where that spawner's tasks run.
pub trait Home: Sized + Sync + 'static {
    /// Creates the spawner, in the context of its runtime.
    fn here() -> Self;

    /// Runs `main` with a spawner that is leaked, so that every task can borrow it.
    fn block_on<T>(main: impl AsyncFnOnce(&'static Self) -> T) -> T {
        this_thread().block_on(async { isolated(main(leaked())).await })
    }
}

/// Creates the spawner of `H`, and leaks it.
pub(crate) fn leaked<H: Home>() -> &'static H {
    Box::leak(Box::new(H::here()))
}

fn this_thread() -> Runtime {
    let runtime = Builder::new_current_thread().build();
    runtime.expect("a runtime without drivers")
}

/// Hides the type of `future`, so that its code is a function of its own in each binary, and shares no registers with the loop
/// of the runtime.
pub(crate) async fn isolated<T>(future: impl Future<Output = T>) -> T {
    let future: Pin<Box<dyn Future<Output = T> + '_>> = Box::pin(future);
    future.await
}

impl Home for Tokio {
    fn here() -> Self {
        Self::current()
    }
}

impl Home for Tracker<Tokio> {
    fn here() -> Self {
        Self::new(Tokio::current())
    }
}

impl Home for DynSpawner {
    fn here() -> Self {
        Self::new(Tokio::current())
    }
}

impl Home for TaskTracker {
    fn here() -> Self {
        Self::new()
    }
}

impl Home for TokioLocal {
    fn here() -> Self {
        Self
    }

    fn block_on<T>(main: impl AsyncFnOnce(&'static Self) -> T) -> T {
        LocalSet::new().block_on(&this_thread(), async { isolated(main(leaked())).await })
    }
}

/// smol's executor, without the threads of `smol::spawn`.
impl Home for Executor<'static> {
    fn here() -> Self {
        Self::new()
    }

    fn block_on<T>(main: impl AsyncFnOnce(&'static Self) -> T) -> T {
        let executor: &Self = leaked();
        smol::future::block_on(executor.run(isolated(main(executor))))
    }
}

impl Home for AsyncStd {
    fn here() -> Self {
        Self
    }

    fn block_on<T>(main: impl AsyncFnOnce(&'static Self) -> T) -> T {
        async_std::task::block_on(isolated(main(leaked())))
    }
}
