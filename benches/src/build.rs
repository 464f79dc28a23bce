//! Builds the contenders, as any user would: with the profiles as they are by default.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::{Command, Stdio};
use std::{env, fs};

use crate::Result;
use crate::subject::{Build, Subject};

/// Where the binaries of each build are.
pub(crate) struct Binaries {
    directories: BTreeMap<Build, PathBuf>,
}

impl Binaries {
    pub(crate) fn build(subjects: &BTreeSet<Subject>) -> Result<Self> {
        let mut directories = BTreeMap::new();
        for build in [Build::Release, Build::Tracing, Build::Debug] {
            let of_this = subjects.iter().filter(|subject| subject.build == build);
            let binaries: BTreeSet<_> = of_this.map(|subject| subject.binary).collect();
            if !binaries.is_empty() {
                directories.insert(build, compile(build, &binaries)?);
            }
        }
        Ok(Self { directories })
    }

    /// How a subject is run.
    pub(crate) fn program(&self, subject: Subject) -> Program {
        Program {
            binary: self.directories[&subject.build].join(subject.binary),
            scenario: subject.scenario,
            operations: subject.operations,
        }
    }
}

/// A binary, the scenario that it is to run, and, if that is a part of the question, the number of operations.
#[derive(Debug)]
pub(crate) struct Program {
    pub(crate) binary: PathBuf,
    pub(crate) scenario: &'static str,
    pub(crate) operations: Option<usize>,
}

fn compile(build: Build, binaries: &BTreeSet<&str>) -> Result<PathBuf> {
    let target = target_directory()?;
    let cargo = env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command
        .args([
            "build",
            "--quiet",
            "--package",
            "futures-shield-contenders",
            "--target-dir",
        ])
        .arg(&target)
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .stdout(Stdio::from(std::io::stderr()));
    let (profile, copies) = match build {
        Build::Release => ("release", "release"),
        Build::Tracing => ("release", "tracing"),
        Build::Debug => ("debug", "debug"),
    };
    if build != Build::Debug {
        command.arg("--release");
    }
    if build == Build::Tracing {
        command.args(["--features", "tracing"]);
    }
    for binary in binaries {
        command.args(["--bin", binary]);
    }
    let status = command.status()?;
    if !status.success() {
        return Err(format!("the contenders cannot be built: {status}").into());
    }
    // Two builds in release would overwrite one another.
    let copies = target.join("contenders").join(copies);
    fs::create_dir_all(&copies)?;
    for binary in binaries {
        fs::copy(target.join(profile).join(binary), copies.join(binary))?;
    }
    Ok(copies)
}

/// The target directory that this binary was built in.
fn target_directory() -> Result<PathBuf> {
    let this = env::current_exe()?;
    let directory = this.parent().and_then(|profile| profile.parent());
    Ok(directory.ok_or("this binary is not in a target directory")?.to_owned())
}
