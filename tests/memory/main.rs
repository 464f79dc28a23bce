//! What the library allocates. The allocator counts for the whole process, so these tests run on
//! one thread, one after another, and nothing else runs in their process.

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

/// What the threads of a runtime may allocate meanwhile, in bytes.
const SLACK: isize = 256 * 1024;

/// Returns the number of bytes that are allocated now.
fn memory() -> isize {
    let stats = ALLOCATOR.stats();
    // The growth of a reallocation counts as allocated.
    stats.bytes_allocated as isize - stats.bytes_deallocated as isize
}

/// Asserts that `f` keeps no more memory than that.
fn keeps_nothing(f: impl FnOnce()) {
    let (_, kept) = cost(f);
    assert!(kept < SLACK, "{kept} bytes are left");
}

/// Returns how many allocations `f` makes when it runs again. Its value is dropped after the count.
fn allocations<T>(mut f: impl FnMut() -> T) -> usize {
    // The first run may allocate what stays: thread-locals, and the callsites of tracing.
    drop(f());
    let before = ALLOCATOR.stats().allocations;
    let kept = f();
    let count = ALLOCATOR.stats().allocations - before;
    drop(kept);
    count
}

/// Returns how many allocations `f` makes, and how many bytes it keeps.
fn cost(f: impl FnOnce()) -> (usize, isize) {
    let (region, baseline) = (Region::new(ALLOCATOR), memory());
    f();
    let change = region.change();
    (change.allocations + change.reallocations, memory() - baseline)
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
            hundred_thousand_shields,
            hundred_thousand_on_tokio,
            million_wakers,
            million_shared_handles,
            million_short_works,
            ten_thousand_nested,
            ten_thousand_nested_on_tokio,
            allocations_of_a_shield;
    };
    libtest_mimic::run(&arguments, trials).exit();
}
