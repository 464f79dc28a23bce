//! Measures everything, holds it against the targets, and writes it down.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "it is a report")]

mod build;
mod measured;
mod plot;
mod results;
mod rows;
mod stack;
mod subject;
mod turns;
mod valgrind;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use crate::measured::Measured;
use crate::rows::{Metric, Row, Section};

type Result<T> = std::result::Result<T, Box<dyn Error>>;

const USAGE: &str = "usage: cargo run --release -p futures-shield-benches [-- check | only <word>]

  (nothing)    measures everything, and writes RESULTS.md and results.svg
  check        counts what repeats (instructions, allocations, bytes, stack)
  only <word>  measures the sections and rows whose title or contender holds the word

All of them fail if a target is missed: times by a quarter.";

fn main() -> ExitCode {
    let arguments: Vec<_> = env::args().skip(1).collect();
    let arguments: Vec<_> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        [] => everything(),
        ["check"] => print(|_, row| row.metric != Metric::Time),
        ["only", word] => print(|section, row| section.title.contains(word) || row.first.binary.contains(word)),
        _ => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn everything() -> Result<()> {
    let measured = measure(|_, _| true)?;
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::write(package.join("RESULTS.md"), results::results(&measured))?;
    let rows: Vec<_> = measured.iter().flat_map(|(_, rows)| rows).copied().collect();
    fs::write(package.join("results.svg"), plot::draw(&rows))?;
    judge(&measured)
}

fn print(chosen: impl Fn(&Section, &Row) -> bool) -> Result<()> {
    let measured = measure(chosen)?;
    for (section, rows) in &measured {
        println!("{}\n\n{}", section.title, results::table(rows));
    }
    judge(&measured)
}

fn measure(chosen: impl Fn(&Section, &Row) -> bool) -> Result<Vec<(Section, Vec<Measured>)>> {
    let mut sections = rows::sections();
    for section in &mut sections {
        let rows = std::mem::take(&mut section.rows);
        section.rows = rows.into_iter().filter(|row| chosen(section, row)).collect();
    }
    sections.retain(|section| !section.rows.is_empty());
    let measured = measured::measure(&sections)?;
    Ok(sections.into_iter().zip(measured).collect())
}

fn judge(sections: &[(Section, Vec<Measured>)]) -> Result<()> {
    let rows = sections.iter().flat_map(|(_, rows)| rows);
    let broken: Vec<_> = rows.filter(|row| row.is_broken()).copied().collect();
    if broken.is_empty() {
        return Ok(());
    }
    Err(format!("missed targets:\n\n{}", results::table(&broken)).into())
}
