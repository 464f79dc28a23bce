//! Runs the players in processes of their own, and reports what they find.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, ExitCode, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

use super::program::{Op, Plainly, generate};
use super::{number, shrink, steps};

/// Longer than any program takes.
const HANGS: Duration = Duration::from_secs(60);

/// A run of fewer operations does not have to see everything.
const ENOUGH: u64 = 50_000;

/// One thread and a model; or four threads and real executors.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Phase {
    Model,
    Crowd,
}

/// Plays both phases, or the one that `SHIELD_PHASE` names.
pub fn supervise() -> ExitCode {
    let has_crowd = cfg!(all(
        feature = "tokio",
        feature = "async-executor",
        feature = "async-task",
        feature = "tower"
    ));
    let only: Option<u32> = number("SHIELD_PHASE");
    let model = only != Some(2) && !phase(Phase::Model);
    let crowd = has_crowd && only != Some(1) && !phase(Phase::Crowd);
    if model || crowd {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    }
}

/// Plays one phase. Returns `false` if it failed.
#[expect(clippy::print_stdout, clippy::print_stderr, reason = "it is its own harness")]
fn phase(phase: Phase) -> bool {
    let mut player = this_program();
    let (role, operations) = match phase {
        Phase::Model => ("player", "60000"),
        Phase::Crowd => ("crowd", "100000"),
    };
    player.env("SHIELD_ROLE", role);
    if number::<u64>("SHIELD_OPERATIONS").is_none() && number::<u64>("SHIELD_SECONDS").is_none() {
        player.env("SHIELD_OPERATIONS", operations);
    }
    let (mut seed, mut failure, mut done, mut covered) = (None, None, None, Vec::new());
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
        let operations = done.split(' ').next().and_then(|count| count.parse().ok());
        let unseen: Vec<_> = covered.iter().filter_map(|point| point.strip_prefix("0 ")).collect();
        if unseen.is_empty() || operations.is_none_or(|operations: u64| operations < ENOUGH) {
            return true;
        }
        eprintln!("and yet it never saw: {}", unseen.join("; "));
        return false;
    }
    let Some(seed) = seed else {
        eprintln!("the player did not begin: {ended:?}");
        return false;
    };
    eprintln!("seed {seed} fails: {}", failure.unwrap_or_else(|| format!("{ended:?}")));
    match phase {
        Phase::Model => explain(seed),
        // Threads race, so it may not fail again, and is not made smaller.
        Phase::Crowd => eprintln!(
            "{}\nagain, as often as it takes: SHIELD_PHASE=2 SHIELD_SEED={seed} SHIELD_STEPS={} SHIELD_OPERATIONS=1 cargo test --all-features --test ledger",
            describe(&generate(seed, steps())),
            steps()
        ),
    }
    false
}

/// Makes a program that fails smaller, and prints it and what it does.
#[expect(clippy::print_stderr, reason = "it is its own harness")]
fn explain(seed: u64) {
    let small = shrink::shrink(seed);
    let program = shrink::kept(generate(seed, steps()), &small);
    eprintln!(
        "made smaller, {} operations, of which the last:\n{}",
        program.len(),
        describe(&program)
    );
    let keep = shrink::print(&small);
    eprintln!("the last of what it does:");
    let trace = this_program()
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
    eprintln!("{}", shrink::fails(seed, &small).unwrap_or_default());
    eprintln!(
        "again: SHIELD_SEED={seed} SHIELD_STEPS={} SHIELD_KEEP={keep} SHIELD_TRACE=1 cargo test --test ledger",
        steps()
    );
}

/// The last fifty operations.
fn describe(program: &[Op]) -> String {
    let last = &program[program.len().saturating_sub(50)..];
    let lines: Vec<String> = last.iter().map(|op| format!("    {}", Plainly(op))).collect();
    lines.join("\n")
}

fn this_program() -> Command {
    Command::new(env::current_exe().expect("this program has a path"))
}

#[derive(Debug)]
#[expect(dead_code, reason = "it is printed")]
pub enum Ended {
    Well,
    Badly(String),
    Hangs,
}

/// Runs a process to its end, or until it says nothing for too long.
pub fn run(mut command: Command, patience: Duration, mut read: impl FnMut(&str)) -> Ended {
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
