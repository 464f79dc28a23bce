//! A small executor over async-task, as in that crate's examples: a queue, and whoever blocks on it runs it.

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Mutex;
use std::task::{Context, Poll, Waker};

use futures_shield::{ScheduleFn, schedule_fn};

use crate::home::Home;

struct Queue<R> {
    runnables: Mutex<VecDeque<R>>,
}

static THEIRS: Queue<async_task::Runnable> = Queue::new();
static OURS: Queue<futures_shield::Runnable> = Queue::new();

impl<R> Queue<R> {
    const fn new() -> Self {
        Self {
            runnables: Mutex::new(VecDeque::new()),
        }
    }

    fn push(&self, runnable: R) {
        self.runnables
            .lock()
            .expect("nothing panics in here")
            .push_back(runnable);
    }

    fn pop(&self) -> Option<R> {
        self.runnables.lock().expect("nothing panics in here").pop_front()
    }

    fn run_until<T>(&self, future: impl Future<Output = T>, run: impl Fn(R)) -> T {
        let mut future = pin!(future);
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return output;
            }
            while let Some(runnable) = self.pop() {
                run(runnable);
            }
        }
    }
}

/// The executor with async-task's own tasks.
pub struct AsyncTask;

impl AsyncTask {
    pub fn spawn<F>(&self, future: F) -> async_task::Task<F::Output>
    where
        F: Future<Output: Send + 'static> + Send + 'static,
    {
        let (runnable, task) = async_task::spawn(future, |runnable| THEIRS.push(runnable));
        runnable.schedule();
        task
    }
}

impl Home for AsyncTask {
    fn here() -> Self {
        Self
    }

    fn block_on<T>(main: impl AsyncFnOnce(&'static Self) -> T) -> T {
        THEIRS.run_until(crate::home::isolated(main(&Self)), |runnable| {
            runnable.run();
        })
    }
}

/// The executor as a spawner.
impl Home for ScheduleFn<fn(futures_shield::Runnable)> {
    fn here() -> Self {
        schedule_fn(|runnable| OURS.push(runnable))
    }

    fn block_on<T>(main: impl AsyncFnOnce(&'static Self) -> T) -> T {
        OURS.run_until(
            crate::home::isolated(main(crate::home::leaked())),
            futures_shield::Runnable::run,
        )
    }
}
