//! Faults of processes, against the real `checkout` binary: what breaks is everything around an
//! order.
//!
//! After each fault, each charge has its order, once, or its intent is named. After a restart, each
//! charge has its order.
//!
//! By default it is a short run. `CHECKOUT_FAULTS=20` makes it 20 times as long, and
//! `CHECKOUT_FAULTS_SEED` repeats the random choices of a run. Each test prints its seed and how
//! much it has done (`--nocapture`).

#![cfg(unix)]

mod crowd;
mod database;
mod gateway;
#[path = "../support/process.rs"]
mod process;
mod rounds;
mod signals;
mod world;
