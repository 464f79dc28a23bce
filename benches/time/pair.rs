//! Two threads through one `Tracker` against two through one TaskTracker, by turns.
//!
//! A ratio of two figures that are measured one after the other is also that of the load in between. Here both are measured
//! in each round, on the same runtime, so that what else the machine does is in both. Prints the ratio of their throughputs,
//! round by round. It differs from process to process by more than from round to round: src/report/pair.rs runs several.

#[allow(dead_code, reason = "it is for all that is timed: not all of it is for two threads")]
mod drive;

use futures_shield::{ShieldExt, Tracker};
use tokio_util::task::TaskTracker;

use crate::drive::{ready, time, workers};

const ROUNDS: usize = 10;

/// Of both threads, each time that it is the turn of one of the trackers: twice in a round.
const OPERATIONS: u64 = 200_000;

fn main() {
    let (runtime, tokio) = workers(2);
    let shared = Tracker::new(tokio);
    let tracker = || {
        let tracker = shared.clone();
        time(&runtime, 2, OPERATIONS, move || ready().shield(&tracker))
    };
    let shared = TaskTracker::new();
    let task_tracker = || {
        let tracker = shared.clone();
        time(&runtime, 2, OPERATIONS, move || tracker.spawn(ready()))
    };

    let round = |number: usize| {
        // Neither is always the first of a round, nor always after the other.
        let (theirs, ours) = if number.is_multiple_of(2) {
            let (first, second, third, fourth) = (task_tracker(), tracker(), tracker(), task_tracker());
            (first + fourth, second + third)
        } else {
            let (first, second, third, fourth) = (tracker(), task_tracker(), task_tracker(), tracker());
            (second + third, first + fourth)
        };
        theirs.as_secs_f64() / ours.as_secs_f64()
    };
    // To warm up.
    round(0);
    for number in 1..=ROUNDS {
        println!("{:.4}", round(number));
    }
}
