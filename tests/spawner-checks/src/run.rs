//! Runs every check on a fresh executor, on a thread of its own, with a deadline.

use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use futures_shield::{Spawn, SpawnLocal};

use crate::bench::{Bench, Expectation, Skip};
use crate::checks::{self, Check};
use crate::hand::{Hand, Local, Sent, message};
use crate::report::{Report, Verdict};
use crate::rule::Rule;
use crate::subject::Subject;

/// Longer than any check takes on a slow machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Checks a spawner of `Send` futures against the rules of `Spawn`. `start` starts a fresh
/// executor.
pub fn spawn_rules<S: Spawn + Clone + Send + Sync + 'static>(
    start: impl Fn() -> Subject<S> + Send + Sync + 'static,
) -> Report {
    spawn_rules_within(DEADLINE, start)
}

/// Does the same, with the time that each check may take.
pub fn spawn_rules_within<S: Spawn + Clone + Send + Sync + 'static>(
    deadline: Duration,
    start: impl Fn() -> Subject<S> + Send + Sync + 'static,
) -> Report {
    run(deadline, start, Sent, checks::of_spawn())
}

/// Checks a spawner of local futures against the rules of `SpawnLocal`. `start` starts a fresh
/// executor.
pub fn spawn_local_rules<S: SpawnLocal + Clone + 'static>(
    start: impl Fn() -> Subject<S> + Send + Sync + 'static,
) -> Report {
    spawn_local_rules_within(DEADLINE, start)
}

/// Does the same, with the time that each check may take.
pub fn spawn_local_rules_within<S: SpawnLocal + Clone + 'static>(
    deadline: Duration,
    start: impl Fn() -> Subject<S> + Send + Sync + 'static,
) -> Report {
    run(deadline, start, Local, checks::of_spawn_local())
}

fn run<S: 'static, H: Hand>(
    deadline: Duration,
    start: impl Fn() -> Subject<S> + Send + Sync + 'static,
    hand: fn(S) -> H,
    checks: Vec<Check<H>>,
) -> Report {
    let start = Arc::new(start);
    // All at once, so that several that hang take no longer than one.
    let running: Vec<_> = checks
        .into_iter()
        .map(|Check { rule, check }| {
            let start = Arc::clone(&start);
            let running = Running::start(move |expectation| check(Bench::new(start(), hand, expectation)));
            (rule, running)
        })
        .collect();
    verdicts(deadline, running)
}

/// Waits for checks that run.
pub(crate) fn verdicts(deadline: Duration, running: impl IntoIterator<Item = (Rule, Running)>) -> Report {
    let end = Instant::now() + deadline;
    let verdicts = running
        .into_iter()
        .map(|(rule, running)| (rule, running.verdict(end, deadline)))
        .collect();
    Report { verdicts }
}

/// A check that runs on a thread of its own.
pub(crate) struct Running {
    expectation: Expectation,
    /// Disconnected when the check has ended, in either way.
    ended: mpsc::Receiver<()>,
    thread: JoinHandle<Result<(), Skip>>,
}

impl Running {
    pub(crate) fn start(check: impl FnOnce(Expectation) -> Result<(), Skip> + Send + 'static) -> Self {
        let expectation = Expectation::default();
        let here = expectation.clone();
        let (ends, ended) = mpsc::channel();
        let thread = thread::spawn(move || {
            let _ends = ends;
            check(here)
        });
        Self {
            expectation,
            ended,
            thread,
        }
    }

    /// Waits for the check to end. If it hangs, its thread is left behind.
    fn verdict(self, end: Instant, deadline: Duration) -> Verdict {
        let left = end.saturating_duration_since(Instant::now());
        if self.ended.recv_timeout(left) == Err(RecvTimeoutError::Timeout) {
            let words = self.expectation.words();
            return Verdict::Broken(format!("expected {words}; it did not happen within {deadline:?}"));
        }
        match self.thread.join() {
            Ok(Ok(())) => Verdict::Kept,
            Ok(Err(Skip(why))) => Verdict::NotApplicable(why),
            Err(payload) => {
                let words = self.expectation.words();
                Verdict::Broken(format!("expected {words}; {}", message(&*payload)))
            }
        }
    }
}
