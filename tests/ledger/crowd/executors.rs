//! Real executors: tokio's multi-thread runtime, a `smol::Executor` with two threads, and
//! `schedule_fn` with one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Mutex, mpsc};
use std::thread::{self, JoinHandle};

use async_executor::Executor;
use futures_shield::{DynSpawner, Runnable, Tokio, schedule_fn};
use tokio::runtime::{Builder, Runtime};
use tokio::sync::watch;

use super::record::locked;
use crate::program::EXECUTORS;

/// Three executors and their threads, of which each can be shut down.
pub struct Executors {
    spawners: [DynSpawner; EXECUTORS],
    running: [Mutex<Option<Running>>; EXECUTORS],
}

/// What keeps an executor going.
enum Running {
    Tokio(Runtime),
    Threads { stop: Stop, threads: Vec<JoinHandle<()>> },
}

enum Stop {
    Smol(watch::Sender<bool>, Arc<Executor<'static>>),
    Queue(mpsc::Sender<Option<Runnable>>),
}

impl Executors {
    pub fn new() -> Self {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .build()
            .expect("a runtime can be made");
        let tokio = DynSpawner::new(Tokio::from(runtime.handle().clone()));

        let executor = Arc::new(Executor::new());
        let (stop, stopped) = watch::channel(false);
        let threads = (0..2)
            .map(|_| {
                let (executor, mut stopped) = (Arc::clone(&executor), stopped.clone());
                spawn(move || {
                    let stopped = async move { drop(stopped.wait_for(|stop| *stop).await) };
                    futures_executor::block_on(executor.run(stopped));
                })
            })
            .collect();
        let weak = Arc::downgrade(&executor);
        let smol = DynSpawner::new(WeakExecutor(weak));
        let smol_runs = Running::Threads {
            stop: Stop::Smol(stop, executor),
            threads,
        };

        let (queue, orders) = mpsc::channel::<Option<Runnable>>();
        let work = spawn(move || {
            while let Ok(Some(runnable)) = orders.recv() {
                runnable.run();
            }
        });
        let sender = queue.clone();
        let scheduled = DynSpawner::new(schedule_fn(move |runnable| drop(sender.send(Some(runnable)))));
        let queue_runs = Running::Threads {
            stop: Stop::Queue(queue),
            threads: vec![work],
        };
        Self {
            spawners: [tokio, smol, scheduled],
            running: [Running::Tokio(runtime), smol_runs, queue_runs].map(|running| Mutex::new(Some(running))),
        }
    }

    pub fn spawner(&self, executor: usize) -> DynSpawner {
        self.spawners[executor].clone()
    }

    /// Drops the tasks of an executor. From then on it drops what it is given.
    pub fn shut_down(&self, executor: usize) {
        let running = locked(&self.running[executor]).take();
        match running {
            // In the background: this may be called by a task of its own.
            Some(Running::Tokio(runtime)) => runtime.shutdown_background(),
            Some(Running::Threads { stop, threads }) => {
                match stop {
                    Stop::Smol(stop, executor) => {
                        stop.send_replace(true);
                        drop(executor);
                    }
                    Stop::Queue(queue) => drop(queue.send(None)),
                }
                // Not joined: this may be called by a task of theirs. They end soon.
                drop(threads);
            }
            None => {}
        }
    }
}

impl Drop for Executors {
    fn drop(&mut self) {
        for executor in 0..EXECUTORS {
            self.shut_down(executor);
        }
    }
}

/// Starts a thread that must not panic: nothing of the crate may unwind into its executor.
fn spawn(body: impl FnOnce() + Send + 'static) -> JoinHandle<()> {
    thread::spawn(move || {
        if catch_unwind(AssertUnwindSafe(body)).is_err() {
            std::process::abort();
        }
    })
}

/// Spawns on an executor while it is there: held strongly, its own tasks would keep it alive.
struct WeakExecutor(std::sync::Weak<Executor<'static>>);

impl futures_shield::Spawn for WeakExecutor {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        if let Some(executor) = self.0.upgrade() {
            futures_shield::Spawn::spawn_detached(&executor, future);
        }
    }
}
