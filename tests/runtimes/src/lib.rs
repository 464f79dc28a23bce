//! futures-shield on runtimes that it has no feature for.
//!
//! Each spawner is one line, by `spawn_fn` or `spawn_local_fn`. `tests/` has one file for each
//! runtime. It runs the spawner checks, and the scenarios in here, and shows what does not hold
//! there, and why.

pub mod scenarios;
mod shields;

pub use crate::shields::{Local, Sent, Shields};
