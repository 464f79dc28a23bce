//! Every spawner of this crate, each with an executor behind it.
//!
//! A test that runs on all of them is a `fn name(rig: Rig)`, listed in one `on_every_spawner! {
//! name, .. }`. Tests of shutdown are listed apart, and are stamped only for the executors to which
//! they apply. A test that must hand its work over unboxed is a `fn name<R: TypedRig>(rig: R)`, in
//! `on_every_spawner! { typed: name, .. }`.

use std::future::Future;
use std::sync::Arc;
use std::thread;

use futures_executor::ThreadPool;
use futures_shield::{BoxTask, DynSpawner, Spawn, spawn_fn};

use super::{Crank, CrankSpawner};
use crate::support::block_on;

/// What an executor does with the futures that it holds when it is shut down.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Shutdown {
    /// It drops them.
    Drops,
    /// It drops those that are ready to run, and the others once they are woken.
    #[cfg_attr(
        not(feature = "async-task"),
        expect(dead_code, reason = "`schedule_fn` alone does so")
    )]
    DropsWhenWoken,
    /// It cannot be shut down while it holds any.
    Never,
}

/// An executor, and its spawner. Most tests take it as a [`Rig`](super::Rig).
pub(crate) trait TypedRig: Sized + 'static {
    type Spawner: Spawn + Clone + Send + Sync + 'static;

    const SHUTDOWN: Shutdown;

    fn new() -> Self;

    fn spawner(&self) -> Self::Spawner;

    /// Returns a spawner that does not keep its executor, for work that is a task of that executor.
    fn spawner_without_executor(&self) -> impl Spawn + Clone + Send + Sync + 'static {
        self.spawner()
    }

    /// Runs a caller to its end, with a deadline. An executor that has no threads of its own runs
    /// only in here.
    fn run<F: Future>(&self, caller: F) -> F::Output {
        block_on(caller)
    }

    /// Shuts the executor down, if it can be, before it returns.
    fn shut_down(self) {}
}

macro_rules! stamp_spawner {
    ($(#[$gate:meta])* $name:ident: $rig:ident, $make:ident [$($test:ident)*]) => {
        $(#[$gate])*
        mod $name {
            $(
                #[test]
                fn $test() {
                    super::$test(crate::support::$make::<crate::support::$rig>());
                }
            )*
        }
    };
}

/// Stamps a module for each spawner, with each of the tests in it. Those after `if_it_shuts_down`
/// are left out for [`Shutdown::Never`], and those after `if_it_drops` for all but
/// [`Shutdown::Drops`].
macro_rules! on_every_spawner {
    ($($test:ident),+ $(,)?) => {
        on_every_spawner! { every: $($test),+; }
    };
    (
        every: $($every:ident),* $(,)?;
        $(if_it_shuts_down: $($shuts_down:ident),+ $(,)?;)?
        $(if_it_drops: $($drops:ident),+ $(,)?;)?
    ) => {
        on_every_spawner! {
            @ erased [$($every)*] [$($every)* $($($shuts_down)+)?] [$($every)* $($($shuts_down)+)? $($($drops)+)?]
        }
    };
    (typed: $($test:ident),+ $(,)?) => {
        on_every_spawner! { @ typed [$($test)+] [$($test)+] [$($test)+] }
    };
    (@ $make:ident $never:tt $when_woken:tt $drops:tt) => {
        stamp_spawner! { hand_cranked: HandCranked, $make $drops }
        stamp_spawner! { thread_per_task: ThreadPerTask, $make $never }
        stamp_spawner! { spawn_fn_over_thread_pool: SpawnFnOverPool, $make $never }
        stamp_spawner! { dyn_spawner: Dyn, $make $drops }
        stamp_spawner! { #[cfg(feature = "tokio")] tokio_multi_thread: TokioMultiThread, $make $drops }
        stamp_spawner! { #[cfg(feature = "tokio")] tokio_current_thread: TokioCurrentThread, $make $drops }
        stamp_spawner! { #[cfg(feature = "tokio")] tokio_handle: TokioHandle, $make $drops }
        stamp_spawner! { #[cfg(feature = "smol")] smol_global: SmolGlobal, $make $never }
        stamp_spawner! { #[cfg(feature = "smol")] smol_executor_by_hand: SmolExecutorByHand, $make $drops }
        stamp_spawner! { #[cfg(feature = "smol")] smol_executor_on_a_thread: SmolExecutorOnAThread, $make $drops }
        stamp_spawner! { #[cfg(feature = "async-std")] async_std: AsyncStdGlobal, $make $never }
        stamp_spawner! { #[cfg(feature = "async-task")] schedule_fn: ScheduleFnOnAThread, $make $when_woken }
        stamp_spawner! { #[cfg(feature = "futures")] futures_thread_pool: FuturesPool, $make $never }
        // It is Tokio's if there is one.
        stamp_spawner! { #[cfg(feature = "tokio")] current_runtime: Current, $make $drops }
        stamp_spawner! {
            #[cfg(all(not(feature = "tokio"), any(feature = "smol", feature = "async-std")))]
            current_runtime: Current, $make $never
        }
    };
}

/// The hand-cranked executor.
pub(crate) struct HandCranked(Crank);

impl TypedRig for HandCranked {
    type Spawner = CrankSpawner;

    const SHUTDOWN: Shutdown = Shutdown::Drops;

    fn new() -> Self {
        Self(Crank::new())
    }

    fn spawner(&self) -> CrankSpawner {
        self.0.spawner()
    }

    fn run<F: Future>(&self, caller: F) -> F::Output {
        block_on(self.0.drive(caller))
    }

    fn shut_down(self) {
        self.0.shut_down();
    }
}

/// A custom spawner in a few lines (scenario 11). Boxed here, because the thread has a small stack.
#[derive(Clone, Copy, Debug)]
pub(crate) struct ThreadPerTask;

impl Spawn for ThreadPerTask {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        let future = Box::pin(future);
        thread::spawn(|| futures_executor::block_on(future));
    }
}

impl TypedRig for ThreadPerTask {
    type Spawner = Self;

    const SHUTDOWN: Shutdown = Shutdown::Never;

    fn new() -> Self {
        Self
    }

    fn spawner(&self) -> Self {
        *self
    }
}

/// `spawn_fn`.
pub(crate) struct SpawnFnOverPool(ThreadPool);

/// A `spawn_fn` of any closure, in one nameable type.
#[derive(Clone)]
pub(crate) struct Closure(Arc<dyn Fn(BoxTask) + Send + Sync>);

impl Spawn for Closure {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        spawn_fn(|task| (self.0)(task)).spawn_detached(future);
    }
}

fn pool() -> ThreadPool {
    ThreadPool::builder().pool_size(2).create().unwrap()
}

impl TypedRig for SpawnFnOverPool {
    type Spawner = Closure;

    const SHUTDOWN: Shutdown = Shutdown::Never;

    fn new() -> Self {
        Self(pool())
    }

    fn spawner(&self) -> Closure {
        let pool = self.0.clone();
        Closure(Arc::new(move |task| pool.spawn_ok(task)))
    }
}

/// `DynSpawner`.
pub(crate) struct Dyn(Crank);

impl TypedRig for Dyn {
    type Spawner = DynSpawner;

    const SHUTDOWN: Shutdown = Shutdown::Drops;

    fn new() -> Self {
        Self(Crank::new())
    }

    fn spawner(&self) -> DynSpawner {
        DynSpawner::new(self.0.spawner())
    }

    fn run<F: Future>(&self, caller: F) -> F::Output {
        block_on(self.0.drive(caller))
    }

    fn shut_down(self) {
        self.0.shut_down();
    }
}

#[cfg(feature = "tokio")]
mod on_tokio {
    use futures_shield::Tokio;
    use tokio::runtime::{Builder, Handle, Runtime};

    use super::*;
    use crate::support::timely;

    fn multi_thread() -> Runtime {
        Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .unwrap()
    }

    /// `Tokio`, of a multi-thread runtime.
    pub(crate) struct TokioMultiThread(Runtime);

    impl TypedRig for TokioMultiThread {
        type Spawner = Tokio;

        const SHUTDOWN: Shutdown = Shutdown::Drops;

        fn new() -> Self {
            Self(multi_thread())
        }

        fn spawner(&self) -> Tokio {
            let _context = self.0.enter();
            Tokio::current()
        }

        fn run<F: Future>(&self, caller: F) -> F::Output {
            self.0.block_on(timely(caller))
        }
    }

    /// `Tokio`, of a current-thread runtime: orphans continue in the next `run`.
    pub(crate) struct TokioCurrentThread(Runtime);

    impl TypedRig for TokioCurrentThread {
        type Spawner = Tokio;

        const SHUTDOWN: Shutdown = Shutdown::Drops;

        fn new() -> Self {
            Self(Builder::new_current_thread().enable_all().build().unwrap())
        }

        fn spawner(&self) -> Tokio {
            Tokio::from(self.0.handle().clone())
        }

        fn run<F: Future>(&self, caller: F) -> F::Output {
            self.0.block_on(timely(caller))
        }
    }

    /// A `Handle`, used outside of its runtime.
    pub(crate) struct TokioHandle(Runtime);

    impl TypedRig for TokioHandle {
        type Spawner = Handle;

        const SHUTDOWN: Shutdown = Shutdown::Drops;

        fn new() -> Self {
            Self(multi_thread())
        }

        fn spawner(&self) -> Handle {
            self.0.handle().clone()
        }
    }
}
#[cfg(feature = "tokio")]
pub(crate) use self::on_tokio::*;

#[cfg(feature = "smol")]
mod on_smol {
    use futures_shield::Smol;
    use smol::Executor;

    use super::*;
    use crate::support::Thread;

    /// `Smol`.
    pub(crate) struct SmolGlobal;

    impl TypedRig for SmolGlobal {
        type Spawner = Smol;

        const SHUTDOWN: Shutdown = Shutdown::Never;

        fn new() -> Self {
            Self
        }

        fn spawner(&self) -> Smol {
            Smol
        }
    }

    fn not_keeping(executor: &Arc<Executor<'static>>) -> impl Spawn + Clone + Send + Sync + use<> {
        let executor = Arc::downgrade(executor);
        spawn_fn(move |task| {
            if let Some(executor) = executor.upgrade() {
                executor.spawn(task).detach();
            }
        })
    }

    /// An `Arc<Executor>` that runs while its caller does.
    pub(crate) struct SmolExecutorByHand(Arc<Executor<'static>>);

    impl TypedRig for SmolExecutorByHand {
        type Spawner = Arc<Executor<'static>>;

        const SHUTDOWN: Shutdown = Shutdown::Drops;

        fn new() -> Self {
            Self(Arc::new(Executor::new()))
        }

        fn spawner(&self) -> Self::Spawner {
            Arc::clone(&self.0)
        }

        fn spawner_without_executor(&self) -> impl Spawn + Clone + Send + Sync + 'static {
            not_keeping(&self.0)
        }

        fn run<F: Future>(&self, caller: F) -> F::Output {
            block_on(self.0.run(caller))
        }
    }

    /// An `Arc<Executor>` with a thread that runs it.
    pub(crate) struct SmolExecutorOnAThread {
        executor: Arc<Executor<'static>>,
        stop: Option<tokio::sync::oneshot::Sender<()>>,
        thread: Option<Thread<()>>,
    }

    impl TypedRig for SmolExecutorOnAThread {
        type Spawner = Arc<Executor<'static>>;

        const SHUTDOWN: Shutdown = Shutdown::Drops;

        fn new() -> Self {
            let executor = Arc::new(Executor::new());
            let (stop, stopped) = tokio::sync::oneshot::channel();
            let runs = Arc::clone(&executor);
            let thread = Thread::start(move || drop(futures_executor::block_on(runs.run(stopped))));
            Self {
                executor,
                stop: Some(stop),
                thread: Some(thread),
            }
        }

        fn spawner(&self) -> Self::Spawner {
            Arc::clone(&self.executor)
        }

        fn spawner_without_executor(&self) -> impl Spawn + Clone + Send + Sync + 'static {
            not_keeping(&self.executor)
        }
    }

    impl Drop for SmolExecutorOnAThread {
        fn drop(&mut self) {
            self.stop.take();
            if let Some(thread) = self.thread.take() {
                thread.join();
            }
        }
    }
}
#[cfg(feature = "smol")]
pub(crate) use self::on_smol::*;

#[cfg(feature = "async-std")]
mod on_async_std {
    use futures_shield::AsyncStd;

    use super::*;

    /// `AsyncStd`.
    pub(crate) struct AsyncStdGlobal;

    impl TypedRig for AsyncStdGlobal {
        type Spawner = AsyncStd;

        const SHUTDOWN: Shutdown = Shutdown::Never;

        fn new() -> Self {
            Self
        }

        fn spawner(&self) -> AsyncStd {
            AsyncStd
        }
    }
}
#[cfg(feature = "async-std")]
pub(crate) use self::on_async_std::*;

#[cfg(feature = "async-task")]
mod on_async_task {
    use futures_shield::{Runnable, ScheduleFn, schedule_fn};
    use std::sync::mpsc;

    use super::*;
    use crate::support::Thread;

    /// `schedule_fn`, over a queue and a thread.
    pub(crate) struct ScheduleFnOnAThread {
        queue: mpsc::Sender<Order>,
        thread: Option<Thread<()>>,
    }

    enum Order {
        Run(Runnable),
        Stop,
    }

    /// The closure of `schedule_fn` in a nameable type.
    type Schedule = Box<dyn Fn(Runnable) + Send + Sync>;

    impl TypedRig for ScheduleFnOnAThread {
        type Spawner = ScheduleFn<Schedule>;

        const SHUTDOWN: Shutdown = Shutdown::DropsWhenWoken;

        fn new() -> Self {
            let (queue, orders) = mpsc::channel();
            let thread = Thread::start(move || {
                while let Ok(Order::Run(runnable)) = orders.recv() {
                    runnable.run();
                }
            });
            Self {
                queue,
                thread: Some(thread),
            }
        }

        fn spawner(&self) -> Self::Spawner {
            let queue = self.queue.clone();
            schedule_fn(Box::new(move |runnable| drop(queue.send(Order::Run(runnable)))))
        }
    }

    impl Drop for ScheduleFnOnAThread {
        fn drop(&mut self) {
            drop(self.queue.send(Order::Stop));
            if let Some(thread) = self.thread.take() {
                thread.join();
            }
        }
    }
}
#[cfg(feature = "async-task")]
pub(crate) use self::on_async_task::*;

#[cfg(feature = "futures")]
mod on_futures {
    use futures_shield::FuturesSpawner;

    use super::*;

    /// `FuturesSpawner`, over a `ThreadPool`.
    pub(crate) struct FuturesPool(ThreadPool);

    impl TypedRig for FuturesPool {
        type Spawner = FuturesSpawner<ThreadPool>;

        // Each of its tasks keeps the pool alive.
        const SHUTDOWN: Shutdown = Shutdown::Never;

        fn new() -> Self {
            Self(pool())
        }

        fn spawner(&self) -> Self::Spawner {
            FuturesSpawner::new(self.0.clone())
        }
    }
}
#[cfg(feature = "futures")]
pub(crate) use self::on_futures::*;

#[cfg(any(feature = "tokio", feature = "smol", feature = "async-std"))]
mod current {
    use futures_shield::{CurrentRuntime, current_runtime};

    use super::*;

    /// `current_runtime()`, inside a Tokio runtime if the feature is enabled.
    pub(crate) struct Current {
        #[cfg(feature = "tokio")]
        tokio: super::on_tokio::TokioMultiThread,
    }

    impl TypedRig for Current {
        type Spawner = CurrentRuntime;

        #[cfg(feature = "tokio")]
        const SHUTDOWN: Shutdown = Shutdown::Drops;
        #[cfg(not(feature = "tokio"))]
        const SHUTDOWN: Shutdown = Shutdown::Never;

        fn new() -> Self {
            Self {
                #[cfg(feature = "tokio")]
                tokio: TypedRig::new(),
            }
        }

        #[cfg(feature = "tokio")]
        fn spawner(&self) -> CurrentRuntime {
            self.tokio.run(async { current_runtime() })
        }

        #[cfg(not(feature = "tokio"))]
        fn spawner(&self) -> CurrentRuntime {
            current_runtime()
        }
    }
}
#[cfg(any(feature = "tokio", feature = "smol", feature = "async-std"))]
pub(crate) use self::current::*;
