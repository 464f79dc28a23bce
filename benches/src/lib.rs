//! futures-shield and its rivals, measured side by side in one run.
//!
//! Three kinds of figure, each by one command:
//!
//! 1. Instructions per operation, counted by callgrind: `cargo run --release -p futures-shield-benches -- instructions`.
//! 2. Allocations and bytes, counted by an allocator and asserted: `cargo test -p futures-shield-benches`.
//! 3. Time and scale, by criterion: `cargo bench -p futures-shield-benches`. The one target that is a ratio of times is
//!    measured by turns instead: `cargo run --release -p futures-shield-benches --bin pair`.
//!
//! `cargo run --release -p futures-shield-benches` does all three, holds them against the targets, and writes `RESULTS.md`
//! and `results.svg`. With `-- check` it does 1 and 2, writes nothing, and fails where a target is broken: for CI.

pub mod contender;
pub mod counting;
pub mod heap;
pub mod pool;
pub mod roster;
