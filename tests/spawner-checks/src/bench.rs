//! What a check works with: a fresh executor, and the words for what it expects.

use std::future::Future;
use std::sync::{Arc, Mutex, PoisonError};

use crate::hand::Hand;
use crate::probe::{Probe, Watch};
use crate::subject::{AtShutdown, Run, Subject};

/// What a check expects at the moment: the words of its failure.
#[derive(Clone, Debug, Default)]
pub(crate) struct Expectation {
    words: Arc<Mutex<&'static str>>,
}

impl Expectation {
    /// Says what the check expects from here on.
    pub(crate) fn expect(&self, words: &'static str) {
        *self.words.lock().unwrap_or_else(PoisonError::into_inner) = words;
    }

    pub(crate) fn words(&self) -> &'static str {
        *self.words.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A check found that its rule does not apply, and why.
pub(crate) struct Skip(pub(crate) &'static str);

pub(crate) struct Bench<H> {
    spawner: H,
    run: Run,
    at_shutdown: AtShutdown,
    kept_by_spawner: bool,
    expectation: Expectation,
}

impl<H: Hand> Bench<H> {
    pub(crate) fn new<S>(subject: Subject<S>, hand: impl FnOnce(S) -> H, expectation: Expectation) -> Self {
        Self {
            spawner: hand(subject.spawner),
            run: subject.run,
            at_shutdown: subject.at_shutdown,
            kept_by_spawner: subject.kept_by_spawner,
            expectation,
        }
    }

    /// Says what the check expects from here on.
    pub(crate) fn expect(&self, words: &'static str) {
        self.expectation.expect(words);
    }

    /// Returns what to say it to when the executor is gone.
    pub(crate) fn expectation(&self) -> Expectation {
        self.expectation.clone()
    }

    pub(crate) fn spawner(&self) -> &H {
        &self.spawner
    }

    /// Spawns a probe that completes after `gates` openings.
    pub(crate) fn spawn(&self, gates: usize) -> Watch {
        let (probe, watch) = Probe::gated(gates);
        self.spawner.call(probe);
        watch
    }

    /// Runs `caller` on the executor.
    pub(crate) fn run(&mut self, caller: impl Future<Output = ()>) {
        (self.run)(Box::pin(caller));
    }

    /// Shuts the executor down, spawner and all.
    ///
    /// `watches` are those of pending probes, which are woken if this executor needs that.
    pub(crate) fn shut_down(self, watches: &[&Watch]) {
        let Self {
            spawner,
            run,
            at_shutdown,
            ..
        } = self;
        drop(spawner);
        drop(run);
        if at_shutdown == AtShutdown::DropsWhenWoken {
            watches.iter().for_each(|watch| watch.wake());
        }
    }

    /// Shuts the executor down and returns its spawner.
    pub(crate) fn shut_down_under_spawner(self) -> Result<H, Skip> {
        if self.kept_by_spawner {
            return Err(Skip("the spawner keeps the executor"));
        }
        let spawner = self.spawner.clone();
        self.shut_down(&[]);
        Ok(spawner)
    }

    /// Skips a check that shuts the executor down, before it leaves anything pending.
    pub(crate) fn skip_if_never_shut_down(&self) -> Result<(), Skip> {
        if self.at_shutdown == AtShutdown::Never {
            return Err(Skip("the executor is never shut down"));
        }
        Ok(())
    }

    /// Skips a check in which a future that the executor holds has a spawner.
    pub(crate) fn skip_if_kept_by_spawner(&self) -> Result<(), Skip> {
        if self.kept_by_spawner {
            return Err(Skip("a future that has the spawner keeps the executor"));
        }
        Ok(())
    }

    /// Drops the spawner and returns what runs the executor.
    pub(crate) fn drop_spawner(self) -> impl FnMut(crate::BoxCaller<'_>) {
        self.run
    }
}
