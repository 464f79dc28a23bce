//! Shields on your own executor: `impl Spawn` in five lines, or a closure with `spawn_fn` or
//! `schedule_fn`. The executor here is a thread and a queue. All that a spawner needs is a way to
//! hand a future to it.
//! `cargo run --example custom_spawner --features async-task`

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

use futures_executor::block_on;
use futures_shield::{BoxTask, ShieldExt, Spawn, schedule_fn, spawn_fn};

/// An executor that takes futures: it runs one after the other on a thread of its own.
#[derive(Clone)]
struct OneByOne {
    queue: Sender<BoxTask>,
}

impl OneByOne {
    fn new() -> (Self, Receiver<BoxTask>) {
        let (queue, tasks) = channel();
        (Self { queue }, tasks)
    }

    fn run(tasks: Receiver<BoxTask>) {
        for task in tasks {
            block_on(task);
        }
    }
}

// The five lines. If the executor is gone, `send` returns the task, which is dropped: the shield
// ends as cancelled.
impl Spawn for OneByOne {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        let _ = self.queue.send(Box::pin(future));
    }
}

/// Shields work on `spawner` and prints the thread on which it ran.
fn try_out(name: &str, spawner: impl Spawn) -> String {
    let shield = async { thread::current().name().unwrap_or("?").to_owned() }.shield(spawner);
    let thread = block_on(shield);
    println!("{name:<12} ran the work on the thread `{thread}`");
    thread
}

fn main() {
    // Your own executor: implement the trait.
    let (executor, tasks) = OneByOne::new();
    start("one-by-one", move || OneByOne::run(tasks));
    assert_eq!(try_out("impl Spawn", &executor), "one-by-one");

    // Somebody else's executor that takes futures: use a closure.
    let theirs = executor.queue.clone();
    let spawner = spawn_fn(move |task| drop(theirs.send(task)));
    assert_eq!(try_out("spawn_fn", &spawner), "one-by-one");

    // One that can only run closures, such as a thread pool or the event loop of a GUI: async-task
    // does the rest.
    let (pool, jobs) = channel::<Box<dyn FnOnce() + Send>>();
    start("pool", move || jobs.into_iter().for_each(|job| job()));
    let spawner = schedule_fn(move |runnable| drop(pool.send(Box::new(|| runnable.run()))));
    assert_eq!(try_out("schedule_fn", &spawner), "pool");

    // An executor that has ended: the work never started, so it is safe to retry it elsewhere.
    let (ended, tasks) = OneByOne::new();
    drop(tasks);
    let error = block_on(async { "receipt" }.shield(&ended).fallible()).unwrap_err();
    println!("an ended one: {error}");
    assert!(error.is_cancelled() && !error.was_started());
}

fn start(name: &str, run: impl FnOnce() + Send + 'static) {
    let thread = thread::Builder::new().name(name.to_owned()).spawn(run);
    thread.expect("a thread can be started");
}
