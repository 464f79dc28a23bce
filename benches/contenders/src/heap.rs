//! Heaps that other code has used before.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::mem;

/// Calls `run` after allocating blocks of many sizes and freeing half of them, as `seed` chooses: what malloc does for a block
/// depends on what it has split and freed before.
pub(crate) fn disturbed<T>(seed: usize, run: impl FnOnce() -> T) {
    let random = |number: usize| {
        let mut hasher = DefaultHasher::new();
        (seed, number).hash(&mut hasher);
        hasher.finish() as usize
    };
    let blocks: Vec<_> = (0..64)
        .map(|number| Vec::<u8>::with_capacity(16 + random(number) % 1_000))
        .collect();
    for (number, block) in blocks.into_iter().enumerate() {
        if random(64 + number) % 2 == 0 {
            mem::forget(block);
        }
    }
    run();
}
