//! Spawners that wrap another one, and break a rule of that.

use std::future::Future;
use std::panic::Location;
use std::thread;

use futures_shield::{InlineEntry, Spawn, SpawnLocal};
use futures_shield_spawner_checks::{Rule, wrapper_local_rules, wrapper_rules};

/// Keeps the rules.
#[derive(Clone)]
struct Forwards<S>(S);

impl<S: Spawn> Spawn for Forwards<S> {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        self.0.spawn_detached(future);
    }

    fn track_inline(&self, location: &'static Location<'static>) -> InlineEntry {
        self.0.track_inline(location)
    }
}

impl<S: SpawnLocal> SpawnLocal for Forwards<S> {
    fn spawn_local_detached<F: Future<Output = ()> + 'static>(&self, future: F) {
        self.0.spawn_local_detached(future);
    }

    fn track_inline_local(&self, location: &'static Location<'static>) -> InlineEntry {
        self.0.track_inline_local(location)
    }
}

#[test]
fn a_wrapper_that_forwards() {
    wrapper_rules(Forwards).assert_kept();
    wrapper_local_rules(Forwards).assert_kept();
}

/// Leaves `track_inline` as it is provided.
#[derive(Clone)]
struct ForwardsSpawnOnly<S>(S);

impl<S: Spawn> Spawn for ForwardsSpawnOnly<S> {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        self.0.spawn_detached(future);
    }
}

impl<S: SpawnLocal> SpawnLocal for ForwardsSpawnOnly<S> {
    fn spawn_local_detached<F: Future<Output = ()> + 'static>(&self, future: F) {
        self.0.spawn_local_detached(future);
    }
}

#[test]
fn a_wrapper_that_does_not_forward_track_inline() {
    let broken = [Rule::ForwardsTrackInline];
    wrapper_rules(ForwardsSpawnOnly).assert_broken(&broken);
    wrapper_local_rules(ForwardsSpawnOnly).assert_broken(&broken);
}

/// Gives `track_inline` a line of its own.
#[derive(Clone)]
struct ForwardsItsOwnLine<S>(S);

impl<S: Spawn> Spawn for ForwardsItsOwnLine<S> {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        self.0.spawn_detached(future);
    }

    fn track_inline(&self, _: &'static Location<'static>) -> InlineEntry {
        self.0.track_inline(Location::caller())
    }
}

#[test]
fn a_wrapper_that_forwards_its_own_line() {
    wrapper_rules(ForwardsItsOwnLine).assert_broken(&[Rule::ForwardsTrackInline]);
}

/// Calls the other spawner on another thread.
#[derive(Clone)]
struct Defers<S>(S);

impl<S: Spawn + Clone + Send + 'static> Spawn for Defers<S> {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        let inner = self.0.clone();
        let calls = thread::spawn(move || inner.spawn_detached(future));
        calls.join().unwrap();
    }

    fn track_inline(&self, location: &'static Location<'static>) -> InlineEntry {
        self.0.track_inline(location)
    }
}

/// The tracker cannot know that it counts the work already, so inline work that is handed over counts twice.
#[test]
fn a_wrapper_that_calls_on_another_thread() {
    wrapper_rules(Defers).assert_broken(&[Rule::CallsInsideItsOwnCall, Rule::ForwardsTrackInline]);
}
