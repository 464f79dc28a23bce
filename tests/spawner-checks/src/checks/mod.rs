//! The checks, one function for each rule.

mod anywhere;
mod ending;
mod local;
mod shutdown;

use crate::bench::{Bench, Skip};
use crate::hand::Hand;
use crate::rule::Rule;

type Body<H> = fn(Bench<H>) -> Result<(), Skip>;

/// A check of one rule.
pub(crate) struct Check<H> {
    pub(crate) rule: Rule,
    pub(crate) check: Body<H>,
}

/// Returns the checks of `Spawn`, in the order of the rules.
pub(crate) fn of_spawn<H: Hand + Send>() -> Vec<Check<H>> {
    let mut checks = of_both();
    checks.extend([
        Check {
            rule: Rule::AnyThread,
            check: anywhere::any_thread,
        },
        Check {
            rule: Rule::AsTheThreadEnds,
            check: anywhere::as_the_thread_ends,
        },
    ]);
    checks.sort_by_key(|check| check.rule);
    checks
}

/// Returns the checks of `SpawnLocal`, in the order of the rules.
pub(crate) fn of_spawn_local<H: Hand>() -> Vec<Check<H>> {
    let mut checks = of_both();
    checks.push(Check {
        rule: Rule::StaysOnItsThread,
        check: local::stays_on_its_thread,
    });
    checks.sort_by_key(|check| check.rule);
    checks
}

fn of_both<H: Hand>() -> Vec<Check<H>> {
    let checks: [(Rule, Body<H>); 13] = [
        (Rule::RunsToItsEnd, ending::runs_to_its_end),
        (Rule::PollsAfterEachWake, ending::polls_after_each_wake),
        (Rule::NeverPollsAfterTheEnd, ending::never_polls_after_the_end),
        (Rule::DropsAfterTheEnd, ending::drops_after_the_end),
        (Rule::OutlivesTheSpawner, ending::outlives_the_spawner),
        (Rule::OutsideTheRuntime, anywhere::outside_the_runtime),
        (Rule::InsideTheRuntime, anywhere::inside_the_runtime),
        (Rule::InDrop, anywhere::in_drop),
        (Rule::WhileUnwinding, anywhere::while_unwinding),
        (Rule::RefusesWithoutPanic, shutdown::refuses_without_panic),
        (Rule::DropsWhatItRefuses, shutdown::drops_what_it_refuses),
        (Rule::DuringShutdown, shutdown::during_shutdown),
        (Rule::ShutdownDropsFutures, shutdown::shutdown_drops_futures),
    ];
    checks.map(|(rule, check)| Check { rule, check }).into()
}
