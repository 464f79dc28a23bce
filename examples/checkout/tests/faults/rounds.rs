//! How often a fault is repeated, and with which random choices.

use std::env;

use fastrand::Rng;

/// The rounds of one test. It prints what was done when it is dropped, so also if the test fails.
pub(crate) struct Rounds {
    name: &'static str,
    seed: u64,
    pub(crate) rng: Rng,
    pub(crate) rounds: u32,
    pub(crate) charges: u64,
    pub(crate) settled: usize,
}

impl Rounds {
    pub(crate) fn new(name: &'static str) -> Self {
        let seed = number("CHECKOUT_FAULTS_SEED").unwrap_or_else(|| fastrand::u64(..));
        Self {
            name,
            seed,
            rng: Rng::with_seed(seed),
            rounds: 0,
            charges: 0,
            settled: 0,
        }
    }

    /// Returns `true` if there is one round more: `short` times, or as many times as often as the
    /// variable says.
    pub(crate) fn more(&mut self, short: u32) -> bool {
        let rounds = short * number("CHECKOUT_FAULTS").map_or(1, |times| u32::try_from(times).unwrap());
        let more = self.rounds < rounds;
        self.rounds += u32::from(more);
        more
    }

    /// One of the shielded modes.
    pub(crate) fn mode(&mut self) -> &'static str {
        if self.rng.bool() { "shield" } else { "on-drop" }
    }
}

#[expect(clippy::print_stdout, reason = "what a test has done, for those who run it by hand")]
impl Drop for Rounds {
    fn drop(&mut self) {
        let Self {
            name,
            seed,
            rounds,
            charges,
            settled,
            ..
        } = self;
        println!("{name}: {rounds} rounds, {charges} charges, {settled} intents left open and settled, seed {seed}");
    }
}

fn number(variable: &str) -> Option<u64> {
    let value = env::var(variable).ok()?;
    Some(
        value
            .parse()
            .unwrap_or_else(|_| panic!("{variable} is not a number: {value}")),
    )
}
