//! Prints to stderr how far a long demo has come.

use std::time::{Duration, Instant};

use crate::mode::Mode;
use crate::say;

/// How often it is printed. A short demo ends before the first time.
const EVERY: Duration = Duration::from_secs(2);

#[derive(Debug)]
pub struct Progress {
    mode: Mode,
    requests: u64,
    next: Instant,
}

impl Progress {
    pub fn new(mode: Mode, requests: u64) -> Self {
        Self {
            mode,
            requests,
            next: Instant::now() + EVERY,
        }
    }

    /// Reports that so many customers have come and gone.
    pub fn at(&mut self, customers: u64) {
        let now = Instant::now();
        if now >= self.next {
            self.next = now + EVERY;
            say::to_stderr(format_args!(
                "{}: {customers} of {} customers\n",
                self.mode, self.requests
            ));
        }
    }
}
