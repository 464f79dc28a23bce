//! Whom a measurement is about: a binary of `contenders`, what it is asked to do, and how it is built.

use std::fmt;
use std::fs;
use std::path::Path;

/// A scenario of a contender.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Subject {
    pub(crate) binary: &'static str,
    pub(crate) scenario: &'static str,
    pub(crate) build: Build,
    /// How many operations it does, if that is a part of the question.
    pub(crate) operations: Option<usize>,
}

/// How contenders are built.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Build {
    Release,
    /// In release, with the feature `tracing`.
    Tracing,
    Debug,
}

pub(crate) fn on(binary: &'static str, scenario: &'static str) -> Subject {
    Subject {
        binary,
        scenario,
        build: Build::Release,
        operations: None,
    }
}

impl Subject {
    pub(crate) fn in_build(self, build: Build) -> Self {
        Self { build, ..self }
    }

    pub(crate) fn times(self, operations: usize) -> Self {
        Self {
            operations: Some(operations),
            ..self
        }
    }

    pub(crate) fn is_ours(self) -> bool {
        self.code().starts_with("**")
    }

    /// The first line of its source.
    fn code(self) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("contenders/src/bin/{}.rs", self.binary));
        let source = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        let line = source.lines().next().and_then(|line| line.strip_prefix("//! "));
        line.unwrap_or(self.binary).to_owned()
    }
}

/// As markdown: the first line of the contender's source (the code, in bold if it is ours), and what is particular here.
impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // `|` ends a cell, in code too.
        f.write_str(&self.code().replace('|', "\\|"))?;
        match self.operations {
            Some(operations) if operations >= 1_000_000 => write!(f, ", {} million alive", operations / 1_000_000)?,
            Some(operations) => write!(f, ", {} thousand alive", operations / 1_000)?,
            None => {}
        }
        if self.build == Build::Tracing {
            write!(f, ", `tracing`")?;
        }
        match self.scenario {
            "ready_subscribed" | "partway_subscribed" => write!(f, " and a subscriber"),
            size if size.ends_with('B') => write!(f, ", {size}"),
            _ => Ok(()),
        }
    }
}
