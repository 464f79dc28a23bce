//! Every outcome is delivered exactly once, to the caller or to the hook, whatever the race
//! (scenario 12).

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::task::Poll;
use std::thread;

use futures_shield::{BoxTask, FallibleShield, ShieldError, ShieldExt, spawn_fn};

use crate::support::*;

/// Counts where outcomes end up.
#[derive(Default)]
struct Ends {
    delivered: AtomicUsize,
    hooked: AtomicUsize,
}

impl Ends {
    fn sum(&self) -> usize {
        self.delivered.load(Ordering::SeqCst) + self.hooked.load(Ordering::SeqCst)
    }
}

/// A number of rounds that takes a second or so in a debug build.
const ROUNDS: usize = 30_000;

/// Releases two threads at once. It spins, because a lock would order them.
#[derive(Clone, Default)]
struct Start(Arc<AtomicUsize>);

impl Start {
    fn wait(&self, round: usize) {
        self.0.fetch_add(1, Ordering::SeqCst);
        let mut spins = 0_u32;
        while self.0.load(Ordering::SeqCst) < 2 * (round + 1) {
            spins += 1;
            if spins % 64 == 0 {
                thread::yield_now();
            }
            std::hint::spin_loop();
        }
    }
}

/// A cheap random number generator with a fixed seed.
struct Dice(u64);

impl Dice {
    fn roll(&mut self, sides: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % sides
    }
}

fn spin(turns: u64) {
    for _ in 0..turns {
        std::hint::spin_loop();
    }
}

/// One thread ends the work (by its value, by a panic, by dropping it) while the other one runs
/// `caller`.
fn race(seed: u64, caller: fn(usize, FallibleShield<usize>, &Ends)) -> Arc<Ends> {
    let alone = locked(&PANIC_HOOK);
    std::panic::set_hook(Box::new(|info| {
        // Each third round panics on purpose: do not print those.
        if info.payload().downcast_ref::<usize>().is_none() {
            let text = format!("{info}\n");
            std::io::Write::write_all(&mut std::io::stderr(), text.as_bytes()).unwrap();
        }
    }));
    drop(alone);
    let start = Start::default();
    let (tasks, given) = mpsc::channel::<BoxTask>();
    let gate = start.clone();
    let executor = Thread::start(move || {
        let mut dice = Dice(seed);
        for (round, mut task) in given.into_iter().enumerate() {
            let turns = dice.roll(200);
            gate.wait(round);
            spin(turns);
            if round % 3 == 2 {
                drop(task);
            } else {
                assert_eq!(poll(&mut task), Poll::Ready(()));
            }
        }
    });

    let ends = Arc::new(Ends::default());
    let spawner = spawn_fn(move |task| tasks.send(task).unwrap());
    let drops = Drops::new();
    let mut dice = Dice(seed.rotate_left(32) | 1);
    for round in 0..ROUNDS {
        let hears = Arc::clone(&ends);
        let held = drops.one();
        let shield = async move {
            drop(held);
            if round % 3 == 1 {
                std::panic::panic_any(round);
            }
            round
        }
        .shield(&spawner)
        .fallible()
        .on_orphan(move |outcome| {
            check(round, outcome);
            hears.hooked.fetch_add(1, Ordering::SeqCst);
        });
        let turns = dice.roll(200);
        start.wait(round);
        spin(turns);
        caller(round, shield, &ends);
    }
    drop(spawner);
    executor.join();
    assert_eq!(ends.sum(), ROUNDS, "none lost, none twice");
    assert_eq!(drops.count(), ROUNDS);
    ends
}

fn check(round: usize, outcome: Result<usize, ShieldError>) {
    match (round % 3, outcome) {
        (0, Ok(value)) => assert_eq!(value, round),
        (1, Err(error)) => assert_eq!(error.into_panic().downcast_ref(), Some(&round)),
        (2, Err(error)) => assert!(error.is_cancelled() && !error.was_started()),
        (_, outcome) => panic!("round {round} ended with {outcome:?}"),
    }
}

fn deliver(round: usize, ends: &Ends, outcome: Result<usize, ShieldError>) {
    check(round, outcome);
    ends.delivered.fetch_add(1, Ordering::SeqCst);
}

#[test]
fn end_against_drop() {
    let ends = race(0x9E37_79B9, |_, shield, _| drop(shield));
    assert_eq!(ends.hooked.load(Ordering::SeqCst), ROUNDS);
}

#[test]
fn end_against_poll_and_drop() {
    let ends = race(0x7F4A_7C15, |round, mut shield, ends| {
        let (_, waker) = Wakes::new();
        if let Poll::Ready(outcome) = poll_with(&mut shield, &waker) {
            deliver(round, ends, outcome);
        }
    });
    assert!(
        ends.delivered.load(Ordering::SeqCst) > 0 && ends.hooked.load(Ordering::SeqCst) > 0,
        "it was a race"
    );
}

#[test]
fn end_against_two_polls() {
    let ends = race(0xBF58_476D, |round, mut shield, ends| {
        for _ in 0..2 {
            let (_, waker) = Wakes::new();
            if let Poll::Ready(outcome) = poll_with(&mut shield, &waker) {
                return deliver(round, ends, outcome);
            }
        }
    });
    assert!(
        ends.delivered.load(Ordering::SeqCst) > 0 && ends.hooked.load(Ordering::SeqCst) > 0,
        "it was a race"
    );
}

/// No wake-up is lost: the waker registered last is woken, or the poll saw the end.
#[test]
fn end_against_wait() {
    let ends = race(0x94D0_49BB, |round, mut shield, ends| {
        let (_, first) = Wakes::new();
        if let Poll::Ready(outcome) = poll_with(&mut shield, &first) {
            return deliver(round, ends, outcome);
        }
        let (wakes, waker) = Wakes::new();
        match poll_with(&mut shield, &waker) {
            Poll::Ready(outcome) => deliver(round, ends, outcome),
            Poll::Pending => {
                let begin = std::time::Instant::now();
                while wakes.count() == 0 {
                    assert!(begin.elapsed() < DEADLINE, "a wake-up was lost");
                    thread::yield_now();
                }
                match poll(&mut shield) {
                    Poll::Ready(outcome) => deliver(round, ends, outcome),
                    Poll::Pending => panic!("woken for nothing"),
                }
            }
        }
    });
    assert_eq!(ends.delivered.load(Ordering::SeqCst), ROUNDS);
}
