//! What a player process does: it plays programs, and reports on its output. It may abort or hang.

use std::env;
use std::io::{Write, stdout};
use std::process::ExitCode;
use std::time::{Duration, Instant};

#[cfg(all(
    feature = "tokio",
    feature = "async-executor",
    feature = "async-task",
    feature = "tower"
))]
use super::crowd;
#[cfg(all(
    feature = "tokio",
    feature = "async-executor",
    feature = "async-task",
    feature = "tower"
))]
use super::program::Op;
use super::program::generate;
use super::{cover, number, play, shrink, steps};

/// Plays one program after the other, and says which one. It may abort.
#[expect(clippy::print_stdout, reason = "it reports to the supervisor")]
pub fn player() -> ExitCode {
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

/// Plays one program after the other on threads and real executors.
#[cfg(all(
    feature = "tokio",
    feature = "async-executor",
    feature = "async-task",
    feature = "tower"
))]
#[expect(clippy::print_stdout, reason = "it reports to the supervisor")]
pub fn crowd_player() -> ExitCode {
    use std::sync::Arc;

    silence_panics();
    let mut seed: u64 = number("SHIELD_SEED").unwrap_or(1);
    let most: u64 = number("SHIELD_OPERATIONS").unwrap_or(u64::MAX);
    let time = Duration::from_secs(number("SHIELD_SECONDS").unwrap_or(u64::MAX >> 1));
    let start = Instant::now();
    let (mut seen, mut programs) = (crowd::Seen::default(), 0_u64);
    let mut executors = Arc::new(crowd::Executors::new());
    while seen.operations < most && start.elapsed() < time {
        println!("P {seed}");
        drop(stdout().flush());
        let mut program = generate(seed, steps());
        // Executors are dear: in one program of eight some are shut down, and then they are made
        // anew.
        let shuts_down = seed % 8 == 0;
        if !shuts_down {
            program.retain(|op| !matches!(op, Op::ShutDown { .. }));
        }
        if let Err(failure) = crowd::play(&program.into(), &executors, &mut seen) {
            println!("F {seed} {failure}");
            return ExitCode::FAILURE;
        }
        if shuts_down {
            executors = Arc::new(crowd::Executors::new());
        }
        programs += 1;
        seed += 1;
    }
    println!(
        "D {} operations in {programs} programs on threads; {} outcomes delivered, {} hooked, {} dropped; {:.1} s",
        seen.operations,
        seen.delivered,
        seen.hooked,
        seen.dropped,
        start.elapsed().as_secs_f32()
    );
    ExitCode::SUCCESS
}

/// Plays what is kept of one program: `SHIELD_KEEP=3,7:2:4,8` keeps three operations, the second
/// without two of its reactions.
#[expect(clippy::print_stdout, reason = "it reports to the supervisor, or to the user")]
pub fn single() -> ExitCode {
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

/// The panics of programs are many and planned, and most have no text. Only one that is about to
/// abort is printed.
#[expect(clippy::print_stderr, reason = "the process is about to abort")]
fn silence_panics() {
    std::panic::set_hook(Box::new(|info| {
        let text = info.to_string();
        if text.contains("destructor") || text.contains("cannot unwind") {
            eprintln!("{text}\n{}", std::backtrace::Backtrace::force_capture());
        }
    }));
}
