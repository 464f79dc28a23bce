//! Makes a program that fails smaller. It is played in other processes, because it may abort or
//! hang.

use std::env;
use std::process::Command;
use std::time::{Duration, Instant};

use super::program::{Op, generate};
use super::steps;
use super::supervise::{Ended, run};

/// An operation of a program, without some of its reactions.
pub type Kept = (usize, Vec<usize>);

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

pub fn print(kept: &[Kept]) -> String {
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

/// How a program fails, if it does.
pub fn fails(seed: u64, kept: &[Kept]) -> Option<String> {
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
pub fn shrink(seed: u64) -> Vec<Kept> {
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
