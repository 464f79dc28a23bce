//! Printing that cannot panic.
//!
//! `println!` panics if nobody reads the other end of a pipe any more. In `checkout serve | tee
//! log`, Ctrl-C can end `tee` first, and a panic would then cost the orders that are still running.

use std::fmt;
use std::io::{self, Write};

/// Prints a line to stdout, as `println!` does. If stdout is closed, the line is lost.
#[macro_export]
macro_rules! say {
    ($($arg:tt)*) => { $crate::say::to_stdout(format_args!("{}\n", format_args!($($arg)*))) };
}

pub fn to_stdout(text: fmt::Arguments<'_>) {
    let mut stdout = io::stdout().lock();
    let _ = stdout.write_fmt(text).and_then(|()| stdout.flush());
}

pub fn to_stderr(text: fmt::Arguments<'_>) {
    let _ = io::stderr().write_fmt(text);
}
