//! Times, as criterion estimates them.

use std::fs;
use std::path::PathBuf;

use crate::{Result, cargo};

/// Where criterion keeps its estimates.
pub(crate) struct Times {
    directory: PathBuf,
}

/// Runs `cargo bench`.
pub(crate) fn measure() -> Result<Times> {
    let directory = cargo::target_directory()?.join("criterion");
    cargo::run("bench", &["--bench", "time"], &[("CRITERION_HOME", directory.clone())])?;
    Ok(Times { directory })
}

impl Times {
    /// The median of one benchmark.
    pub(crate) fn nanoseconds(&self, group: &str, contender: &str, parameter: &str) -> f64 {
        let path = self
            .directory
            .join(format!("{group}/{contender}/{parameter}/new/estimates.json"));
        let read = || -> Result<f64> {
            let estimates: serde_json::Value = serde_json::from_str(&fs::read_to_string(&path)?)?;
            let median = estimates["median"]["point_estimate"].as_f64();
            Ok(median.ok_or("it holds no median")?)
        };
        read().unwrap_or_else(|error| panic!("criterion has left no estimate in {}: {error}", path.display()))
    }
}
