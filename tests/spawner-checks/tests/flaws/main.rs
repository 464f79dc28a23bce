//! For each rule there is a spawner that breaks it, and it is caught by name.

mod toy;
mod wrappers;

use std::thread;
use std::time::Duration;

use futures_shield::{BoxTask, DynSpawner, LocalBoxTask};
use futures_shield_spawner_checks::{Report, Rule, Subject, spawn_local_rules_within, spawn_rules_within};

use self::toy::{Flaw, Toy};

/// A check takes milliseconds here, and one that hangs is to fail.
const DEADLINE: Duration = Duration::from_secs(2);

fn send(flaw: Option<Flaw>) -> Report {
    spawn_rules_within(DEADLINE, move || {
        let (toy, spawner) = Toy::<BoxTask>::new(flaw);
        Subject::new(spawner, move |caller| toy.run(caller))
    })
}

fn local(flaw: Option<Flaw>) -> Report {
    spawn_local_rules_within(DEADLINE, move || {
        let (toy, spawner) = Toy::<LocalBoxTask>::new(flaw);
        Subject::new(spawner, move |caller| toy.run(caller))
    })
}

#[test]
fn without_a_flaw_every_rule_is_kept() {
    for report in [send(None), local(None)] {
        report.assert_kept();
        assert_eq!(report.not_applicable(), []);
    }
}

/// The rules of one kind of spawner are not those of the other.
const SEND_ONLY: [Rule; 2] = [Rule::AnyThread, Rule::AsTheThreadEnds];
const LOCAL_ONLY: [Rule; 1] = [Rule::StaysOnItsThread];

fn without(rules: &[Rule], others: &[Rule]) -> Vec<Rule> {
    rules.iter().copied().filter(|rule| !others.contains(rule)).collect()
}

macro_rules! flaws {
    ($($name:ident: $flaw:ident breaks $($rule:ident)+,)+) => {$(
        #[test]
        fn $name() {
            let broken = [$(Rule::$rule),+];
            let in_send = thread::spawn(|| send(Some(Flaw::$flaw)));
            local(Some(Flaw::$flaw)).assert_broken(&without(&broken, &SEND_ONLY));
            let in_send = in_send.join().unwrap();
            if Flaw::$flaw == Flaw::SendsLocalFuturesAway {
                in_send.assert_kept();
            } else {
                in_send.assert_broken(&without(&broken, &LOCAL_ONLY));
            }
        }
    )+};
}

flaws! {
    a_queue_that_drops_when_it_is_full: DropsWhenFull breaks RunsToItsEnd,
    a_wake_that_is_lost_during_the_poll: LosesWakesInPoll breaks PollsAfterEachWake,
    a_future_that_is_polled_once_more: PollsOnceMore breaks NeverPollsAfterTheEnd,
    a_future_that_is_kept_when_it_has_completed: KeepsTheCompleted breaks DropsAfterTheEnd InDrop StaysOnItsThread,
    a_spawner_whose_drop_cancels: CancelsWithItsSpawner breaks OutlivesTheSpawner,
    a_spawner_of_one_thread: PanicsOnOtherThreads breaks AnyThread AsTheThreadEnds,
    a_spawner_that_looks_up_the_runtime: LooksUpTheRuntime
        breaks AnyThread OutsideTheRuntime AsTheThreadEnds RefusesWithoutPanic DuringShutdown,
    a_lock_that_is_held_during_a_poll: LockedDuringPoll breaks InsideTheRuntime,
    a_lock_that_is_held_during_a_drop: LockedDuringDrop breaks InDrop,
    a_spawner_that_refuses_while_unwinding: RefusesWhileUnwinding breaks WhileUnwinding,
    a_spawner_with_a_thread_local: UsesAThreadLocal breaks AsTheThreadEnds,
    a_spawner_that_panics_when_closed: PanicsWhenClosed breaks RefusesWithoutPanic DuringShutdown,
    a_spawner_that_keeps_what_comes_too_late: KeepsWhenClosed breaks DropsWhatItRefuses,
    a_lock_that_is_held_during_the_shutdown: LockedDuringShutdown breaks DuringShutdown,
    a_shutdown_that_leaks: LeaksAtShutdown breaks DuringShutdown ShutdownDropsFutures StaysOnItsThread,
    a_local_future_that_is_sent_away: SendsLocalFuturesAway
        breaks DropsWhatItRefuses ShutdownDropsFutures StaysOnItsThread,
}

/// The words of a failure: the rule, what was expected and what happened.
#[test]
fn a_failure_says_what_was_expected() {
    let text = send(Some(Flaw::PanicsWhenClosed)).to_string();
    let words = "BROKEN: a spawner that can take no more work does not panic (RefusesWithoutPanic): expected a call after the \
                 runtime was dropped to return; the call to the spawner panicked: this executor is closed";
    assert!(text.contains(words), "{text}");

    let text = send(Some(Flaw::LockedDuringDrop)).to_string();
    let words = "BROKEN: a spawner can be called in `Drop`, also while the runtime drops a future (InDrop): expected a future \
                 that was spawned in the drop of another one that has completed to be run to its end; it did not happen \
                 within 2s";
    assert!(text.contains(words), "{text}");
}

/// A rule that does not apply is not counted as kept.
#[test]
fn a_rule_that_does_not_apply_is_listed() {
    let report = spawn_rules_within(DEADLINE, || {
        let (toy, spawner) = Toy::<BoxTask>::new(None);
        Subject::new(DynSpawner::new(spawner), move |caller| toy.run(caller)).never_shut_down()
    });
    report.assert_kept();
    let shutdown = [
        Rule::RefusesWithoutPanic,
        Rule::DropsWhatItRefuses,
        Rule::DuringShutdown,
        Rule::ShutdownDropsFutures,
    ];
    assert_eq!(report.not_applicable(), shutdown);
}
