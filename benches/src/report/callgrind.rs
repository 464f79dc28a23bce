//! Instructions per operation, counted by valgrind's callgrind.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::ops::RangeInclusive;
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use futures_shield_benches::roster::CONTENDERS;

use crate::{Result, cargo};

/// What contenders allocate with.
#[derive(Clone, Copy)]
pub(crate) enum Allocator {
    /// `futures_shield_benches::pool::Pool`, of fixed cost.
    Pool,
    /// What Rust programs have by default.
    System,
}

/// Instructions per operation, by the name of the contender.
pub(crate) type Counts = BTreeMap<&'static str, f64>;

impl Allocator {
    /// The heaps to count on, and to take the mean of. What the system's allocator costs depends on what it holds.
    fn heaps(self) -> RangeInclusive<u64> {
        match self {
            Self::Pool => 0..=0,
            Self::System => 1..=8,
        }
    }
}

/// What is generic in a library is compiled with the contender. In several units, what can be inlined where would depend on
/// hashes, and so on the path of the checkout.
const ONE_UNIT: &str = concat!("profile.release.package.", env!("CARGO_PKG_NAME"), ".codegen-units=1");

/// A multiple of 61: tokio looks after its drivers and its global queue every 61 ticks, and whole periods divide evenly.
const OPERATIONS: u64 = 10 * 61;

/// Builds the contenders, and counts.
pub(crate) fn count(allocator: Allocator) -> Result<Counts> {
    find_valgrind()?;
    build(allocator)?;
    let binaries = cargo::target_directory()?.join("release");

    let counts = Mutex::new(Ok(Counts::new()));
    let next = AtomicUsize::new(0);
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(contender) = CONTENDERS.get(next.fetch_add(1, Ordering::Relaxed)) {
                    let counted =
                        per_operation(allocator, &binaries.join(contender.name)).map_err(|error| error.to_string());
                    let mut counts = counts.lock().expect("nothing panics in here");
                    match (counted, &mut *counts) {
                        (Ok(count), Ok(counts)) => drop(counts.insert(contender.name, count)),
                        (Err(error), counts) => *counts = Err(error),
                        (Ok(_), Err(_)) => {}
                    }
                }
            });
        }
    });
    Ok(counts.into_inner().expect("nothing panicked")?)
}

fn find_valgrind() -> Result<()> {
    match Command::new("valgrind").arg("--version").stdout(Stdio::null()).status() {
        Ok(status) if status.success() => Ok(()),
        Ok(status) => Err(format!("valgrind does not work here: `valgrind --version` ended with {status}").into()),
        Err(error) if error.kind() == ErrorKind::NotFound => {
            Err("valgrind is not installed, and counts the instructions: `apt install valgrind`, or its like".into())
        }
        Err(error) => Err(format!("valgrind cannot be run: {error}").into()),
    }
}

fn build(allocator: Allocator) -> Result<()> {
    let feature = match allocator {
        Allocator::Pool => "contenders",
        Allocator::System => "system-allocator",
    };
    // Named one by one: `--bins` would build this very binary again, with that feature.
    let mut arguments = vec!["--release", "--quiet", "--features", feature, "--config", ONE_UNIT];
    for contender in CONTENDERS {
        arguments.extend(["--bin", contender.name]);
    }
    cargo::run("build", &arguments, &[])
}

/// The difference between two runs of different length: what start and end cost is not in it.
fn per_operation(allocator: Allocator, binary: &Path) -> Result<f64> {
    let mut sum = 0;
    for heap in allocator.heaps() {
        sum += instructions(binary, 3 * OPERATIONS, heap)? - instructions(binary, OPERATIONS, heap)?;
    }
    Ok(sum as f64 / (2 * OPERATIONS * allocator.heaps().count() as u64) as f64)
}

fn instructions(binary: &Path, operations: u64, heap: u64) -> Result<u64> {
    let output = Command::new("valgrind")
        .args(["--tool=callgrind", "--callgrind-out-file=/dev/null"])
        .arg(binary)
        .args([operations, heap].map(|number| number.to_string()))
        .output()?;
    let report = String::from_utf8_lossy(&output.stderr);
    // ==1234== Collected : 5678
    let collected = report
        .split_once("Collected : ")
        .and_then(|(_, rest)| rest.split_whitespace().next());
    match collected {
        Some(count) if output.status.success() => Ok(count.parse()?),
        _ => Err(format!(
            "callgrind of {} ended with {}:\n{report}",
            binary.display(),
            output.status
        )
        .into()),
    }
}
