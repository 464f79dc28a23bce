//! A spawner that wraps another one, and the rules that go with that.

use std::fmt;
use std::future::{Future, pending};
use std::mem;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Waker};

use futures_shield::{BoxTask, LocalBoxTask, ShieldExt, Spawn, SpawnLocal, Tracker, spawn_location};

use crate::bench::Expectation;
use crate::report::Report;
use crate::rule::Rule;
use crate::run::{DEADLINE, Running, verdicts};

/// The spawner that is wrapped. It keeps its futures, and records where each was shielded.
pub struct Inner<T> {
    kept: Arc<Mutex<Kept<T>>>,
}

struct Kept<T> {
    tasks: Vec<T>,
    locations: Vec<Option<&'static Location<'static>>>,
}

impl<T> Inner<T> {
    fn new() -> Self {
        Self {
            kept: Arc::new(Mutex::new(Kept {
                tasks: Vec::new(),
                locations: Vec::new(),
            })),
        }
    }

    fn kept(&self) -> MutexGuard<'_, Kept<T>> {
        self.kept.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn keep(&self, task: T) {
        let mut kept = self.kept();
        kept.locations.push(spawn_location());
        kept.tasks.push(task);
    }

    fn locations(&self) -> Vec<Option<&'static Location<'static>>> {
        self.kept().locations.clone()
    }

    /// Drops the futures, with nothing locked.
    fn drop_tasks(&self) {
        let tasks = mem::take(&mut self.kept().tasks);
        drop(tasks);
    }
}

impl<T> Clone for Inner<T> {
    fn clone(&self) -> Self {
        Self {
            kept: Arc::clone(&self.kept),
        }
    }
}

impl<T> fmt::Debug for Inner<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").finish_non_exhaustive()
    }
}

impl Spawn for Inner<BoxTask> {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        self.keep(Box::pin(future));
    }
}

impl SpawnLocal for Inner<LocalBoxTask> {
    fn spawn_local_detached<F: Future<Output = ()> + 'static>(&self, future: F) {
        self.keep(Box::pin(future));
    }
}

/// Runs the checks on what `wrap` returns, with the methods of its kind.
macro_rules! run_with {
    ($wrap:ident, $shield:ident, $shield_on_drop:ident) => {
        run(move |tracker| {
            let wrapper = $wrap(tracker);
            let inline = wrapper.clone();
            Wrapper {
                shield: Box::new(move || {
                    let shield = async {}.$shield(&wrapper);
                    let location = shield.location();
                    shield.detach();
                    location
                }),
                shield_on_drop: Box::new(move || {
                    let work = pending().$shield_on_drop(inline.clone());
                    (work.location(), Box::pin(work))
                }),
            }
        })
    };
}

/// Checks a spawner of `Send` futures that wraps another one. `wrap` wraps a tracker.
pub fn wrapper_rules<W: Spawn + Clone + 'static>(
    wrap: impl Fn(Tracker<Inner<BoxTask>>) -> W + Send + Sync + 'static,
) -> Report {
    run_with!(wrap, shield, shield_on_drop)
}

/// Checks a spawner of local futures that wraps another one. `wrap` wraps a tracker.
pub fn wrapper_local_rules<W: SpawnLocal + Clone + 'static>(
    wrap: impl Fn(Tracker<Inner<LocalBoxTask>>) -> W + Send + Sync + 'static,
) -> Report {
    run_with!(wrap, shield_local, shield_on_drop_local)
}

type Inline = Pin<Box<dyn Future<Output = ()>>>;

/// The two ways to shield on a wrapper. Each returns the location.
struct Wrapper {
    shield: Box<dyn Fn() -> &'static Location<'static>>,
    shield_on_drop: Box<dyn Fn() -> (&'static Location<'static>, Inline)>,
}

/// What a check works with.
struct Wrapped<T> {
    inner: Inner<T>,
    tracker: Tracker<Inner<T>>,
    wrapper: Wrapper,
    expectation: Expectation,
}

type Check<T> = fn(&Wrapped<T>);

fn run<T: 'static>(wrap: impl Fn(Tracker<Inner<T>>) -> Wrapper + Send + Sync + 'static) -> Report {
    let wrap = Arc::new(wrap);
    let checks: [(Rule, Check<T>); 2] = [
        (Rule::CallsInsideItsOwnCall, calls_inside_its_own_call),
        (Rule::ForwardsTrackInline, forwards_track_inline),
    ];
    let running = checks.map(|(rule, check)| {
        let wrap = Arc::clone(&wrap);
        let running = Running::start(move |expectation| {
            let inner = Inner::new();
            let tracker = Tracker::new(inner.clone());
            check(&Wrapped {
                wrapper: wrap(tracker.clone()),
                inner,
                tracker,
                expectation,
            });
            Ok(())
        });
        (rule, running)
    });
    verdicts(DEADLINE, running)
}

fn calls_inside_its_own_call<T>(wrapped: &Wrapped<T>) {
    let Wrapped { inner, wrapper, .. } = wrapped;
    wrapped
        .expectation
        .expect("`.shield()` to call the wrapped spawner before it returns, at the location of the shield");
    let location = (wrapper.shield)();
    assert_called_last_at(inner, 1, location);

    wrapped.expectation.expect(
        "the drop of an inline shield to call the wrapped spawner before it returns, at the location of the shield",
    );
    let (location, mut work) = (wrapper.shield_on_drop)();
    poll(&mut work);
    drop(work);
    assert_called_last_at(inner, 2, location);
}

fn assert_called_last_at<T>(inner: &Inner<T>, calls: usize, location: &'static Location<'static>) {
    let locations = inner.locations();
    assert!(
        locations.len() == calls && locations.last() == Some(&Some(location)),
        "it was called at {locations:?} and not at {location}"
    );
}

fn forwards_track_inline<T>(wrapped: &Wrapped<T>) {
    let Wrapped {
        inner,
        tracker,
        wrapper,
        expectation,
    } = wrapped;
    expectation
        .expect("a tracker inside the wrapper to count inline work from its first poll, at the location of the shield");
    let (location, mut work) = (wrapper.shield_on_drop)();
    assert_eq!(tracker.len(), 0, "work that was not polled was counted");
    poll(&mut work);
    let unfinished = tracker.unfinished();
    assert_eq!(unfinished.len(), 1, "the work was not counted");
    assert_eq!(
        unfinished.locations()[0].location(),
        location,
        "it was counted elsewhere"
    );

    expectation
        .expect("a tracker inside the wrapper to count inline work that was dropped partway as one orphan, to its end");
    drop(work);
    assert_eq!((tracker.len(), tracker.orphans()), (1, 1));
    inner.drop_tasks();
    assert_eq!((tracker.len(), tracker.orphans()), (0, 0));
}

fn poll(work: &mut Inline) {
    let polled = work.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending());
}
