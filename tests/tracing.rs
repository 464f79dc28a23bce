//! The events of orphans, as a subscriber gets them: none while the caller waits, one when it is
//! gone, one when the work ends.
//!
//! Most tests set a subscriber for their own thread, which also cranks the executor. Tests that
//! need a global subscriber, or none at all, run in a process of their own: this binary again, with
//! the name of the one test.

#![cfg(feature = "tracing")]

#[path = "it/support/mod.rs"]
#[expect(
    dead_code,
    unused_macros,
    unused_imports,
    reason = "tests/it uses all of it, and is told of what nobody uses"
)]
mod support;

use std::collections::BTreeMap;
use std::env;
use std::fmt;
use std::future::{Future, pending, ready};
use std::panic::{AssertUnwindSafe, Location, catch_unwind, panic_any};
use std::pin::Pin;
use std::process::{Command, Stdio};
use std::rc::Rc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, OnceLock};
use std::thread;
use std::time::{Duration, Instant};

use futures_executor::{LocalPool, ThreadPool};
use futures_shield::{
    Cleanup, Shield, ShieldError, ShieldExt, Spawn, Tracker, cleanup, shield, shield_with, spawn_fn, spawn_local_fn,
};
use futures_util::task::LocalSpawnExt;
use tokio::sync::{mpsc, oneshot};
use tokio::task::yield_now;
use tracing::field::{Field, Visit};
use tracing::{Dispatch, Level, Subscriber, error, info, info_span};
use tracing_subscriber::filter::{LevelFilter, Targets, filter_fn};
use tracing_subscriber::layer::{Context, SubscriberExt};
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::{Layer, registry};

use crate::support::*;

/// The recorded events, in order.
#[derive(Clone, Default)]
struct Events(Arc<Mutex<Vec<Recorded>>>);

/// One event.
#[derive(Clone, Debug)]
struct Recorded {
    level: Level,
    target: &'static str,
    message: String,
    fields: BTreeMap<&'static str, String>,
    spans: Vec<&'static str>,
}

impl Events {
    fn take(&self) -> Vec<Recorded> {
        std::mem::take(&mut *locked(&self.0))
    }

    #[track_caller]
    fn expect_nothing(&self) {
        let recorded = self.take();
        assert!(recorded.is_empty(), "{recorded:#?}");
    }

    /// Asserts that exactly these events have been recorded since the last call.
    #[track_caller]
    fn expect<const N: usize>(&self, messages: [&str; N]) -> [Recorded; N] {
        let recorded = self.take();
        let told: Vec<_> = recorded.iter().map(|event| event.message.as_str()).collect();
        assert_eq!(told, messages, "{recorded:#?}");
        recorded.try_into().unwrap()
    }
}

const ORPHANED: &str = "shielded work was orphaned: its caller is gone, and it continues";
const FINISHED: &str = "orphaned work finished";
const PANICKED: &str = "orphaned work panicked";
const CANCELLED: &str = "orphaned work was cancelled";

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Events {
    fn on_event(&self, event: &tracing::Event<'_>, cx: Context<'_, S>) {
        struct Fields(BTreeMap<&'static str, String>);
        impl Visit for Fields {
            fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
                self.0.insert(field.name(), format!("{value:?}"));
            }
        }

        let mut fields = Fields(BTreeMap::new());
        event.record(&mut fields);
        let scope = cx.event_scope(event).into_iter().flatten();
        let recorded = Recorded {
            level: *event.metadata().level(),
            target: event.metadata().target(),
            message: fields.0.remove("message").unwrap_or_default(),
            fields: fields.0,
            spans: scope.map(|span| span.name()).collect(),
        };
        locked(&self.0).push(recorded);
    }
}

/// Runs `body` with `subscriber` set for this thread.
fn with<T>(subscriber: impl Subscriber + Send + Sync, body: impl FnOnce() -> T) -> T {
    // With a single live dispatcher, tracing caches the interest in each callsite globally, from
    // the thread that reaches it first. That may be the thread of another test, without a
    // subscriber. So two more dispatchers are kept alive.
    static OTHERS: OnceLock<[Dispatch; 2]> = OnceLock::new();
    // A test in a process of its own is alone.
    if env::var_os(CHILD).is_none() {
        OTHERS.get_or_init(|| [Dispatch::new(registry()), Dispatch::new(registry())]);
    }
    tracing::subscriber::with_default(subscriber, body)
}

/// Runs `body` and records all events of this thread.
fn recording<T>(body: impl FnOnce(&Events) -> T) -> T {
    let events = Events::default();
    with(registry().with(events.clone()), || body(&events))
}

impl Recorded {
    /// Checks what each event of this crate has: its level, its target, and the location.
    #[track_caller]
    fn check(&self, level: Level, location: &Location<'_>) {
        assert_eq!(self.level, level, "{self:?}");
        assert_eq!(self.target, "futures_shield", "{self:?}");
        assert_eq!(self.fields["location"], location.to_string(), "{self:?}");
        assert!(self.spans.is_empty(), "{self:?}");
    }

    #[track_caller]
    fn check_fields<const N: usize>(&self, fields: [&str; N]) {
        assert!(self.fields.keys().eq(&fields), "{self:?}");
    }

    #[track_caller]
    fn orphaned_for(&self) -> Duration {
        let text = &self.fields["orphaned_for"];
        let number = text.trim_end_matches(|c: char| !c.is_ascii_digit());
        let unit = match &text[number.len()..] {
            "s" => 1e9,
            "ms" => 1e6,
            "µs" => 1e3,
            "ns" => 1.,
            other => panic!("{other:?} is no unit of {self:?}"),
        };
        Duration::from_nanos((number.parse::<f64>().unwrap() * unit).round() as u64)
    }
}

/// Checks the two events of an orphan for all that they have in common.
#[track_caller]
fn check_pair([orphaned, ended]: &[Recorded; 2], level: Level, location: &Location<'_>) {
    orphaned.check(Level::DEBUG, location);
    orphaned.check_fields(["location"]);
    ended.check(level, location);
    if level == Level::DEBUG {
        ended.check_fields(["location", "orphaned_for"]);
    } else {
        ended.check_fields(["error", "location", "orphaned_for"]);
    }
    ended.orphaned_for();
}

#[track_caller]
fn here() -> &'static Location<'static> {
    Location::caller()
}

/// Waits for a gate, and then emits an event as a user's code would.
async fn work(gate: oneshot::Receiver<()>) -> u32 {
    gate.await.unwrap();
    info!("at work");
    7
}

/// Counts the calls of hooks that must not be called: a panic in a hook would be contained.
#[derive(Default)]
struct Calls(Arc<AtomicUsize>);

impl Calls {
    fn counting<T>(&self) -> impl FnOnce(Result<T, ShieldError>) + Send + 'static + use<T> {
        let calls = Arc::clone(&self.0);
        move |_| {
            calls.fetch_add(1, Ordering::SeqCst);
        }
    }

    #[track_caller]
    fn expect_none(&self) {
        assert_eq!(self.0.load(Ordering::SeqCst), 0);
    }
}

// While the caller waits.

#[test]
fn delivered_work() {
    recording(|events| {
        let calls = Calls::default();
        let crank = Crank::new();
        let spawner = crank.spawner();
        let tracker = Tracker::new(spawner.clone());

        assert_eq!(block_on(crank.drive(async { 1 }.shield(&spawner))), 1);
        assert_eq!(
            block_on(crank.drive(yield_now().shield(&tracker).fallible())).unwrap(),
            ()
        );
        let hooked = yield_now()
            .shield(&spawner)
            .on_orphan(calls.counting())
            .on_orphan(calls.counting());
        block_on(crank.drive(hooked));
        let told = shield_with(&spawner, |caller| async move {
            yield_now().await;
            caller.is_gone()
        });
        assert!(!block_on(crank.drive(told)));
        block_on(crank.drive(tracker.wait()));
        events.expect_nothing();

        let mut pool = LocalPool::new();
        let here = pool.spawner();
        let local = yield_now().shield_local(spawn_local_fn(move |task| here.spawn_local(task).unwrap()));
        pool.run_until(timely(local));
        events.expect_nothing();
        calls.expect_none();
    });
}

#[test]
fn delivered_failures() {
    recording(|events| {
        let crank = Crank::new();
        let panics = async { panic_any(1) }.shield(crank.spawner()).fallible();
        assert!(block_on(crank.drive(panics)).unwrap_err().is_panic());
        let cancelled = pending::<()>().shield(crank.spawner()).fallible();
        crank.shut_down();
        assert!(block_on(cancelled).unwrap_err().is_cancelled());

        let panics = async { panic_any(1) }.shield(spawn_fn(block_on));
        assert!(catch_unwind(AssertUnwindSafe(|| block_on(panics))).is_err());
        let cancelled = pending::<()>().shield(spawn_fn(drop));
        assert!(catch_unwind(AssertUnwindSafe(|| block_on(cancelled))).is_err());
        events.expect_nothing();
    });
}

#[test]
fn awaited_inline_work() {
    recording(|events| {
        let calls = Calls::default();
        let crank = Crank::new();
        block_on(yield_now().shield_on_drop(crank.spawner()).on_orphan(calls.counting()));
        drop(yield_now().shield_on_drop(crank.spawner()).on_orphan(calls.counting()));
        let mut panics = async { panic_any(1) }.shield_on_drop(crank.spawner());
        assert!(catch_unwind(AssertUnwindSafe(|| poll(&mut panics))).is_err());
        drop(panics);

        block_on(cleanup(crank.spawner(), (), |()| yield_now()).run());
        cleanup(crank.spawner(), (), |()| yield_now())
            .on_orphan(calls.counting())
            .disarm();
        assert_eq!(crank.run(), 0);
        events.expect_nothing();
        calls.expect_none();
    });
}

// Endings.

#[test]
fn finished_orphan() {
    recording(|events| {
        let crank = Crank::new();
        let (open, gate) = oneshot::channel();
        let (shield, location) = (work(gate).shield(crank.spawner()), here());
        assert_eq!(
            (shield.location().file(), shield.location().line()),
            (file!(), location.line())
        );
        let location = shield.location();
        crank.run();
        events.expect_nothing();

        drop(shield);
        let [orphaned] = events.expect([ORPHANED]);
        crank.run();
        events.expect_nothing();
        open.send(()).unwrap();
        crank.run();
        let [at_work, finished] = events.expect(["at work", FINISHED]);
        assert_eq!(at_work.level, Level::INFO);
        check_pair(&[orphaned, finished], Level::DEBUG, location);
    });
}

#[test]
fn panicked_orphan() {
    recording(|events| {
        let crank = Crank::new();
        let shield = async { panic!("out of paper") }.shield(crank.spawner());
        let location = shield.location();
        drop::<Shield<()>>(shield);
        crank.run();
        let told = events.expect([ORPHANED, PANICKED]);
        check_pair(&told, Level::ERROR, location);
        let error = &told[1].fields["error"];
        assert_eq!(
            *error,
            format!("the work shielded at {location} panicked: out of paper")
        );
    });
}

#[test]
fn cancelled_orphan() {
    for (started, when) in [(false, "before it started"), (true, "after it had started")] {
        recording(|events| {
            let crank = Crank::new();
            let shield = pending::<()>().shield(crank.spawner());
            let location = shield.location();
            if started {
                crank.run();
            }
            drop(shield);
            events.expect([ORPHANED])[0].check(Level::DEBUG, location);
            crank.shut_down();
            let [cancelled] = events.expect([CANCELLED]);
            cancelled.check(Level::ERROR, location);
            cancelled.check_fields(["error", "location", "orphaned_for"]);
            let error = &cancelled.fields["error"];
            assert_eq!(
                *error,
                format!("the work shielded at {location} was cancelled by its executor {when}")
            );
        });
    }
}

/// Work that had ended before its caller was gone: only the end is recorded.
#[test]
fn ended_before_gone() {
    recording(|events| {
        let crank = Crank::new();
        let spawner = crank.spawner();
        let shield = ready(1).shield(&spawner);
        let location = shield.location();
        crank.run();
        events.expect_nothing();
        drop(shield);
        let [finished] = events.expect([FINISHED]);
        finished.check(Level::DEBUG, location);
        finished.check_fields(["location", "orphaned_for"]);

        let panics = async { panic!("out of paper") }.shield(&spawner);
        let cancelled = pending::<()>().shield(&spawner);
        let places = [panics.location(), cancelled.location()];
        crank.run();
        crank.shut_down();
        events.expect_nothing();
        drop::<(Shield<()>, _)>((panics, cancelled));
        for (ended, place) in events.expect([PANICKED, CANCELLED]).iter().zip(places) {
            ended.check(Level::ERROR, place);
            ended.check_fields(["error", "location", "orphaned_for"]);
        }
    });
}

#[test]
fn time_since_gone() {
    recording(|events| {
        let crank = Crank::new();
        for panics in [false, true] {
            let (open, gate) = oneshot::channel();
            let shield = async move {
                gate.await.unwrap();
                assert!(!panics);
            }
            .shield(crank.spawner());
            crank.run();

            // Long enough to be distinguished. Nothing is waited for.
            thread::sleep(Duration::from_millis(40));
            let before_leaving = Instant::now();
            drop(shield);
            let after_leaving = Instant::now();
            thread::sleep(Duration::from_millis(10));
            open.send(()).unwrap();
            let before_end = Instant::now();
            crank.run();
            let after_end = Instant::now();

            let [_, ended] = events.expect([ORPHANED, if panics { PANICKED } else { FINISHED }]);
            let told = ended.orphaned_for();
            let [least, most] = [before_end - after_leaving, after_end - before_leaving];
            let rounding = Duration::from_nanos(1);
            assert!(
                least <= told + rounding && told <= most + rounding,
                "{least:?} <= {told:?} <= {most:?}"
            );
        }
    });
}

// Callers that are gone, in every way.

#[test]
fn every_way_to_be_orphaned() {
    recording(|events| {
        let crank = Crank::new();
        let spawner = crank.spawner();
        let check = |shield: Shield<()>, line: u32, leave: fn(Shield<()>)| {
            let location = shield.location();
            leave(shield);
            assert_eq!((location.file(), location.line()), (file!(), line));
            crank.run();
            check_pair(&events.expect([ORPHANED, FINISHED]), Level::DEBUG, location);
        };
        check(yield_now().shield(&spawner), line!(), Shield::detach);
        check(yield_now().shield(&spawner), line!(), |shield| drop(shield.fallible()));
        check(yield_now().shield(&spawner), line!(), |shield| {
            shield.fallible().detach();
        });
        check(yield_now().shield(&spawner), line!(), |mut shield| {
            assert!(poll(&mut shield).is_pending());
        });
        check(shield_with(&spawner, |caller| caller.gone()), line!(), drop);
        check(shield(Tracker::new(&spawner), yield_now()), line!(), drop);
        let closure = spawn_fn(|task| spawner.spawn_detached(task));
        check(yield_now().shield(closure), line!(), drop);
    });
}

#[test]
fn local_orphans() {
    recording(|events| {
        let mut pool = LocalPool::new();
        let spawner = pool.spawner();
        let shield = async { Rc::new(7) }.shield_local(spawn_local_fn(move |task| spawner.spawn_local(task).unwrap()));
        let location = shield.location();
        drop(shield);
        events.expect([ORPHANED])[0].check(Level::DEBUG, location);
        pool.run();
        events.expect([FINISHED])[0].check(Level::DEBUG, location);
    });
}

#[test]
fn dropped_partway() {
    recording(|events| {
        let crank = Crank::new();
        for ending in [FINISHED, PANICKED, CANCELLED] {
            let mut shield = async move {
                yield_now().await;
                assert!(ending != PANICKED);
            }
            .shield_on_drop(crank.spawner());
            let location = shield.location();
            assert!(poll(&mut shield).is_pending());
            events.expect_nothing();

            drop(shield);
            let [orphaned] = events.expect([ORPHANED]);
            if ending == CANCELLED {
                crank.shut_down();
            } else {
                crank.run();
            }
            let [ended] = events.expect([ending]);
            let level = if ending == FINISHED { Level::DEBUG } else { Level::ERROR };
            check_pair(&[orphaned, ended], level, location);
        }
    });
}

#[test]
fn spawned_cleanup() {
    recording(|events| {
        let crank = Crank::new();
        let guard = || cleanup(crank.spawner(), (), |()| yield_now());
        let expect = |location: &Location<'_>| {
            events.expect([ORPHANED])[0].check(Level::DEBUG, location);
            crank.run();
            events.expect([FINISHED])[0].check(Level::DEBUG, location);
        };

        // Before it runs, before its first poll, and partway.
        let guarded = guard();
        let location = guarded.location();
        drop(guarded);
        expect(location);
        drop(guard().run());
        expect(location);
        let mut run = guard().run();
        assert!(poll(&mut run).is_pending());
        events.expect_nothing();
        drop(run);
        expect(location);

        let panics = cleanup(crank.spawner(), (), |()| async { panic_any(()) });
        let location = panics.location();
        drop::<Cleanup<(), (), _>>(panics);
        crank.run();
        check_pair(&events.expect([ORPHANED, PANICKED]), Level::ERROR, location);
    });
}

#[test]
fn many_orphans() {
    recording(|events| {
        let crank = Crank::new();
        let (open_first, gate) = oneshot::channel();
        let first = work(gate).shield(crank.spawner());
        let (open_second, gate) = oneshot::channel();
        let second = work(gate).shield(crank.spawner());
        let (there, here) = (first.location(), second.location());
        assert_ne!(there, here);

        drop((first, second));
        open_second.send(()).unwrap();
        crank.run();
        open_first.send(()).unwrap();
        crank.run();
        let told = events.expect([ORPHANED, ORPHANED, "at work", FINISHED, "at work", FINISHED]);
        let places = [0, 1, 3, 5].map(|index| told[index].fields["location"].clone());
        assert_eq!(places, [there, here, here, there].map(ToString::to_string));
    });
}

#[cfg(feature = "macros")]
#[test]
fn location_of_the_decorator() {
    use crate::support::CrankSpawner;

    #[futures_shield::shield(spawner)]
    async fn decorated(spawner: CrankSpawner) {
        drop(spawner);
        yield_now().await;
    }

    recording(|events| {
        let crank = Crank::new();
        let mut call = Box::pin(decorated(crank.spawner()));
        assert!(poll(&mut call).is_pending());
        drop(call);
        crank.run();
        for event in events.expect([ORPHANED, FINISHED]) {
            assert!(event.fields["location"].starts_with(file!()), "{event:?}");
        }
    });
}

#[cfg(feature = "tower")]
#[test]
fn location_of_a_layer() {
    use futures_shield::ShieldLayer;
    use tower::{Layer, Service, service_fn};

    recording(|events| {
        let crank = Crank::new();
        let new = ShieldLayer::new(crank.spawner());
        let line = line!() - 1;
        for layer in [new.clone(), new.on_drop()] {
            let mut service = layer.layer(service_fn(|()| async {
                yield_now().await;
                Err::<(), _>("out of paper")
            }));
            let mut response = Box::pin(service.call(()));
            assert!(poll(&mut response).is_pending());
            drop(response);
            crank.run();
            // An error of the service is an outcome like any other.
            for event in events.expect([ORPHANED, FINISHED]) {
                let place = &event.fields["location"];
                assert!(place.starts_with(&format!("{}:{line}:", file!())), "{place}");
            }
        }
    });
}

// The hook.

#[test]
fn order_of_the_end() {
    let telling = |what: &'static str| OnDrop::new(move || info!("{what} dropped"));
    recording(|events| {
        let crank = Crank::new();
        let shield = async move {
            let _held = telling("work");
            yield_now().await;
            telling("output")
        }
        .shield(crank.spawner());
        drop(shield.on_orphan(|outcome| {
            info!("hook called");
            drop(outcome);
        }));
        crank.run();
        events.expect([ORPHANED, "work dropped", FINISHED, "hook called", "output dropped"]);

        drop(ready(telling("output")).shield(crank.spawner()));
        crank.run();
        events.expect([ORPHANED, FINISHED, "output dropped"]);
    });
}

/// Panics at the events that it is given.
struct Brittle(Arc<Mutex<Vec<String>>>);

impl<S: Subscriber> Layer<S> for Brittle {
    fn on_event(&self, event: &tracing::Event<'_>, _cx: Context<'_, S>) {
        locked(&self.0).push(format!("{:?}", event.metadata().level()));
        panic!("the log is full");
    }
}

#[test]
fn subscriber_panic_spares_the_hook() {
    for ending in [FINISHED, PANICKED, CANCELLED] {
        let levels = Arc::new(Mutex::new(Vec::new()));
        let (tell, mut told) = mpsc::unbounded_channel();
        let shield = |crank: &Crank| {
            let tell = tell.clone();
            async move {
                yield_now().await;
                assert!(ending != PANICKED);
            }
            .shield(crank.spawner())
            .on_orphan(move |outcome| {
                let told = match outcome {
                    Ok(()) => FINISHED,
                    Err(error) if error.is_panic() => PANICKED,
                    Err(_) => CANCELLED,
                };
                tell.send(told).unwrap();
            })
        };
        let finish = |crank: Crank| {
            if ending == CANCELLED {
                crank.shut_down();
            } else {
                crank.run();
            }
        };

        // It panics when the caller is gone. Neither the caller nor the executor's thread panics.
        let crank = Crank::new();
        let orphan = shield(&crank);
        with(registry().with(Brittle(Arc::clone(&levels))), || drop(orphan));
        assert_eq!(*locked(&levels), ["Level(Debug)"]);
        finish(crank);
        assert_eq!(told.try_recv(), Ok(ending));

        // It panics when the work ends.
        locked(&levels).clear();
        let crank = Crank::new();
        let orphan = shield(&crank);
        recording(|_| drop(orphan));
        with(registry().with(Brittle(Arc::clone(&levels))), || finish(crank));
        assert_eq!(
            *locked(&levels),
            [if ending == FINISHED {
                "Level(Debug)"
            } else {
                "Level(Error)"
            }]
        );
        assert_eq!(told.try_recv(), Ok(ending));

        // At both, and at the event of work that had ended before.
        with(registry().with(Brittle(Arc::clone(&levels))), || {
            let crank = Crank::new();
            drop(shield(&crank));
            finish(crank);
            assert_eq!(told.try_recv(), Ok(ending));

            let crank = Crank::new();
            let orphan = shield(&crank);
            finish(crank);
            drop(orphan);
            assert_eq!(told.try_recv(), Ok(ending));
        });
        assert!(told.try_recv().is_err());
    }
}

/// A panic of the subscriber must not become a second panic: that would abort.
#[test]
fn subscriber_panics_while_unwinding() {
    let (tell, mut told) = mpsc::unbounded_channel();
    with(registry().with(Brittle(Arc::default())), || {
        let crank = Crank::new();
        let mut inline = yield_now().shield_on_drop(crank.spawner()).on_orphan({
            let tell = tell.clone();
            move |_| tell.send("inline").unwrap()
        });
        assert!(poll(&mut inline).is_pending());
        let eager = yield_now()
            .shield(crank.spawner())
            .on_orphan(move |_| tell.send("eager").unwrap());

        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let _callers = (eager, inline);
            panic_any("the caller's own");
        }));
        assert_eq!(unwound.unwrap_err().downcast_ref(), Some(&"the caller's own"));
        crank.run();
    });
    let mut told = [told.try_recv(), told.try_recv()];
    told.sort_unstable_by_key(|told| told.unwrap());
    assert_eq!(told, [Ok("eager"), Ok("inline")]);
}

/// Only the event at which the subscriber panicked is lost, and not the error that follows.
#[test]
fn subscriber_panics_at_orphaning() {
    struct Once(Events, AtomicBool);
    impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Once {
        fn on_event(&self, event: &tracing::Event<'_>, cx: Context<'_, S>) {
            assert!(self.1.swap(true, Ordering::SeqCst), "the log is full, once");
            self.0.on_event(event, cx);
        }
    }

    let events = Events::default();
    with(registry().with(Once(events.clone(), AtomicBool::new(false))), || {
        let crank = Crank::new();
        drop::<Shield<()>>(async { panic_any(()) }.shield(crank.spawner()));
        crank.run();
    });
    events.expect([PANICKED]);
}

/// A subscriber may re-enter: no lock is held.
#[test]
fn ended_by_the_subscriber() {
    /// Ends the work when it gets the event that the caller is gone.
    struct Ending(Events, Arc<Crank>);
    impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Ending {
        fn on_event(&self, event: &tracing::Event<'_>, cx: Context<'_, S>) {
            self.0.on_event(event, cx);
            self.1.run();
        }
    }

    let (events, outcome) = on_a_thread(|| {
        let (events, crank) = (Events::default(), Arc::new(Crank::new()));
        let (tell, mut told) = mpsc::unbounded_channel();
        with(registry().with(Ending(events.clone(), Arc::clone(&crank))), || {
            drop(
                ready(7)
                    .shield(crank.spawner())
                    .on_orphan(move |outcome| tell.send(outcome.unwrap()).unwrap()),
            );
        });
        (events, told.try_recv())
    });
    // The end happened inside the first event, and an event of ours is not emitted inside another.
    events.expect([ORPHANED]);
    assert_eq!(outcome, Ok(7));
}

// Subscribers.

#[test]
fn switched_off() {
    let events = Events::default();
    let (tell, mut told) = mpsc::unbounded_channel();
    with(registry().with(LevelFilter::OFF).with(events.clone()), || {
        let crank = Crank::new();
        drop(
            ready(7)
                .shield(crank.spawner())
                .on_orphan(move |outcome| tell.send(outcome.unwrap()).unwrap()),
        );
        crank.run();
        drop::<Shield<()>>(async { panic_any(()) }.shield(crank.spawner()));
        crank.run();
    });
    events.expect_nothing();
    assert_eq!(told.try_recv(), Ok(7));
}

#[test]
fn filter_by_crate_name() {
    let events = Events::default();
    let ours = filter_fn(|metadata| metadata.target() == "futures_shield");
    with(registry().with(events.clone().with_filter(ours)), || {
        let crank = Crank::new();
        drop(yield_now().shield(crank.spawner()));
        info!("between");
        crank.run();
    });
    events.expect([ORPHANED, FINISHED]);
}

// Spans.

/// Scenario 82: the parent of both events is the span of the `.shield()` call, wherever the shield
/// is dropped and the work ends. The shield holds that span until the orphan has ended.
#[test]
fn span_of_the_call() {
    recording(|events| {
        let crank = Crank::new();
        let request = info_span!("request");
        let eager = request.in_scope(|| ready(()).shield(crank.spawner()));
        let mut inline = request.in_scope(|| yield_now().shield_on_drop(crank.spawner()));
        let guard = request.in_scope(|| cleanup(crank.spawner(), (), async |()| ()));
        drop(request);
        assert!(poll(&mut inline).is_pending());
        info_span!("elsewhere").in_scope(|| drop((eager, inline, guard)));
        crank.run();
        let told = events.expect([ORPHANED, ORPHANED, ORPHANED, FINISHED, FINISHED, FINISHED]);
        assert!(told.iter().all(|event| event.spans == ["request"]), "{told:?}");
    });
}

/// The span closes while the work still counts, whether it ends as an orphan or inside its caller, so
/// that a drained program has all its spans.
#[test]
fn span_closes_before_the_count() {
    struct OnClose(Box<dyn Fn() + Send + Sync>);
    impl<S: Subscriber> Layer<S> for OnClose {
        fn on_close(&self, _id: tracing::span::Id, _cx: Context<'_, S>) {
            (self.0)();
        }
    }

    let crank = Crank::new();
    let tracker = futures_shield::Tracker::new(crank.spawner());
    let seen = Arc::new(Mutex::new(Vec::new()));
    let (inside, sees) = (tracker.clone(), Arc::clone(&seen));
    let on_close = OnClose(Box::new(move || locked(&sees).push(inside.len())));
    with(registry().with(on_close), || {
        drop(info_span!("request").in_scope(|| ready(7).shield(&tracker)));
        crank.run();
        let mut inline = info_span!("request").in_scope(|| ready(7).shield_on_drop(&tracker));
        assert!(poll(&mut inline).is_ready());
    });
    assert_eq!(*locked(&seen), [1, 1]);
}

/// The events go to the subscriber that made the span of the call, and not to the one of the thread
/// that ends it.
#[test]
fn subscriber_of_the_span() {
    let (ours, theirs) = (Events::default(), Events::default());
    let crank = Crank::new();
    let shield = with(registry().with(ours.clone()), || {
        info_span!("request").in_scope(|| ready(()).shield(crank.spawner()))
    });
    with(registry().with(theirs.clone()), || {
        drop(shield);
        crank.run();
    });
    ours.expect([ORPHANED, FINISHED]);
    theirs.expect([]);
}

/// A handler under a `ShieldLayer` keeps the span that it was called in.
#[cfg(feature = "tower")]
mod under_a_layer {
    use std::convert::Infallible;
    use std::future::poll_fn;
    use std::mem::ManuallyDrop;
    use std::task::Poll;

    use axum::body::Body;
    use axum::extract::Request;
    use axum::http::Response;
    use futures_shield::ShieldLayer;
    use tower::{Layer as _, Service, ServiceBuilder, service_fn};
    use tower_http::trace::TraceLayer;
    use tracing::span::{Attributes, Id, Record};
    use tracing::{Event, Metadata, Span};
    use tracing_core::span::Current;

    use super::*;

    type Handled = Result<Response<Body>, Infallible>;

    /// Tells where it is called, polled twice, and dropped.
    fn handler(request: Request) -> impl Future<Output = Handled> + Send + 'static {
        info!("told of the call");
        let at_drop = OnDrop::new(|| info!("told of the drop"));
        let work = async {
            info!("told of the first poll");
            yield_now().await;
            info!("told of the last poll");
            Ok(Response::new(Body::empty()))
        };
        // Unlike a variable of the block, this is dropped with the future.
        let mut work = Box::pin(work);
        poll_fn(move |cx| {
            let (_at_drop, _request) = (&at_drop, &request);
            work.as_mut().poll(cx)
        })
    }

    fn request() -> Request {
        Request::new(Body::empty())
    }

    /// What the handler told of, and in which spans.
    fn told(events: &Events) -> Vec<(String, Vec<&'static str>)> {
        let recorded = events.take().into_iter();
        let told =
            recorded.filter_map(|event| Some((event.message.strip_prefix("told of the ")?.to_owned(), event.spans)));
        told.collect()
    }

    #[track_caller]
    fn expect(events: &Events, expected: &[(&str, &[&'static str])]) {
        let told = told(events);
        let told: Vec<_> = told.iter().map(|(what, spans)| (what.as_str(), &spans[..])).collect();
        assert_eq!(told, expected);
    }

    /// Calls a handler in the span of a request.
    fn call<S: Spawn + Clone>(layer: &ShieldLayer<S>) -> Pin<Box<impl Future<Output = Handled> + use<S>>> {
        let mut service = layer.layer(service_fn(handler));
        Box::pin(info_span!("request").in_scope(|| service.call(request())))
    }

    fn both(crank: &Crank) -> [ShieldLayer<impl Spawn + Clone + use<>>; 2] {
        let new = ShieldLayer::new(crank.spawner());
        [new.clone(), new.on_drop()]
    }

    /// As an orphan; and while its caller polls it, in whichever span that does.
    #[test]
    fn polled_and_dropped_in_its_span() {
        const IN: &[&str] = &["request"];
        for orphaned in [true, false] {
            for mode in [0, 1] {
                recording(|events| {
                    let crank = Crank::new();
                    let mut response = call(&both(&crank)[mode]);
                    info_span!("connection").in_scope(|| {
                        assert!(poll(&mut response).is_pending());
                        crank.step();
                    });
                    expect(events, &[("call", IN), ("first poll", IN)]);

                    if orphaned {
                        drop(response);
                        crank.run();
                    } else {
                        crank.run();
                        info_span!("connection").in_scope(|| assert!(poll(&mut response).is_ready()));
                    }
                    expect(events, &[("last poll", IN), ("drop", IN)]);
                    assert!(Span::current().is_none(), "each span that was entered was left");
                });
            }
        }
    }

    #[test]
    fn cut_off_and_dropped_in_its_span() {
        const IN: &[&str] = &["request"];
        recording(|events| {
            let crank = Crank::new();
            let [eager, on_drop] = both(&crank);

            // By its executor, before and after it has started; and as it was never polled.
            let first = call(&eager);
            crank.step();
            let second = call(&eager);
            crank.shut_down();
            expect(
                events,
                &[
                    ("call", IN),
                    ("first poll", IN),
                    ("call", IN),
                    ("drop", IN),
                    ("drop", IN),
                ],
            );
            drop((first, second));
            drop(call(&on_drop));
            expect(events, &[("call", IN), ("drop", IN)]);
        });
    }

    #[test]
    fn orphan_events_in_its_span() {
        for mode in [0, 1] {
            recording(|events| {
                let crank = Crank::new();
                let mut response = call(&both(&crank)[mode]);
                assert!(poll(&mut response).is_pending());
                crank.step();
                info_span!("connection").in_scope(|| drop(response));
                crank.run();
                let ours: Vec<_> = events
                    .take()
                    .into_iter()
                    .filter(|event| event.target == "futures_shield")
                    .collect();
                assert_eq!(ours.len(), 2, "{ours:#?}");
                assert!(ours.iter().all(|event| event.spans == ["request"]), "{ours:#?}");
            });
        }
    }

    /// It runs in its caller, as without the layer.
    #[test]
    fn unshielded_has_its_callers_spans() {
        recording(|events| {
            let layer = ShieldLayer::new(Crank::new().spawner()).only_if(|_: &Request| false);
            let mut service = layer.layer(service_fn(handler));
            let mut response = Box::pin(info_span!("request").in_scope(|| service.call(request())));
            info_span!("connection").in_scope(|| assert!(poll(&mut response).is_pending()));
            drop(response);
            expect(
                events,
                &[("call", &["request"]), ("first poll", &["connection"]), ("drop", &[])],
            );
        });
    }

    /// A `TraceLayer` outside: its span is that of the orphan, and it does not hear of the response that nobody got. Inside, it
    /// is a part of the work.
    #[test]
    fn trace_layer_on_either_side() {
        for mode in [0, 1] {
            recording(|events| {
                let crank = Crank::new();
                let mut outside = ServiceBuilder::new()
                    .layer(TraceLayer::new_for_http())
                    .layer(both(&crank)[mode].clone())
                    .service(service_fn(handler));
                let mut response = Box::pin(outside.call(request()));
                assert!(poll(&mut response).is_pending());
                crank.step();
                drop(response);
                crank.run();
                let recorded = events.take();
                let of_handler: Vec<_> = recorded
                    .iter()
                    .filter(|event| event.message.starts_with("told"))
                    .collect();
                assert_eq!(of_handler.len(), 4, "{recorded:#?}");
                assert!(
                    of_handler.iter().all(|event| event.spans == ["request"]),
                    "{recorded:#?}"
                );
                let processed = |events: &[Recorded]| {
                    events
                        .iter()
                        .filter(|event| event.message == "finished processing request")
                        .count()
                };
                assert_eq!(processed(&recorded), 0, "{recorded:#?}");

                let mut inside = ServiceBuilder::new()
                    .layer(both(&crank)[mode].clone())
                    .layer(TraceLayer::new_for_http())
                    .service(service_fn(handler));
                let mut response = Box::pin(inside.call(request()));
                assert!(poll(&mut response).is_pending());
                crank.step();
                drop(response);
                crank.run();
                let recorded = events.take();
                assert_eq!(processed(&recorded), 1, "{recorded:#?}");
            });
        }
    }

    /// Records which spans have closed.
    #[derive(Clone, Default)]
    struct Closed(Arc<Mutex<Vec<&'static str>>>);

    impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Closed {
        fn on_close(&self, id: Id, cx: Context<'_, S>) {
            locked(&self.0).push(cx.span(&id).unwrap().name());
        }
    }

    #[test]
    fn span_closes_with_the_orphan() {
        for mode in [0, 1] {
            let closed = Closed::default();
            with(registry().with(closed.clone()), || {
                let crank = Crank::new();
                let mut response = call(&both(&crank)[mode]);
                assert!(poll(&mut response).is_pending());
                crank.step();
                drop(response);
                assert!(locked(&closed.0).is_empty());
                crank.run();
                assert_eq!(*locked(&closed.0), ["request"]);
            });
        }
    }

    /// Panics when it is asked for the current span, as each call asks it, and with a payload whose
    /// drop panics.
    struct Lost(Arc<AtomicUsize>);

    impl Subscriber for Lost {
        fn enabled(&self, _: &Metadata<'_>) -> bool {
            true
        }

        fn new_span(&self, _: &Attributes<'_>) -> Id {
            Id::from_u64(1)
        }

        fn record(&self, _: &Id, _: &Record<'_>) {}

        fn record_follows_from(&self, _: &Id, _: &Id) {}

        fn event(&self, _: &Event<'_>) {}

        fn enter(&self, _: &Id) {}

        fn exit(&self, _: &Id) {}

        fn current_span(&self) -> Current {
            self.0.fetch_add(1, Ordering::SeqCst);
            panic_any(Bomb("the subscriber"));
        }
    }

    #[test]
    fn subscriber_panics_at_the_call() {
        for mode in [0, 1] {
            let panics = Arc::new(AtomicUsize::new(0));
            with(Lost(Arc::clone(&panics)), || {
                let crank = Crank::new();
                let mut service = both(&crank)[mode].layer(service_fn(|()| ready(Ok::<_, Infallible>("receipt"))));
                let mut response = service.call(());
                crank.run();
                assert_eq!(poll(&mut response), Poll::Ready(Ok("receipt")));
            });
            assert_eq!(panics.load(Ordering::SeqCst), 2, "for the handler and for the events");
        }
    }

    /// When a subscriber panics, and how often it has.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    enum At {
        Enter,
        Exit,
        Close,
    }

    struct Faulty(At, Arc<AtomicUsize>);

    impl Faulty {
        fn at(&self, at: At) {
            if at == self.0 {
                self.1.fetch_add(1, Ordering::SeqCst);
                panic!("the subscriber");
            }
        }
    }

    impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Faulty {
        fn on_enter(&self, _: &Id, _: Context<'_, S>) {
            self.at(At::Enter);
        }

        fn on_exit(&self, _: &Id, _: Context<'_, S>) {
            self.at(At::Exit);
        }

        fn on_close(&self, _: Id, _: Context<'_, S>) {
            self.at(At::Close);
        }
    }

    /// It keeps no handler from running and none from being dropped, and no response from its caller.
    #[test]
    fn subscriber_panics_at_spans() {
        for mode in [0, 1] {
            for at in [At::Enter, At::Exit, At::Close] {
                let panics = Arc::new(AtomicUsize::new(0));
                with(registry().with(Faulty(at, Arc::clone(&panics))), || {
                    let crank = Crank::new();
                    let mut service = both(&crank)[mode].layer(service_fn(|dropped: OnDrop| async move {
                        let _dropped = dropped;
                        yield_now().await;
                        Ok::<_, Infallible>("receipt")
                    }));
                    let mut call = |dropped: &Drops| {
                        // The span is current even if the subscriber panics when it is entered. Whatever the test itself
                        // would end of it is left out, but for its close, which is left to the handler.
                        let span = info_span!("request");
                        let entered = catch_unwind(AssertUnwindSafe(|| ManuallyDrop::new(span.enter())));
                        assert_eq!(entered.is_err(), at == At::Enter);
                        let response = Box::pin(service.call(dropped.one()));
                        let leave = || span.with_subscriber(|(id, subscriber)| subscriber.exit(id));
                        assert_eq!(catch_unwind(AssertUnwindSafe(leave)).is_err(), at == At::Exit);
                        response
                    };

                    let dropped = Drops::new();
                    let mut response = call(&dropped);
                    assert!(poll(&mut response).is_pending());
                    crank.run();
                    assert_eq!(poll(&mut response), Poll::Ready(Ok("receipt")));
                    assert_eq!(dropped.count(), 1, "{at:?}");

                    // And one that is cut off: its caller unwinds, and its executor goes.
                    let dropped = Drops::new();
                    let mut response = call(&dropped);
                    assert!(poll(&mut response).is_pending());
                    let unwound = catch_unwind(AssertUnwindSafe(move || {
                        let _response = response;
                        panic_any("the caller's own");
                    }));
                    assert_eq!(unwound.unwrap_err().downcast_ref(), Some(&"the caller's own"));
                    crank.shut_down();
                    assert_eq!(dropped.count(), 1, "{at:?}");
                });
                // Twice in the test itself, but for the close.
                let ours = panics.load(Ordering::SeqCst) - if at == At::Close { 0 } else { 2 };
                assert!(ours >= 2, "{at:?}: {ours}");
            }
        }
    }
}

// Processes of their own.

const CHILD: &str = "FUTURES_SHIELD_TEST_CHILD";

/// Runs `body` in a process in which no other test runs, and returns what it wrote, or `None` in
/// that process itself.
fn in_a_process(name: &str, body: impl FnOnce()) -> Option<String> {
    if env::var_os(CHILD).is_some_and(|child| child == name) {
        body();
        return None;
    }
    let mut child = Command::new(env::current_exe().unwrap())
        .args([name, "--exact", "--nocapture", "--test-threads=1"])
        .env(CHILD, name)
        .stdout(Stdio::null())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let start = Instant::now();
    while child.try_wait().unwrap().is_none() {
        if start.elapsed() > DEADLINE {
            child.kill().unwrap();
        }
        thread::sleep(Duration::from_millis(1));
    }
    let output = child.wait_with_output().unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert!(output.status.success(), "{} {text}", output.status);
    Some(text)
}

/// Callers and work that end at the same time, on many threads: each orphan is recorded once when
/// its caller is gone, and each end that its caller did not get once.
#[test]
fn many_threads() {
    in_a_process("many_threads", || {
        const ROUNDS: usize = 2_000;
        let events = Events::default();
        tracing::subscriber::set_global_default(registry().with(events.clone())).unwrap();
        let pool = ThreadPool::builder().pool_size(3).create().unwrap();
        let tracker = Tracker::new(spawn_fn(move |task| pool.spawn_ok(task)));
        let (called, dropped) = (Arc::new(AtomicUsize::new(0)), Drops::new());
        for round in 0..ROUNDS {
            let work = async move {
                for _ in 0..round % 3 {
                    yield_now().await;
                }
            };
            let (calls, held) = (Arc::clone(&called), dropped.one());
            let hook = move |_| {
                calls.fetch_add(1, Ordering::SeqCst);
                drop(held);
            };
            match round % 5 {
                0 => block_on(work.shield(&tracker).on_orphan(hook)),
                1 => {
                    let mut inline = work.shield_on_drop(&tracker).on_orphan(hook);
                    let _ = poll(&mut inline);
                }
                2 => {
                    let mut shield = work.shield(&tracker).on_orphan(hook);
                    let _ = poll(&mut shield);
                }
                _ => work.shield(&tracker).on_orphan(hook).detach(),
            }
        }
        block_on(tracker.wait());

        let events = events.take();
        let count = |message| events.iter().filter(|event| event.message == message).count();
        let metrics = tracker.metrics();
        let orphans = usize::try_from(metrics.orphaned_total()).unwrap();
        assert_eq!(metrics.finished_total(), metrics.orphaned_total());
        assert_eq!(count(ORPHANED), orphans);
        // The end is also recorded of work that had ended before its caller was gone.
        assert_eq!(count(FINISHED), called.load(Ordering::SeqCst));
        assert_eq!(events.len(), count(ORPHANED) + count(FINISHED));
        assert!(orphans > ROUNDS / 10, "{orphans}");
        assert_eq!(dropped.count(), ROUNDS, "each hook was called or dropped");
    });
}

#[test]
fn without_subscriber() {
    let written = in_a_process("without_subscriber", || {
        let crank = Crank::new();
        let (tell, mut told) = mpsc::unbounded_channel();
        for ending in [FINISHED, CANCELLED] {
            let tell = tell.clone();
            let shield = yield_now()
                .shield(crank.spawner())
                .on_orphan(move |outcome| tell.send(outcome.is_ok()).unwrap());
            drop(shield);
            if ending == FINISHED {
                crank.run();
            } else {
                crank.shut_down();
            }
            assert_eq!(told.try_recv(), Ok(ending == FINISHED));
        }
    });
    assert_eq!(written.unwrap_or_default(), "");
}

#[test]
fn level_above_debug() {
    // Subscribers of other tests would also be asked.
    in_a_process("level_above_debug", || {
        for level in [LevelFilter::INFO, LevelFilter::WARN, LevelFilter::ERROR] {
            let events = Events::default();
            with(registry().with(level).with(events.clone()), || {
                let crank = Crank::new();
                drop(yield_now().shield(crank.spawner()));
                crank.run();
                events.expect_nothing();

                let shield = async { panic!("out of paper") }.shield(crank.spawner());
                let location = shield.location();
                drop::<Shield<()>>(shield);
                events.expect_nothing();
                crank.run();
                let [panicked] = events.expect([PANICKED]);
                panicked.check(Level::ERROR, location);
                panicked.check_fields(["error", "location", "orphaned_for"]);

                let shield = pending::<()>().shield(crank.spawner());
                let location = shield.location();
                drop(shield);
                crank.shut_down();
                let [cancelled] = events.expect([CANCELLED]);
                cancelled.check(Level::ERROR, location);
                cancelled.orphaned_for();
            });
        }
    });
}

/// Layers with filters keep the answer to `enabled!` in a thread-local for the event that follows.
/// If none follows, they miss the next event, which may be a user's error.
#[test]
fn next_event_passes_the_filter() {
    // Subscribers of other tests would make tracing ask more often.
    in_a_process("next_event_passes_the_filter", || {
        for others in [
            LevelFilter::TRACE,
            LevelFilter::DEBUG,
            LevelFilter::INFO,
            LevelFilter::ERROR,
        ] {
            for had_ended in [false, true] {
                let events = Events::default();
                let users = Targets::new().with_target("app", Level::INFO);
                let subscriber = registry()
                    .with(events.clone().with_filter(users))
                    .with(Events::default().with_filter(others));
                with(subscriber, || {
                    let crank = Crank::new();
                    let shield = yield_now().shield(crank.spawner());
                    if had_ended {
                        crank.run();
                    }
                    error!(target: "app", "before");
                    drop(shield);
                    error!(target: "app", "between");
                    crank.run();
                    error!(target: "app", "after");
                });
                events.expect(["before", "between", "after"]);
            }
        }
    });
}

/// The two events of an orphan whose threads have different subscribers: each goes to the
/// subscriber of its thread.
#[test]
fn subscriber_of_the_thread() {
    let (callers, executors) = (Events::default(), Events::default());
    let crank = Crank::new();
    let shield = yield_now().shield(crank.spawner());
    with(registry().with(callers.clone()), || drop(shield));
    with(registry().with(executors.clone()), || crank.run());
    callers.expect([ORPHANED]);
    executors.expect([FINISHED]);
}

/// An orphan that a hook makes is recorded too.
#[test]
fn orphan_of_a_hook() {
    recording(|events| {
        let crank = Crank::new();
        let spawner = crank.spawner();
        let shield = yield_now()
            .shield(crank.spawner())
            .on_orphan(move |_| yield_now().shield(spawner).detach());
        drop(shield);
        crank.run();
        events.expect([ORPHANED, FINISHED, ORPHANED, FINISHED]);
    });
}

/// The events need no `Debug` of the output.
#[test]
fn output_without_debug() {
    struct Opaque;
    recording(|events| {
        let crank = Crank::new();
        let boxed: Pin<Box<dyn Future<Output = Opaque> + Send>> = Box::pin(async { Opaque });
        drop(boxed.shield(crank.spawner()));
        crank.run();
        events.expect([ORPHANED, FINISHED]);
    });
}
