//! One binary for each way to protect a future, under `src/bin`, and the scenarios that all of them can run.
//!
//! `cargo run -p futures-shield-contenders --bin shield -- ready 610` runs the scenario `ready` with 610 operations, and
//! `ready 61 32` does so with 61 operations on each of 32 heaps that differ. Without a number, it reads numbers from its input, and
//! prints the nanoseconds of each run: that is how times are measured alternately.
//!
//! Nothing in here measures anything but time: instructions, allocations and bytes are counted from outside, by valgrind, so
//! the binaries are those of any user: the release profile as it is by default, and the system's allocator.

#![allow(clippy::print_stdout, reason = "the binaries print times")]
#![allow(missing_debug_implementations, reason = "nobody formats a benchmark")]

mod heap;
pub mod home;
pub mod queue;
mod scenario;
#[cfg(feature = "tracing")]
mod subscriber;
mod work;

use std::env;
use std::io::stdin;

pub use crate::home::Home;

/// A way to protect a future. `contender!` implements it.
pub trait Contender: 'static {
    /// What it spawns on.
    type Home: Home;

    /// Protects the future that `work` makes.
    fn protect<F, W>(home: &'static Self::Home, work: W) -> impl Future + Send + Unpin + 'static
    where
        F: Future<Output: Send + 'static> + Send + 'static,
        W: FnOnce() -> F + Send + 'static;
}

/// Defines the `main` of a contender: where it runs, and an expression that protects the future `work()`.
#[macro_export]
macro_rules! contender {
    ($home:ty, |$spawner:ident, $work:ident| $protect:expr) => {
        enum This {}

        impl $crate::Contender for This {
            type Home = $home;

            #[inline]
            fn protect<F, W>($spawner: &'static $home, $work: W) -> impl Future + Send + Unpin + 'static
            where
                F: Future<Output: Send + 'static> + Send + 'static,
                W: FnOnce() -> F + Send + 'static,
            {
                $protect
            }
        }

        fn main() {
            $crate::run::<This>();
        }
    };
}

/// Runs the scenario that the command line names.
pub fn run<C: Contender>() {
    let mut arguments = env::args().skip(1);
    let name = arguments.next().expect("the name of a scenario");
    let scenario = scenario::named::<C>(&name).unwrap_or_else(|| panic!("there is no scenario `{name}` in this build"));
    if let Some(operations) = arguments.next() {
        let operations = operations.parse().expect("how many operations");
        let heaps = arguments
            .next()
            .map_or(1, |heaps| heaps.parse().expect("on how many heaps"));
        (0..heaps).for_each(|seed| heap::disturbed(seed, || scenario(operations)));
        return;
    }
    for line in stdin().lines() {
        let operations = line.expect("readable input").parse().expect("how many operations");
        match scenario(operations) {
            Some(time) => println!("{}", time.as_nanos()),
            None => println!("invalid"),
        }
    }
}
