//! What a player process does: it plays programs, and reports on its output. It may abort or hang.

use std::env;
use std::fmt;
use std::io::{Write, stdout};
use std::process::ExitCode;
use std::time::{Duration, Instant};

use super::program::{Op, generate};
use super::{cover, number, play, shrink, steps};

/// What was played.
pub struct Totals {
    pub operations: u64,
    pub programs: u64,
    pub seconds: f32,
}

/// Plays the programs that the environment asks for, one after the other, and says which one, until
/// one fails. `play` returns how many operations there were.
pub fn play_each(mut play: impl FnMut(u64, Vec<Op>) -> Result<u64, String>) -> Option<Totals> {
    let most = number("SHIELD_OPERATIONS").unwrap_or(u64::MAX);
    let time = Duration::from_secs(number("SHIELD_SECONDS").unwrap_or(u64::MAX >> 1));
    let start = Instant::now();
    let (mut operations, mut programs) = (0, 0);
    for seed in first_seed().. {
        if operations >= most || start.elapsed() >= time {
            break;
        }
        say(format_args!("P {seed}"));
        match play(seed, generate(seed, steps())) {
            Ok(played) => operations += played,
            Err(failure) => {
                say(format_args!("F {seed} {failure}"));
                return None;
            }
        }
        programs += 1;
    }
    Some(Totals {
        operations,
        programs,
        seconds: start.elapsed().as_secs_f32(),
    })
}

fn first_seed() -> u64 {
    number("SHIELD_SEED").unwrap_or(1)
}

/// Reports to the supervisor, or to the user.
#[expect(clippy::print_stdout, reason = "this is what a player prints")]
pub fn say(line: fmt::Arguments<'_>) {
    println!("{line}");
    drop(stdout().flush());
}

/// Plays programs on one thread. It may abort.
pub fn player() -> ExitCode {
    silence_panics();
    let seed = first_seed();
    say(format_args!("P {seed}"));
    // The first panic, the first thread-local: what is allocated once.
    drop(play::weigh(&generate(seed, steps())));
    let (mut calls, mut outcomes) = (0, 0);
    let totals = play_each(|_, program| match play::weigh(&program) {
        (Ok(played), 0) => {
            calls += played.calls;
            outcomes += played.outcomes;
            Ok(played.operations)
        }
        (Ok(_), kept) => Err(format!("at the end: {kept} bytes were not freed")),
        (Err(failure), _) => Err(failure),
    });
    let Some(totals) = totals else {
        return ExitCode::FAILURE;
    };
    for (what, count) in cover::covered() {
        say(format_args!("C {count} {what}"));
    }
    say(format_args!(
        "D {} operations in {} programs, {calls} calls to foreign code, {outcomes} outcomes, {:.1} s",
        totals.operations, totals.programs, totals.seconds
    ));
    ExitCode::SUCCESS
}

/// Plays what is kept of one program: `SHIELD_KEEP=3,7:2:4,8` keeps three operations, the second
/// without two of its reactions.
pub fn single() -> ExitCode {
    let seed = first_seed();
    let keep = env::var("SHIELD_KEEP").unwrap_or_default();
    let program = shrink::kept(generate(seed, steps()), &shrink::parse(&keep));
    let trace = env::var_os("SHIELD_TRACE").is_some();
    if trace {
        let (played, operations) = (play::play(&program, true), program.len());
        say(format_args!("{operations} operations: {:?}", played.map(|_| ())));
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
            say(format_args!("F {seed} {failure}"));
            ExitCode::FAILURE
        }
    }
}

/// The panics of programs are many and planned, and most have no text. Only one that is about to
/// abort is printed.
#[expect(clippy::print_stderr, reason = "the process is about to abort")]
pub fn silence_panics() {
    std::panic::set_hook(Box::new(|info| {
        let text = info.to_string();
        if text.contains("destructor") || text.contains("cannot unwind") {
            eprintln!("{text}\n{}", std::backtrace::Backtrace::force_capture());
        }
    }));
}
