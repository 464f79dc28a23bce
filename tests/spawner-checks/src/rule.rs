//! The rules, one sentence each.

use std::fmt;

/// A rule of `Spawn` or `SpawnLocal`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// The future is run to its end.
    RunsToItsEnd,
    /// The future is polled again after each wake.
    PollsAfterEachWake,
    /// The future is not polled after it has completed.
    NeverPollsAfterTheEnd,
    /// The future is dropped after it has completed.
    DropsAfterTheEnd,
    /// The future is run even if the spawner is dropped.
    OutlivesTheSpawner,
    /// The spawner can be called from any thread.
    AnyThread,
    /// The spawner can be called outside of the runtime's context.
    OutsideTheRuntime,
    /// The spawner can be called inside the runtime, also while it polls a future.
    InsideTheRuntime,
    /// The spawner can be called in `Drop`, also while the runtime drops a future.
    InDrop,
    /// The spawner can be called while unwinding.
    WhileUnwinding,
    /// The spawner can be called while a thread ends and drops its thread-locals.
    AsTheThreadEnds,
    /// A spawner that can take no more work does not panic.
    RefusesWithoutPanic,
    /// A spawner that can take no more work drops the future.
    DropsWhatItRefuses,
    /// The spawner can be called while the runtime is dropped.
    DuringShutdown,
    /// Dropping the runtime drops its futures.
    ShutdownDropsFutures,
    /// A local future is polled and dropped on the thread that spawned it.
    StaysOnItsThread,
    /// A spawner that wraps another one calls it inside its own call.
    CallsInsideItsOwnCall,
    /// A spawner that wraps another one forwards `track_inline`.
    ForwardsTrackInline,
}

impl Rule {
    fn sentence(self) -> &'static str {
        match self {
            Self::RunsToItsEnd => "a future is run to its end",
            Self::PollsAfterEachWake => "a future is polled again after each wake",
            Self::NeverPollsAfterTheEnd => "a future is not polled after it has completed",
            Self::DropsAfterTheEnd => "a future is dropped after it has completed",
            Self::OutlivesTheSpawner => "a future is run even if the spawner is dropped",
            Self::AnyThread => "a spawner can be called from any thread",
            Self::OutsideTheRuntime => "a spawner can be called outside of the runtime's context",
            Self::InsideTheRuntime => "a spawner can be called inside the runtime, also while it polls a future",
            Self::InDrop => "a spawner can be called in `Drop`, also while the runtime drops a future",
            Self::WhileUnwinding => "a spawner can be called while unwinding",
            Self::AsTheThreadEnds => "a spawner can be called while a thread ends and drops its thread-locals",
            Self::RefusesWithoutPanic => "a spawner that can take no more work does not panic",
            Self::DropsWhatItRefuses => "a spawner that can take no more work drops the future",
            Self::DuringShutdown => "a spawner can be called while the runtime is dropped",
            Self::ShutdownDropsFutures => "dropping the runtime drops its futures",
            Self::StaysOnItsThread => "a local future is polled and dropped on the thread that spawned it",
            Self::CallsInsideItsOwnCall => "a spawner that wraps another one calls it inside its own call",
            Self::ForwardsTrackInline => "a spawner that wraps another one forwards `track_inline`",
        }
    }
}

impl fmt::Display for Rule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.sentence())
    }
}
