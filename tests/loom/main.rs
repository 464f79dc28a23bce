//! What this crate synchronises, checked by [loom](https://docs.rs/loom) in every order of its threads.
//!
//! Run it with `RUSTFLAGS="--cfg shield_loom" cargo test --release --test loom`. Under that cfg, the locks, atomics,
//! shared pointers and thread-locals of the crate are loom's. A wake-up that is lost shows as a deadlock, which ends the
//! whole test binary. A loop that waits for another thread exceeds the number of steps that loom allows a model.
//!
//! Models with two threads are explored completely. Most models with three are [`bounded`](support::bounded), because
//! they have too many orders.
//!
//! Not modelled: the tracker's table of locations is a `OnceLock` of the standard library, which loom sees as one step
//! without synchronisation. So each model uses a location for the first time before it starts a thread. `Exclusive` is
//! never locked.
#![cfg(shield_loom)]

mod caller;
mod drain;
mod hook;
mod inline;
mod metrics;
mod relay;
mod shared;
mod support;
mod tracker;
