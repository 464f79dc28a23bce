//! An allocator of fixed cost, so that counts of instructions tell libraries apart and not the state of a heap.

#![allow(unsafe_code, reason = "`GlobalAlloc` cannot be implemented without")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;
use std::ptr;

/// Takes blocks from a free list per size and thread: each allocation pops one and each deallocation pushes one, by the
/// same few instructions whatever was done before. What is larger than a tokio task ever is here goes to the system.
#[derive(Debug)]
pub struct Pool;

/// Sizes are rounded up to this, and everything is aligned to it or, where more is asked for, to `WIDE`.
const NARROW: usize = 16;
/// Tokio aligns its tasks to two cache lines.
const WIDE: usize = 128;
const CLASSES: usize = 64;
const LARGEST: usize = NARROW * (CLASSES - 1);
/// How many blocks a list is refilled with. It never shrinks, so this happens in the warm-up only.
const REFILL: usize = 32;

struct Block {
    next: *mut Self,
}

thread_local! {
    // Without a destructor: it is there for as long as the thread is.
    static FREE: [Cell<*mut Block>; 2 * CLASSES] = const { [const { Cell::new(ptr::null_mut()) }; 2 * CLASSES] };
}

/// The list that serves `layout`, and the layout of its blocks.
#[inline]
fn class(layout: Layout) -> Option<(usize, usize, usize)> {
    if layout.align() <= NARROW {
        let units = layout.size().div_ceil(NARROW);
        (layout.size() <= LARGEST).then_some((units, units * NARROW, NARROW))
    } else {
        let units = layout.size().div_ceil(WIDE);
        (layout.align() <= WIDE && units < CLASSES).then_some((CLASSES + units, units * WIDE, WIDE))
    }
}

/// Fills the list that serves `layout`, where there is one, and allocates.
#[cold]
#[inline(never)]
fn refill(layout: Layout) -> *mut u8 {
    let Some((list, size, align)) = class(layout) else {
        // SAFETY: the layout is the one the caller of `alloc` vouches for.
        return unsafe { System.alloc(layout) };
    };
    FREE.with(|free| {
        let list = &free[list];
        for _ in 0..REFILL {
            // SAFETY: the size is not zero, as no layout that is allocated has a size of zero.
            let block = unsafe { System.alloc(Layout::from_size_align_unchecked(size, align)) }.cast::<Block>();
            if block.is_null() {
                return ptr::null_mut();
            }
            // SAFETY: the block is nobody else's, and large and aligned enough for a pointer.
            unsafe { block.write(Block { next: list.get() }) };
            list.set(block);
        }
        // SAFETY: what is in a list is a block.
        unsafe { pop(list) }.cast()
    })
}

/// # Safety
///
/// The list is not empty.
#[inline]
unsafe fn pop(list: &Cell<*mut Block>) -> *mut Block {
    let block = list.get();
    // SAFETY: what is in a list is a block.
    list.set(unsafe { (*block).next });
    block
}

// SAFETY: a block is in a list or with the one who allocated it, never both; each list holds blocks of one size and
// alignment, and `class` gives the same list for the same layout.
unsafe impl GlobalAlloc for Pool {
    // As every real allocator's, so that it costs the same in each binary.
    #[inline(never)]
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if let Some((list, ..)) = class(layout) {
            let block = FREE.with(|free| {
                let list = &free[list];
                // SAFETY: it is not empty.
                (!list.get().is_null()).then(|| unsafe { pop(list) })
            });
            if let Some(block) = block {
                return block.cast();
            }
        }
        refill(layout)
    }

    // As every real allocator's, so that it costs the same in each binary.
    #[inline(never)]
    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        let Some((list, ..)) = class(layout) else {
            // SAFETY: the caller's own promises.
            return unsafe { System.dealloc(pointer, layout) };
        };
        FREE.with(|free| {
            let list = &free[list];
            let block = pointer.cast::<Block>();
            // SAFETY: it came from this list's size, and its owner gives it back.
            unsafe { block.write(Block { next: list.get() }) };
            list.set(block);
        });
    }
}
