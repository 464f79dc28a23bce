//! What the library allocates. The allocator counts what the whole process does, so these tests run in one thread, one after
//! another, and nothing else runs in their process.

mod cost;
mod scale;

#[path = "../it/support/mod.rs"]
#[expect(
    dead_code,
    unused_macros,
    unused_imports,
    reason = "tests/it uses all of it, and is told of what nobody uses"
)]
mod support;

use std::alloc::System;

use libtest_mimic::{Arguments, Trial};
use stats_alloc::{INSTRUMENTED_SYSTEM, Region, StatsAlloc};

#[global_allocator]
static ALLOCATOR: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// What the threads of a runtime may need meanwhile, in bytes.
const SLACK: isize = 256 * 1024;

/// The bytes that are allocated now.
fn memory() -> isize {
    let stats = ALLOCATOR.stats();
    // What a reallocation grows by is counted as allocated as well.
    stats.bytes_allocated as isize - stats.bytes_deallocated as isize
}

/// How many allocations `f` makes when it runs again. What it gives is dropped after the count.
fn allocations<T>(mut f: impl FnMut() -> T) -> usize {
    // The first run may allocate what stays: thread-locals, and the callsites of tracing.
    drop(f());
    let before = ALLOCATOR.stats().allocations;
    let kept = f();
    let count = ALLOCATOR.stats().allocations - before;
    drop(kept);
    count
}

/// How many allocations `f` makes, and how many bytes it keeps.
fn cost(f: impl FnOnce()) -> (usize, isize) {
    let region = Region::new(ALLOCATOR);
    f();
    let change = region.change();
    let kept = change.bytes_allocated as isize - change.bytes_deallocated as isize + change.bytes_reallocated;
    (change.allocations + change.reallocations, kept)
}

macro_rules! trials {
    ($($module:ident: $($test:ident),+;)+) => {
        vec![$($(Trial::test(concat!(stringify!($module), "::", stringify!($test)), || {
            $module::$test();
            Ok(())
        })),+),+]
    };
}

fn main() {
    let mut arguments = Arguments::from_args();
    // One runs on the main thread, and no other thread allocates meanwhile.
    arguments.test_threads = Some(1);
    let trials = trials! {
        cost: inline_modes, attach_and_leave, many_orphans;
        scale:
            a_hundred_thousand_alive_then_all_dropped,
            a_hundred_thousand_alive_on_tokio_then_all_dropped,
            a_million_polls_with_a_waker_each,
            a_million_shared_handles_attach_and_leave,
            a_million_works_one_after_another,
            ten_thousand_nested,
            ten_thousand_nested_on_tokio,
            a_shield_allocates_once_beside_its_task;
    };
    libtest_mimic::run(&arguments, trials).exit();
}
