//! Two threads through one tracker, ours and tokio-util's by turns, as time/pair.rs measures it.

use std::process::Command;

use crate::{Result, cargo};

/// How many processes are asked: ratios differ from process to process by some 10%, on the same machine at rest.
const PROCESSES: usize = 10;

/// Throughput of ours, divided by that of tokio-util's: over all rounds of all processes.
pub(crate) struct Pair {
    pub(crate) rounds: usize,
    pub(crate) lower_quartile: f64,
    pub(crate) median: f64,
    pub(crate) upper_quartile: f64,
}

/// Builds `pair`, and runs it: in processes of their own, where nobody counts allocations.
pub(crate) fn measure() -> Result<Pair> {
    cargo::run("build", &["--release", "--quiet", "--bin", "pair"], &[])?;
    let mut ratios = Vec::new();
    for _ in 0..PROCESSES {
        ratios.extend(rounds()?);
    }
    ratios.sort_by(f64::total_cmp);
    let quartile = |number| {
        ratios
            .get(ratios.len() * number / 4)
            .copied()
            .ok_or("`pair` printed nothing")
    };
    Ok(Pair {
        rounds: ratios.len(),
        lower_quartile: quartile(1)?,
        median: quartile(2)?,
        upper_quartile: quartile(3)?,
    })
}

/// The ratios of one process.
fn rounds() -> Result<Vec<f64>> {
    let output = Command::new(cargo::target_directory()?.join("release/pair")).output()?;
    if !output.status.success() {
        let error = String::from_utf8_lossy(&output.stderr);
        return Err(format!("`pair` ended with {}:\n{error}", output.status).into());
    }
    let printed = String::from_utf8(output.stdout)?;
    Ok(printed.lines().map(str::parse).collect::<std::result::Result<_, _>>()?)
}
