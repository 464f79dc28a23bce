//! What all contenders have in common: one binary each, that does one thing `n` times.
//!
//! On tokio's current-thread runtime, all of them, so that no other thread has a say in what is counted. The operations run in
//! `block_on`: what is spawned there is polled by the same thread after it yields, and wakes it when it ends.

#[cfg(feature = "system-allocator")]
pub use std::alloc::System as Allocator;
use std::env;
use std::hint::black_box;
use std::mem;
use std::pin::Pin;

use futures_shield::{Tokio, Tracker};
use smol::Executor;
use tokio::runtime::{Builder, Runtime};
use tokio_util::task::TaskTracker;

#[cfg(not(feature = "system-allocator"))]
pub use crate::pool::Pool as Allocator;

/// Makes the `main` of a contender: an expression that awaits, with a spawner by reference.
///
/// The loop and the future are compiled in the contender's own crate, as they would be in a user's.
#[macro_export]
macro_rules! contender {
    ($harness:ident, |$spawner:ident| $operation:expr) => {
        #[global_allocator]
        static ALLOCATOR: $crate::contender::Allocator = $crate::contender::Allocator;

        async fn ready() -> u64 {
            ::std::hint::black_box(7)
        }

        fn main() {
            $crate::contender::$harness(|$spawner, n| {
                ::std::boxed::Box::pin(async move {
                    for _ in 0..n {
                        ::std::hint::black_box($operation);
                    }
                })
            });
        }
    };
}

/// How many operations the command line asks for, on a heap as used as it asks for.
fn operations() -> usize {
    let mut asked = env::args().skip(1).map(|argument| argument.parse().expect("a number"));
    let operations = asked.next().expect("how many operations");
    use_heap(asked.next().unwrap_or(0));
    operations
}

/// Allocates, frees and keeps blocks of many sizes, in an order of its own for each `seed`: what glibc's malloc costs depends on
/// what it holds, by some 10%.
fn use_heap(seed: usize) {
    let mut random = seed;
    for _ in 0..64 * seed.min(1) {
        // Knuth's MMIX generator.
        random = random
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let block = Vec::<u8>::with_capacity((random >> 33) % 512 + 1);
        if random >> 63 == 0 {
            mem::forget(black_box(block));
        }
    }
}

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .build()
        .expect("a runtime without drivers")
}

/// The operations of one run. Behind a pointer, so that they are a function of their own in each binary, and share no
/// registers with the loop of the runtime around them.
type Run<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

/// Operations that spawn on tokio, or not at all.
pub fn tokio(run: for<'a> fn(&'a Tokio, usize) -> Run<'a>) {
    runtime().block_on(async { run(&Tokio::current(), operations()).await });
}

/// Operations that spawn on tokio through a tracker of this crate.
pub fn tracker(run: for<'a> fn(&'a Tracker<Tokio>, usize) -> Run<'a>) {
    runtime().block_on(async { run(&Tracker::new(Tokio::current()), operations()).await });
}

/// Operations that spawn on tokio through a tracker of tokio-util.
pub fn task_tracker(run: for<'a> fn(&'a TaskTracker, usize) -> Run<'a>) {
    runtime().block_on(async { run(&TaskTracker::new(), operations()).await });
}

/// Operations that spawn on a smol executor which this thread runs. (`smol::spawn` is the same executor with threads of its
/// own, and no two runs of it count the same.)
pub fn smol(run: for<'a> fn(&'a Executor<'static>, usize) -> Run<'a>) {
    let executor = Executor::new();
    smol::future::block_on(executor.run(run(&executor, operations())));
}
