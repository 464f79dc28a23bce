//! Measures everything, holds it against the targets, and writes it down.

mod callgrind;
mod cargo;
mod pair;
mod plot;
mod table;
mod targets;
mod time;

use std::error::Error;
use std::path::Path;
use std::process::ExitCode;
use std::{env, fs};

use futures_shield_benches::counting::Counting;
use futures_shield_benches::heap;

use crate::callgrind::Allocator;
use crate::targets::Target;

type Result<T> = std::result::Result<T, Box<dyn Error>>;

#[global_allocator]
static ALLOCATOR: Counting = Counting;

const USAGE: &str = "usage: cargo run --release -p futures-shield-benches [-- instructions | check]

  (nothing)     measures everything, and writes RESULTS.md and results.svg
  instructions  counts the instructions of each contender, and prints them
  check         counts instructions and allocations, and fails where a target is broken";

fn main() -> ExitCode {
    let argument = env::args().nth(1);
    let done = match argument.as_deref() {
        None => everything(),
        Some("instructions") => instructions(),
        Some("check") => check(),
        Some(_) => Err(USAGE.into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn instructions() -> Result<()> {
    let pool = callgrind::count(Allocator::Pool)?;
    let system = callgrind::count(Allocator::System)?;
    println!("{}", table::instructions(&pool, &system));
    Ok(())
}

fn check() -> Result<()> {
    let pool = callgrind::count(Allocator::Pool)?;
    let mut targets = targets::instructions(&pool, None);
    targets.extend(targets::heap(&heap::figures()));
    println!("{}", table::targets(&targets));
    let broken: Vec<_> = targets
        .iter()
        .filter(|target| target.is_broken())
        .map(Target::path)
        .collect();
    if broken.is_empty() {
        return Ok(());
    }
    Err(format!("broken: {}", broken.join(", ")).into())
}

fn everything() -> Result<()> {
    // First, so that it fails at once where valgrind is missing.
    let pool = callgrind::count(Allocator::Pool)?;
    let system = callgrind::count(Allocator::System)?;
    let heap = heap::figures();
    let times = time::measure()?;
    let pair = pair::measure()?;

    let mut targets = targets::instructions(&pool, Some(&system));
    targets.extend(targets::heap(&heap));
    targets.push(targets::tracker_throughput(&pair));

    let results = table::results(&targets, &pair, &pool, &system, &heap, &times);
    println!("{results}");
    let package = Path::new(env!("CARGO_MANIFEST_DIR"));
    fs::write(package.join("RESULTS.md"), results)?;
    fs::write(package.join("results.svg"), plot::draw(&pool, &system, &times))?;
    Ok(())
}
