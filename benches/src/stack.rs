//! The largest future that fits on a stack.

use std::os::unix::process::ExitStatusExt;
use std::process::Command;

use crate::Result;
use crate::build::Program;

/// The sizes, in KiB, that contenders have in this scenario.
const SIZES: [u32; 13] = [32, 64, 96, 128, 160, 192, 224, 256, 288, 320, 384, 448, 512];

/// The largest of [`SIZES`] that does not overflow the stack, or 0.
pub(crate) fn largest(program: &Program) -> Result<Vec<f64>> {
    let mut largest = 0;
    for size in SIZES {
        let output = Command::new(&program.binary)
            .args([program.scenario, &size.to_string()])
            .output()?;
        if output.status.success() {
            largest = size;
            continue;
        }
        let error = String::from_utf8_lossy(&output.stderr);
        // Rust's message, from a thread that it made; anybody else's thread is killed without.
        if error.contains("overflowed its stack") || (error.is_empty() && output.status.signal().is_some()) {
            break;
        }
        return Err(format!("{program:?} with {size} KiB ended with {}:\n{error}", output.status).into());
    }
    Ok(vec![f64::from(largest)])
}
