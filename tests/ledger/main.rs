//! Random programs against a model: every operation, on one thread, with foreign code that does
//! anything at any moment.
//!
//! A program is a list of operations, made from a seed. After each operation, and inside each call
//! to foreign code (wakers, hooks, futures, outputs, payloads, closures, spawners), every query is
//! compared with the model. At the end everything has ended once, every outcome went to one place,
//! every waker was released and every byte was freed.
//!
//! `SHIELD_OPERATIONS` or `SHIELD_SECONDS` say how long it runs, `SHIELD_STEPS` how long a program
//! is, `SHIELD_SEED` with which seed it begins. A program that fails is made smaller and printed,
//! with the command that plays it again.
//!
//! With all features the same programs then run on threads and real executors (`crowd`).
//! `SHIELD_PHASE=1` or `2` plays one of the two only. DEVELOPMENT.md has the long form of both.
#![cfg(not(shield_loom))]
#![allow(unreachable_pub, reason = "a test has no public items")]

mod api;
mod cover;
#[cfg(all(
    feature = "tokio",
    feature = "async-executor",
    feature = "async-task",
    feature = "tower"
))]
mod crowd;
mod foreign;
mod held;
mod model;
mod play;
mod players;
mod program;
mod run;
mod shrink;
mod supervise;
mod world;

use std::alloc::System;
use std::env;
use std::process::ExitCode;
use std::str::FromStr;

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

#[global_allocator]
static GLOBAL: &StatsAlloc<System> = &INSTRUMENTED_SYSTEM;

/// A number from the environment.
pub fn number<T: FromStr>(name: &str) -> Option<T> {
    env::var(name).ok()?.parse().ok()
}

/// How many operations a program has.
pub fn steps() -> usize {
    number("SHIELD_STEPS").unwrap_or(60)
}

fn main() -> ExitCode {
    match env::var("SHIELD_ROLE").as_deref() {
        Ok("player") => players::player(),
        Ok("single") => players::single(),
        #[cfg(all(
            feature = "tokio",
            feature = "async-executor",
            feature = "async-task",
            feature = "tower"
        ))]
        Ok("crowd") => crowd::player(),
        _ if env::var_os("SHIELD_KEEP").is_some() => players::single(),
        _ => supervise::supervise(),
    }
}
