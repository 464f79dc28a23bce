//! Supervises the player, which may abort or hang, and makes a program that fails smaller.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::{Duration, Instant};

use super::program::{Op, generate};
use super::{describe, number, steps};

/// An operation of a program, without some of its reactions.
pub type Kept = (usize, Vec<usize>);

/// Longer than any program takes.
const HANGS: Duration = Duration::from_secs(20);

/// Reads `3,7:2:4,8`.
pub fn parse(text: &str) -> Vec<Kept> {
    let numbers = |part: &str| {
        part.split(':')
            .filter_map(|one| one.parse().ok())
            .collect::<Vec<usize>>()
    };
    let parts = text.split(',').map(numbers);
    parts
        .filter_map(|part| part.split_first().map(|(index, without)| (*index, without.to_vec())))
        .collect()
}

fn print(kept: &[Kept]) -> String {
    let one = |(index, without): &Kept| {
        let without: String = without.iter().map(|place| format!(":{place}")).collect();
        format!("{index}{without}")
    };
    kept.iter().map(one).collect::<Vec<_>>().join(",")
}

/// What is kept of a program; all of it if nothing is said.
pub fn kept(program: Vec<Op>, kept: &[Kept]) -> Vec<Op> {
    if kept.is_empty() {
        return program;
    }
    let one = |(index, without): &Kept| {
        let mut op = program.get(*index)?.clone();
        op.simplify(without);
        Some(op)
    };
    kept.iter().filter_map(one).collect()
}

/// Runs the player, and reports what it finds.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "it is its own harness")]
pub fn supervise() -> ExitCode {
    let mut player = Command::new(env::current_exe().expect("this program has a path"));
    player.env("SHIELD_ROLE", "player");
    if number::<u64>("SHIELD_OPERATIONS").is_none() && number::<u64>("SHIELD_SECONDS").is_none() {
        player.env("SHIELD_OPERATIONS", "60000");
    }
    let mut seed = None;
    let mut failure = None;
    let mut done = None;
    let mut covered = Vec::new();
    let ended = run(player, HANGS, |line| {
        if let Some(text) = line.strip_prefix("P ") {
            seed = text.parse::<u64>().ok();
        } else if let Some(text) = line.strip_prefix("F ") {
            failure = text.split_once(' ').map(|(_, failure)| failure.to_owned());
        } else if let Some(text) = line.strip_prefix("C ") {
            covered.push(text.to_owned());
        } else if let Some(text) = line.strip_prefix("D ") {
            done = Some(text.to_owned());
        }
    });
    if let (Ended::Well, Some(done)) = (&ended, done) {
        println!("the ledger: {done}: ok");
        if env::var_os("SHIELD_COVER").is_some() {
            println!("{}", covered.join("\n"));
        }
        let unseen: Vec<_> = covered.iter().filter_map(|point| point.strip_prefix("0 ")).collect();
        if unseen.is_empty() {
            return ExitCode::SUCCESS;
        }
        eprintln!("and yet it never saw: {}", unseen.join("; "));
        return ExitCode::FAILURE;
    }
    let Some(seed) = seed else {
        eprintln!("the player did not begin: {ended:?}");
        return ExitCode::FAILURE;
    };
    eprintln!("seed {seed} fails: {}", failure.unwrap_or_else(|| format!("{ended:?}")));
    let small = shrink(seed);
    let program = kept(generate(seed, steps()), &small);
    eprintln!(
        "made smaller, {} operations:\n{}",
        program.len(),
        describe(&program[program.len().saturating_sub(50)..])
    );
    let keep = print(&small);
    eprintln!("the last of what it does:");
    let trace = Command::new(env::current_exe().expect("this program has a path"))
        .env("SHIELD_ROLE", "single")
        .env("SHIELD_SEED", seed.to_string())
        .env("SHIELD_KEEP", &keep)
        .env("SHIELD_TRACE", "1")
        .env("RUST_BACKTRACE", "0")
        .output();
    if let Ok(output) = trace {
        let text = String::from_utf8_lossy(&output.stderr).into_owned();
        let lines: Vec<&str> = text.lines().collect();
        for line in &lines[lines.len().saturating_sub(80)..] {
            eprintln!("{line}");
        }
    }
    eprintln!("{}", fails(seed, &small).unwrap_or_default());
    eprintln!(
        "again: SHIELD_SEED={seed} SHIELD_STEPS={} SHIELD_KEEP={keep} SHIELD_TRACE=1 cargo test --test ledger",
        steps()
    );
    ExitCode::FAILURE
}

#[derive(Debug)]
#[expect(dead_code, reason = "it is printed")]
enum Ended {
    Well,
    Badly(String),
    Hangs,
}

/// Runs a process to its end, or until it says nothing for too long.
fn run(mut command: Command, patience: Duration, mut read: impl FnMut(&str)) -> Ended {
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it can be run");
    let lines = read_lines(&mut child);
    loop {
        match lines.recv_timeout(patience) {
            Ok(line) => read(&line),
            Err(RecvTimeoutError::Disconnected) => break,
            Err(RecvTimeoutError::Timeout) => {
                drop(child.kill());
                drop(child.wait());
                return Ended::Hangs;
            }
        }
    }
    match child.wait() {
        Ok(status) if status.success() => Ended::Well,
        Ok(status) => Ended::Badly(status.to_string()),
        Err(error) => Ended::Badly(error.to_string()),
    }
}

fn read_lines(child: &mut Child) -> mpsc::Receiver<String> {
    let (tell, lines) = mpsc::channel();
    let stdout = child.stdout.take().expect("it is piped");
    thread::spawn(move || {
        for line in BufReader::new(stdout).lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    lines
}

/// How a program fails, if it does.
fn fails(seed: u64, kept: &[Kept]) -> Option<String> {
    let mut single = Command::new(env::current_exe().expect("this program has a path"));
    single
        .env("SHIELD_ROLE", "single")
        .env("SHIELD_SEED", seed.to_string())
        .env("SHIELD_KEEP", print(kept));
    let mut failure = None;
    match run(single, Duration::from_secs(3), |line| {
        failure = line
            .strip_prefix("F ")
            .and_then(|text| text.split_once(' '))
            .map(|(_, text)| text.to_owned());
    }) {
        Ended::Well => None,
        ended => Some(failure.unwrap_or_else(|| format!("{ended:?}"))),
    }
}

/// The text of a failure without its numbers, so that a program does not turn into another one that
/// fails otherwise.
fn manner(failure: &str) -> String {
    let text = failure.split_once(": ").map_or(failure, |(_, text)| text);
    let text = text.split_once(" {").map_or(text, |(text, _)| text);
    text.chars().filter(|char| !char.is_ascii_digit()).take(60).collect()
}

/// Leaves out operations, and then reactions, while it still fails.
fn shrink(seed: u64) -> Vec<Kept> {
    let start = Instant::now();
    let program = generate(seed, steps());
    let mut kept: Vec<Kept> = (0..program.len()).map(|index| (index, Vec::new())).collect();
    let Some(first) = fails(seed, &kept) else {
        return kept;
    };
    let same = |kept: &[Kept]| {
        !kept.is_empty()
            && start.elapsed() < Duration::from_secs(120)
            && fails(seed, kept).is_some_and(|failure| manner(&failure) == manner(&first))
    };
    let mut size = kept.len() / 2;
    while size > 0 {
        let mut from = 0;
        let mut shorter = false;
        while from < kept.len() {
            let mut without = kept.clone();
            without.drain(from..(from + size).min(kept.len()));
            if same(&without) {
                kept = without;
                shorter = true;
            } else {
                from += size;
            }
        }
        if !shorter || size > 1 {
            size /= 2;
        }
    }
    for place in 0..kept.len() {
        for reaction in program[kept[place].0].clone().busy_reactions() {
            let mut without = kept.clone();
            without[place].1.push(reaction);
            if same(&without) {
                kept = without;
            }
        }
    }
    kept
}
