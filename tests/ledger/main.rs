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
#![cfg(not(shield_loom))]
#![allow(unreachable_pub, reason = "a test has no public items")]

mod api;
mod cover;
mod foreign;
mod held;
mod model;
mod play;
mod program;
mod run;
mod shrink;
mod world;

use std::alloc::System;
use std::env;
use std::io::{Write, stdout};
use std::process::ExitCode;
use std::str::FromStr;
use std::time::{Duration, Instant};

use stats_alloc::{INSTRUMENTED_SYSTEM, StatsAlloc};

use self::program::{Op, generate};

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
        Ok("player") => player(),
        Ok("single") => single(),
        _ if env::var_os("SHIELD_KEEP").is_some() => single(),
        _ => shrink::supervise(),
    }
}

/// Plays one program after the other, and says which one. It may abort.
#[expect(clippy::print_stdout, reason = "it reports to the supervisor")]
fn player() -> ExitCode {
    silence_panics();
    let mut seed: u64 = number("SHIELD_SEED").unwrap_or(1);
    let most: u64 = number("SHIELD_OPERATIONS").unwrap_or(u64::MAX);
    let time = Duration::from_secs(number("SHIELD_SECONDS").unwrap_or(u64::MAX >> 1));
    let start = Instant::now();
    let (mut operations, mut calls, mut outcomes, mut programs) = (0, 0, 0, 0_u64);
    println!("P {seed}");
    drop(stdout().flush());
    // The first panic, the first thread-local: what is allocated once.
    drop(play::weigh(&generate(seed, steps())));
    while operations < most && start.elapsed() < time {
        println!("P {seed}");
        drop(stdout().flush());
        let program = generate(seed, steps());
        let (played, kept) = play::weigh(&program);
        match played {
            Ok(played) if kept == 0 => {
                operations += played.operations;
                calls += played.calls;
                outcomes += played.outcomes;
                programs += 1;
            }
            Ok(_) => {
                println!("F {seed} at the end: {kept} bytes were not freed");
                return ExitCode::FAILURE;
            }
            Err(failure) => {
                println!("F {seed} {failure}");
                return ExitCode::FAILURE;
            }
        }
        seed += 1;
    }
    for (what, count) in cover::covered() {
        println!("C {count} {what}");
    }
    println!(
        "D {operations} operations in {programs} programs, {calls} calls to foreign code, {outcomes} outcomes, {:.1} s",
        start.elapsed().as_secs_f32()
    );
    ExitCode::SUCCESS
}

/// Plays what is kept of one program: `SHIELD_KEEP=3,7:2:4,8` keeps three operations, the second
/// without two of its reactions.
#[expect(clippy::print_stdout, reason = "it reports to the supervisor, or to the user")]
fn single() -> ExitCode {
    let seed: u64 = number("SHIELD_SEED").unwrap_or(1);
    let keep = env::var("SHIELD_KEEP").unwrap_or_default();
    let program = shrink::kept(generate(seed, steps()), &shrink::parse(&keep));
    let trace = env::var_os("SHIELD_TRACE").is_some();
    if trace {
        let (played, operations) = (play::play(&program, true), program.len());
        println!("{operations} operations: {:?}", played.map(|_| ()));
        return ExitCode::SUCCESS;
    }
    silence_panics();
    drop(play::weigh(&[]));
    let (played, _) = play::weigh(&program);
    let failed = match played {
        Err(failure) => Some(failure),
        // Again, now that what is allocated once is there.
        Ok(_) => match play::weigh(&program) {
            (Err(failure), _) => Some(failure),
            (Ok(_), 0) => None,
            (Ok(_), kept) => Some(format!("at the end: {kept} bytes were not freed")),
        },
    };
    match failed {
        None => ExitCode::SUCCESS,
        Some(failure) => {
            println!("F {seed} {failure}");
            ExitCode::FAILURE
        }
    }
}

/// The panics of programs are many and planned. An abort is seen by the supervisor, which plays the
/// program again, aloud.
fn silence_panics() {
    std::panic::set_hook(Box::new(|_| {}));
}

/// Prints a program.
fn describe(program: &[Op]) -> String {
    let lines: Vec<String> = program
        .iter()
        .map(|op| format!("    {}", program::Plainly(op)))
        .collect();
    lines.join("\n")
}
