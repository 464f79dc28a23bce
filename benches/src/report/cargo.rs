//! Cargo, for what this binary measures in processes of their own.

use std::path::PathBuf;
use std::process::Command;
use std::{env, process};

use crate::Result;

/// The target directory that this binary was built in. Contenders are built, and criterion keeps its estimates, there too.
pub(crate) fn target_directory() -> Result<PathBuf> {
    let this = env::current_exe()?;
    let directory = this.parent().and_then(|profile| profile.parent());
    Ok(directory.ok_or("this binary is not in a target directory")?.to_owned())
}

/// Runs a cargo command on this package, with what it prints sent to standard error.
pub(crate) fn run(command: &str, arguments: &[&str], variables: &[(&str, PathBuf)]) -> Result<()> {
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let status = Command::new(cargo)
        .arg(command)
        .args(["--package", env!("CARGO_PKG_NAME"), "--target-dir"])
        .arg(target_directory()?)
        .args(arguments)
        .envs(variables.iter().map(|(name, value)| (name, value)))
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(process::Stdio::from(std::io::stderr()))
        .status()?;
    if status.success() {
        return Ok(());
    }
    Err(format!("`cargo {command}` failed: {status}").into())
}
