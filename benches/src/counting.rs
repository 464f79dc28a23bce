//! An allocator that counts.

#![allow(unsafe_code, reason = "`GlobalAlloc` cannot be implemented without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

/// The system's allocator, with each thread's allocations counted, whoever frees them.
#[derive(Debug)]
pub struct Counting;

/// What one thread has asked of [`Counting`].
#[derive(Clone, Copy, Debug, Default)]
pub struct Count {
    /// How often memory was allocated, or moved to grow.
    pub allocations: usize,
    /// How many bytes were allocated and are not freed. Signed: a thread may free what another allocated.
    pub live: isize,
}

thread_local! {
    // Without a destructor: it can be counted until the thread is gone.
    static COUNT: Cell<Count> = const { Cell::new(Count { allocations: 0, live: 0 }) };
}

/// What this thread has asked for until now.
pub fn count() -> Count {
    COUNT.get()
}

fn add(allocations: usize, live: isize) {
    let count = COUNT.get();
    COUNT.set(Count {
        allocations: count.allocations + allocations,
        live: count.live + live,
    });
}

// SAFETY: each call is handed on to the system's allocator as it came, and counting touches no memory of the caller's.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        add(1, layout.size().cast_signed());
        // SAFETY: the caller's own promises.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        add(0, -layout.size().cast_signed());
        // SAFETY: the caller's own promises.
        unsafe { System.dealloc(pointer, layout) }
    }

    unsafe fn realloc(&self, pointer: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        add(1, size.cast_signed() - layout.size().cast_signed());
        // SAFETY: the caller's own promises.
        unsafe { System.realloc(pointer, layout, size) }
    }
}
