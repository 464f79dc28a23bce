//! The place of a suspension: the innermost frame of the user's code in a backtrace.

use std::any::type_name;
use std::backtrace::Backtrace;
use std::collections::HashSet;
use std::fmt;

use super::run::POLL;

/// Where a future waited when it was dropped.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// `file:line:column`.
    Line(String),
    /// The function alone, without debug information.
    Function(String),
    /// None of the user's functions was between the poll of the future and its waker.
    Outside,
    /// The waker was not cloned, or there is too little debug information.
    Unknown,
}

impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Line(line) => f.write_str(line),
            Self::Function(name) => write!(f, "in {name}"),
            Self::Outside => f.write_str("outside of your code"),
            Self::Unknown => f.write_str("at an unknown place"),
        }
    }
}

impl Place {
    /// Resolves backtraces, which takes milliseconds.
    ///
    /// The first one with a frame of the user's decides. The last clone may be that of another
    /// future: `timeout` polls the user's future, and then its own timer.
    pub(super) fn innermost<'t>(traces: impl IntoIterator<Item = &'t Backtrace>, crates: &Crates) -> Self {
        let mut last = Self::Unknown;
        for trace in traces {
            // std has no stable access to the frames, but its text has a fixed form.
            match Self::in_text(&trace.to_string(), crates) {
                Self::Unknown => {}
                Self::Outside => last = Self::Outside,
                found => return found,
            }
        }
        last
    }

    fn in_text(text: &str, crates: &Crates) -> Self {
        for frame in frames(text) {
            if frame.function.starts_with(POLL) {
                // Without debug information, functions of the user's may be inlined into this one.
                return frame.line.map_or(Self::Unknown, |_| Self::Outside);
            }
            if let Some(line) = frame.users_line() {
                return Self::Line(line.to_owned());
            }
            if let Some(name) = frame.users_function(crates) {
                return Self::Function(name);
            }
        }
        Self::Unknown
    }
}

/// The crates that the types of a test name: those of its closures and its future.
///
/// Without debug information a frame has no path, so that a crate of the user's looks like one from
/// a registry. Then only these are taken for the user's.
pub(super) struct Crates(HashSet<String>);

impl Crates {
    pub(super) fn of<T>() -> Self {
        Self(roots(type_name::<T>()).map(str::to_owned).collect())
    }
}

/// Returns the first segment of each path in the name of a type.
fn roots(name: &str) -> impl Iterator<Item = &str> {
    name.split(|c: char| !is_path(c))
        .filter_map(|path| path.split_once("::"))
        .map(|(root, _)| root)
        .filter(|root| !root.is_empty())
}

fn is_path(c: char) -> bool {
    c.is_alphanumeric() || c == '_' || c == ':'
}

/// One function in a backtrace, which may have been inlined into the next one.
struct Frame<'t> {
    function: &'t str,
    /// `file:line:column`, with debug information.
    line: Option<&'t str>,
}

/// Parses the text of a backtrace, the innermost frame first: `  12: function`, or for inlined ones
/// only `      function`, each followed by `             at file:line:column` if that is known.
fn frames(text: &str) -> impl Iterator<Item = Frame<'_>> {
    let mut lines = text.lines().map(str::trim).peekable();
    std::iter::from_fn(move || {
        let name = lines.next()?;
        let function = match name.split_once(": ") {
            Some((number, function)) if number.bytes().all(|byte| byte.is_ascii_digit()) => function,
            _ => name,
        };
        let line = lines.next_if(|line| line.starts_with("at "));
        let line = line.map(|line| line.trim_start_matches("at ").trim_start());
        Some(Frame { function, line })
    })
}

/// Where the sources of the standard library and of registries are. A vendored crate is foreign,
/// too.
const FOREIGN: [&str; 6] = [
    "/rustc/",
    "/rustlib/src/",
    "/registry/src/",
    "/cargo/registry/",
    "/git/checkouts/",
    "/vendor/",
];

impl<'t> Frame<'t> {
    /// Returns `file:line:column` if the file is the user's.
    fn users_line(&self) -> Option<&'t str> {
        let line = self.line?;
        let path = line.replace('\\', "/");
        let foreign = FOREIGN.iter().any(|folder| path.contains(folder));
        if foreign || self.root().is_some_and(is_known) {
            return None;
        }
        // std's mark for a path in the current directory.
        Some(line.trim_start_matches("./").trim_start_matches(".\\"))
    }

    /// Returns the name of the function if it has no line, and is in one of `crates`.
    fn users_function(&self, crates: &Crates) -> Option<String> {
        let root = self.root()?;
        if self.line.is_some() || is_known(root) || !crates.0.contains(root) {
            return None;
        }
        Some(without_closures(self.function))
    }

    /// Returns the crate of the function, also that of `<crate::Type as Trait>::function`.
    fn root(&self) -> Option<&'t str> {
        let path = self.function.trim_start_matches('<');
        let end = path.find(|c: char| !c.is_alphanumeric() && c != '_')?;
        let (root, rest) = path.split_at(end);
        (rest.starts_with("::") || rest.starts_with('[')).then_some(root)
    }
}

/// Returns `true` for crates that are not the user's even if their sources lie with the user's, for
/// example as a patch.
fn is_known(root: &str) -> bool {
    KNOWN.contains(&root)
}

const KNOWN: [&str; 14] = [
    "std",
    "core",
    "alloc",
    env!("CARGO_CRATE_NAME"),
    "cooked_waker",
    "tokio",
    "tokio_stream",
    "tokio_util",
    "futures",
    "futures_channel",
    "futures_core",
    "futures_executor",
    "futures_task",
    "futures_util",
];

/// Removes the closures from a path: the body of an `async fn` is one.
fn without_closures(function: &str) -> String {
    let segments: Vec<_> = function
        .split("::")
        .filter(|segment| !segment.starts_with('{'))
        .collect();
    segments.join("::")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(frames: &[&str]) -> Place {
        let crates = Crates(HashSet::from(["orders".to_owned(), "alloc".to_owned()]));
        Place::in_text(&frames.join("\n"), &crates)
    }

    const CLONE: [&str; 2] = [
        "   0: <futures_shield::testing::waker::Observer as core::clone::Clone>::clone",
        "             at /root/.cargo/registry/src/index-1/futures-shield-0.1.0/src/testing/waker.rs:99:25",
    ];
    const SLEEP: [&str; 2] = [
        "   3: <tokio::time::sleep::Sleep as core::future::future::Future>::poll",
        "             at /root/.cargo/registry/src/index-1/tokio-1.50.0/src/time/sleep.rs:447:9",
    ];
    const END: &str = "  31: futures_shield::testing::run::poll_under_test";

    #[test]
    fn innermost_line() {
        let order = [
            "   4: orders::charge::{{closure}}",
            "             at ./src/orders.rs:7:30",
        ];
        let outer = [
            "      orders::order::{{closure}}",
            "             at ./src/orders.rs:2:5",
        ];
        let frames = [&CLONE[..], &SLEEP, &order, &outer, &[END]].concat();
        assert_eq!(place(&frames), Place::Line("src/orders.rs:7:30".to_owned()));
        // Inlined into the frame before, and on Windows.
        let outer = [
            "      orders::order::{{closure}}",
            r"             at .\src\orders.rs:2:5",
        ];
        let frames = [&CLONE[..], &SLEEP, &outer, &[END]].concat();
        assert_eq!(place(&frames), Place::Line(r"src\orders.rs:2:5".to_owned()));
    }

    #[test]
    fn foreign_lines() {
        for path in [
            "/rustc/59807616e/library/core/src/future/poll_fn.rs:151:9",
            "/home/me/.rustup/toolchains/stable/lib/rustlib/src/rust/library/core/src/task/wake.rs:1:1",
            "/home/me/.cargo/git/checkouts/sqlx-1/abc/src/pool.rs:1:1",
            r"C:\Users\me\.cargo\registry\src\index-1\sqlx-0.8.0\src\pool.rs:1:1",
            "/usr/share/cargo/registry/sqlx-0.8.0/src/pool.rs:1:1",
            "/home/me/orders/vendor/sqlx/src/pool.rs:1:1",
        ] {
            let line = format!("             at {path}");
            assert_eq!(
                place(&["   1: sqlx::pool", &line, END, "             at a.rs:1:1"]),
                Place::Outside
            );
        }
        let fork = ["   1: tokio::time::sleep", "             at ./tokio/src/time.rs:1:1"];
        assert_eq!(
            place(&[fork[0], fork[1], END, "             at a.rs:1:1"]),
            Place::Outside
        );
    }

    #[test]
    fn functions_without_debug_information() {
        let sleep = "   3: <tokio::time::sleep::Sleep as core::future::future::Future>::poll";
        let boxed = "   4: <alloc::boxed::Box<F> as core::future::future::Future>::poll";
        let of = |user| place(&["   0: <unknown>", sleep, boxed, "   5: sqlx::pool", user, END]);
        let function = |name: &str| Place::Function(name.to_owned());
        assert_eq!(
            of("   6: orders::charge::{{closure}}::{{closure}}"),
            function("orders::charge")
        );
        // As rustc's v0 mangling shows it.
        assert_eq!(of("   6: orders::charge::{closure#0}"), function("orders::charge"));
        assert_eq!(
            of("   6: orders[b1946ac92492d234]::charge"),
            function("orders[b1946ac92492d234]::charge")
        );
        assert_eq!(
            of("   6: <orders::Charge as core::future::future::Future>::poll"),
            function("<orders::Charge as core::future::future::Future>::poll")
        );
        // Inlined, so that it has no number, with a colon in a constant of v0 mangling.
        assert_eq!(
            of("      orders::charge::<{Id { n: 7 }}>"),
            function("orders::charge::<{Id { n: 7 }}>")
        );
        // A crate that the test's types do not name, and no symbols at all.
        assert_eq!(of("   6: other::charge"), Place::Unknown);
        assert_eq!(place(&["   0: <unknown>", "   1: <unknown>"]), Place::Unknown);
    }

    #[test]
    fn crates_in_type_names() {
        struct Future<T>(std::marker::PhantomData<T>);
        let Crates(names) = Crates::of::<(Future<Vec<String>>, fn() -> std::time::Instant)>();
        let mut names: Vec<_> = names.into_iter().collect();
        names.sort_unstable();
        assert_eq!(names, ["alloc", "futures_shield", "std"]);
        assert_eq!(
            roots("&mut dyn a::B<c_1::D::E, (), [f::G; 3]> + H").collect::<Vec<_>>(),
            ["a", "c_1", "f"]
        );
    }
}
