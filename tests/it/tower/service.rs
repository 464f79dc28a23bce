//! The layer on a service that is polled by hand, over the hand-cranked executor.

use std::convert::Infallible;
use std::future::{Future, Ready, ready};
use std::panic::{AssertUnwindSafe, catch_unwind, panic_any};
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::task::{Context, Poll, Waker};

use futures_shield::layer::{Always, OnlyIf, ResponseFuture, ShieldService};
use futures_shield::{DynSpawner, ShieldLayer, Spawn, Tracker, spawn_fn};
use tokio::sync::Semaphore;
use tower::limit::ConcurrencyLimit;
use tower::{Layer, Service, ServiceBuilder, service_fn};
use tower_test::mock::{self, Mock};

use super::{Mode, turn};
use crate::support::*;

macro_rules! in_both_modes {
    ($($test:ident),+ $(,)?) => {
        mod eager {
            $(
                #[test]
                fn $test() {
                    super::$test(super::Mode::Eager);
                }
            )+
        }
        mod on_drop {
            $(
                #[test]
                fn $test() {
                    super::$test(super::Mode::OnDrop);
                }
            )+
        }
    };
}

in_both_modes! {
    pending_stays_pending,
    readiness_errors_pass,
    ready_service_is_called,
    response_passes_unchanged,
    error_passes_unchanged,
    dropped_partway_continues,
    cloned_service_shields,
    unchosen_is_dropped,
    unchosen_answer_passes,
    predicate_runs_once,
    second_predicate_replaces_first,
    predicate_keeps_mode_and_location,
    panic_keeps_its_payload,
    panic_in_call,
    panic_in_the_predicate,
    permit_is_free_at_delivery,
    orphans_hold_their_permits,
    debug_is_readable,
}

/// An executor that counts its spawns.
struct Executor {
    crank: Crank,
    spawned: Arc<AtomicUsize>,
    tracker: Tracker<DynSpawner>,
}

impl Executor {
    fn new() -> Self {
        let crank = Crank::new();
        let spawned = Arc::new(AtomicUsize::new(0));
        let (spawner, count) = (crank.spawner(), Arc::clone(&spawned));
        Self {
            crank,
            spawned,
            tracker: Tracker::new(DynSpawner::new(spawn_fn(move |task| {
                count.fetch_add(1, Ordering::SeqCst);
                spawner.spawn_detached(task);
            }))),
        }
    }

    #[track_caller]
    fn layer(&self, mode: Mode) -> ShieldLayer<Tracker<DynSpawner>> {
        mode.layer(self.tracker.clone())
    }

    fn spawned(&self) -> usize {
        self.spawned.load(Ordering::SeqCst)
    }
}

/// A service whose futures wait for a permit each, and count how far they have come.
#[derive(Clone, Default)]
struct Handlers {
    called: Drops,
    dropped: Drops,
    started: Drops,
    finished: Drops,
    gate: Arc<Gate>,
}

struct Gate(Semaphore);

impl Default for Gate {
    fn default() -> Self {
        Self(Semaphore::new(0))
    }
}

impl Handlers {
    fn new() -> Self {
        Self::default()
    }

    fn open(&self) {
        self.gate.0.add_permits(1);
    }

    fn service(
        &self,
    ) -> impl Service<u32, Response = u32, Error = Infallible, Future: Send + 'static> + Clone + Send + 'static {
        let handlers = self.clone();
        service_fn(move |order| {
            drop(handlers.called.one());
            let (handlers, dropped) = (handlers.clone(), handlers.dropped.one());
            async move {
                let _dropped = dropped;
                drop(handlers.started.one());
                handlers.gate.0.acquire().await.unwrap().forget();
                drop(handlers.finished.one());
                Ok(order)
            }
        })
    }

    /// Returns how many futures were made, started, finished and dropped.
    fn counts(&self) -> [usize; 4] {
        [&self.called, &self.started, &self.finished, &self.dropped].map(Drops::count)
    }
}

fn poll_ready<R, S: Service<R>>(service: &mut S) -> Poll<Result<(), S::Error>> {
    service.poll_ready(&mut Context::from_waker(Waker::noop()))
}

fn call<R, S: Service<R>>(service: &mut S, request: R) -> Pin<Box<S::Future>> {
    assert!(matches!(poll_ready(service), Poll::Ready(Ok(()))));
    Box::pin(service.call(request))
}

// Readiness.

fn pending_stays_pending(mode: Mode) {
    let executor = Executor::new();
    let (mut service, mut handle) = mock::spawn_layer::<u32, u32, _>(executor.layer(mode));

    handle.allow(0);
    assert!(service.poll_ready().is_pending());
    assert!(!service.is_woken());

    handle.allow(1);
    assert!(service.is_woken(), "the waker is handed on");
    assert!(service.poll_ready().is_ready());
    let response = service.call(1);
    assert!(service.poll_ready().is_pending(), "the one permit is used up");

    drop(response);
    assert!(service.poll_ready().is_pending());
}

fn readiness_errors_pass(mode: Mode) {
    let executor = Executor::new();
    let (mut service, mut handle) = mock::spawn_layer::<u32, u32, _>(executor.layer(mode));

    handle.send_error("the oven is cold");
    let Poll::Ready(Err(error)) = service.poll_ready() else {
        panic!("the error is withheld");
    };
    assert_eq!(error.to_string(), "the oven is cold");
    assert!(
        matches!(service.poll_ready(), Poll::Ready(Ok(()))),
        "once, as the inner service says it"
    );

    drop(handle);
    let Poll::Ready(Err(error)) = service.poll_ready() else {
        panic!("the error is withheld");
    };
    assert!(error.is::<mock::error::Closed>());
}

/// A service that is ready for one call, and whose clones are not, as tower's own services are.
struct Reserved {
    ready: bool,
    clones: Drops,
}

impl Clone for Reserved {
    fn clone(&self) -> Self {
        drop(self.clones.one());
        Self {
            ready: false,
            clones: self.clones.clone(),
        }
    }
}

impl Service<u32> for Reserved {
    type Response = u32;
    type Error = Infallible;
    type Future = Ready<Result<u32, Infallible>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.ready = true;
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: u32) -> Self::Future {
        assert!(std::mem::take(&mut self.ready), "called without having been ready");
        ready(Ok(request))
    }
}

fn ready_service_is_called(mode: Mode) {
    let executor = Executor::new();
    let clones = Drops::new();
    let mut service = executor.layer(mode).layer(Reserved {
        ready: false,
        clones: clones.clone(),
    });

    for request in 0..3 {
        let mut response = call(&mut service, request);
        assert_eq!(turn(&executor.crank, &mut response), Poll::Ready(Ok(request)));
    }
    assert_eq!(clones.count(), 0);

    // The layer does not make up the readiness either.
    let unready = panics_with(|| service.call(3));
    assert_eq!(unready, "called without having been ready");
}

// What comes back.

fn response_passes_unchanged(mode: Mode) {
    let executor = Executor::new();
    // Neither `Clone` nor `Copy`, and compared by its address.
    let (mut service, mut handle) = mock::spawn_layer::<u32, Box<u32>, _>(executor.layer(mode));
    let mut response = call(service.get_mut(), 7);

    assert!(turn(&executor.crank, &mut response).is_pending());
    let Poll::Ready(Some((request, answer))) = handle.poll_request() else {
        panic!("the request is withheld");
    };
    assert_eq!(request, 7);

    let boxed = Box::new(8);
    let address = &raw const *boxed;
    answer.send_response(boxed);
    let Poll::Ready(Ok(boxed)) = turn(&executor.crank, &mut response) else {
        panic!("the response is withheld");
    };
    assert_eq!(&raw const *boxed, address);
}

/// An error that is compared by its address.
#[derive(Debug)]
struct Declined(Box<u32>);

fn error_passes_unchanged(mode: Mode) {
    let executor = Executor::new();
    let boxed = Box::new(1);
    let address = &raw const *boxed;
    let mut boxed = Some(boxed);
    let mut service = executor.layer(mode).layer(service_fn(move |()| {
        ready(Err::<(), _>(Declined(boxed.take().unwrap())))
    }));

    let mut response = call(&mut service, ());
    // The error type is the service's own: the pattern matches no other.
    let Poll::Ready(Err(Declined(boxed))) = turn(&executor.crank, &mut response) else {
        panic!("the error is withheld");
    };
    assert_eq!(&raw const *boxed, address);
}

// Where the work runs.

#[test]
fn eager_request_is_a_task() {
    let (executor, handlers) = (Executor::new(), Handlers::new());
    let mut service = executor.layer(Mode::Eager).layer(handlers.service());

    let mut response = call(&mut service, 1);
    let line = line!() - 3;
    assert_eq!(
        (executor.spawned(), executor.tracker.len()),
        (1, 1),
        "before it is polled"
    );
    assert_eq!(lines(&executor.tracker.unfinished()), [(file!(), line, 1)]);

    handlers.open();
    assert_eq!(executor.crank.run(), 1);
    assert_eq!(handlers.counts(), [1, 1, 1, 1], "it runs while nobody polls for it");
    assert_eq!(poll(&mut response), Poll::Ready(Ok(1)));
    assert_eq!((executor.spawned(), executor.tracker.len()), (1, 0));
}

#[test]
fn on_drop_spawns_nothing() {
    let (executor, handlers) = (Executor::new(), Handlers::new());
    let mut service = executor.layer(Mode::OnDrop).layer(handlers.service());

    for order in 0..3 {
        let mut response = call(&mut service, order);
        assert!(turn(&executor.crank, &mut response).is_pending());
        assert_eq!((executor.tracker.len(), executor.tracker.orphans()), (1, 0));
        handlers.open();
        assert_eq!(turn(&executor.crank, &mut response), Poll::Ready(Ok(order)));
        drop(response);
    }
    assert_eq!((executor.spawned(), executor.tracker.len()), (0, 0));
    assert_eq!(handlers.counts(), [3; 4]);
}

fn dropped_partway_continues(mode: Mode) {
    let (executor, handlers) = (Executor::new(), Handlers::new());
    let layer = executor.layer(mode);
    let line = line!() - 1;
    let mut service = layer.layer(handlers.service());

    let mut response = call(&mut service, 1);
    assert!(turn(&executor.crank, &mut response).is_pending());
    drop(response);
    assert_eq!((executor.spawned(), executor.tracker.len()), (1, 1));
    assert_eq!(lines(&executor.tracker.unfinished()), [(file!(), line, 1)]);

    executor.crank.run();
    assert_eq!(handlers.counts(), [1, 1, 0, 0]);
    handlers.open();
    executor.crank.run();
    assert_eq!(handlers.counts(), [1, 1, 1, 1]);
    assert_eq!((executor.spawned(), executor.tracker.len()), (1, 0));
}

#[test]
fn eager_dropped_unpolled_runs() {
    let (executor, handlers) = (Executor::new(), Handlers::new());
    let mut service = executor.layer(Mode::Eager).layer(handlers.service());

    drop(call(&mut service, 1));
    assert_eq!(executor.tracker.len(), 1);
    handlers.open();
    executor.crank.run();
    assert_eq!(handlers.counts(), [1, 1, 1, 1]);
    assert!(executor.tracker.is_empty());
}

#[test]
fn on_drop_dropped_unpolled_never_runs() {
    let (executor, handlers) = (Executor::new(), Handlers::new());
    let mut service = executor.layer(Mode::OnDrop).layer(handlers.service());

    drop(call(&mut service, 1));
    assert_eq!(handlers.counts(), [1, 0, 0, 1]);
    assert_eq!((executor.spawned(), executor.crank.run()), (0, 0));
}

fn cloned_service_shields(mode: Mode) {
    let (executor, handlers) = (Executor::new(), Handlers::new());
    let layer = executor.layer(mode);
    let service = ServiceBuilder::new().layer(layer.clone()).service(handlers.service());

    let others = layer.layer(handlers.service());
    for mut service in [service.clone(), service] {
        let mut response = call(&mut service, 1);
        assert!(turn(&executor.crank, &mut response).is_pending());
    }
    let mut service = others;
    assert!(turn(&executor.crank, &mut call(&mut service, 1)).is_pending());

    let sites = executor.tracker.unfinished();
    assert_eq!((sites.len(), sites.locations().len()), (3, 1), "one layer, one place");
    (0..3).for_each(|_| handlers.open());
    executor.crank.run();
    assert_eq!(handlers.counts(), [3; 4]);
}

// Which are shielded.

fn unchosen_is_dropped(mode: Mode) {
    let (executor, handlers) = (Executor::new(), Handlers::new());
    let layer = executor.layer(mode).only_if(|order: &u32| *order > 5);
    let mut service = layer.layer(handlers.service());

    let mut response = call(&mut service, 5);
    assert!(turn(&executor.crank, &mut response).is_pending());
    assert_eq!(handlers.counts(), [1, 1, 0, 0]);
    drop(response);
    assert_eq!(handlers.counts(), [1, 1, 0, 1]);
    assert_eq!((executor.spawned(), executor.crank.run()), (0, 0));

    let mut response = call(&mut service, 6);
    assert!(turn(&executor.crank, &mut response).is_pending());
    drop(response);
    assert_eq!(executor.tracker.len(), 1);
    handlers.open();
    executor.crank.run();
    assert_eq!(handlers.counts(), [2, 2, 1, 2]);
}

fn unchosen_answer_passes(mode: Mode) {
    let (executor, handlers) = (Executor::new(), Handlers::new());
    let layer = executor.layer(mode).only_if(|_: &u32| false);
    let mut service = layer.layer(handlers.service());

    let mut response = call(&mut service, 5);
    handlers.open();
    assert_eq!(poll(&mut response), Poll::Ready(Ok(5)));
    assert_eq!(executor.spawned(), 0);
}

fn predicate_runs_once(mode: Mode) {
    let executor = Executor::new();
    let asked = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&asked);
    // The request is not `Clone`, and is moved into the service after the predicate has seen it.
    let layer = executor.layer(mode).only_if(move |request: &Declined| {
        locked(&seen).push(*request.0);
        true
    });
    let mut service = layer.layer(service_fn(|request: Declined| ready(Ok::<_, Infallible>(request))));

    for request in [3, 4] {
        let mut response = call(&mut service, Declined(Box::new(request)));
        let Poll::Ready(Ok(Declined(answer))) = turn(&executor.crank, &mut response) else {
            panic!("the answer is withheld");
        };
        assert_eq!(*answer, request);
    }
    assert_eq!(*locked(&asked), [3, 4]);
}

fn second_predicate_replaces_first(mode: Mode) {
    let (executor, handlers) = (Executor::new(), Handlers::new());
    let layer = executor
        .layer(mode)
        .only_if(|_: &u32| -> bool { unreachable!("it was replaced") })
        .only_if(|order: &u32| *order == 1);
    let mut service = layer.layer(handlers.service());

    for order in 0..3 {
        assert!(turn(&executor.crank, &mut call(&mut service, order)).is_pending());
    }
    assert_eq!(executor.tracker.len(), 1);
}

fn predicate_keeps_mode_and_location(mode: Mode) {
    let (executor, handlers) = (Executor::new(), Handlers::new());
    let new = ShieldLayer::new(executor.tracker.clone());
    let line = line!() - 1;
    let layers = match mode {
        Mode::Eager => vec![new.only_if(always as fn(&u32) -> bool)],
        // In either order.
        Mode::OnDrop => vec![
            new.clone().only_if(always as fn(&u32) -> bool).on_drop(),
            new.on_drop().only_if(always as fn(&u32) -> bool),
        ],
    };

    for layer in layers {
        let mut service = layer.layer(handlers.service());
        let response = call(&mut service, 1);
        assert_eq!(executor.spawned(), usize::from(mode == Mode::Eager));
        let mut response = response;
        assert!(turn(&executor.crank, &mut response).is_pending());
        drop(response);
        assert_eq!(lines(&executor.tracker.unfinished()), [(file!(), line, 1)]);
        handlers.open();
        executor.crank.run();
        executor.spawned.store(0, Ordering::SeqCst);
    }
}

fn always(_request: &u32) -> bool {
    true
}

// Panics.

#[derive(Debug, PartialEq)]
struct Spilled(u32);

async fn spills() -> Result<(), Infallible> {
    panic_any(Spilled(3))
}

fn panic_keeps_its_payload(mode: Mode) {
    let executor = Executor::new();
    let mut service = executor.layer(mode).layer(service_fn(|()| spills()));
    let mut response = call(&mut service, ());

    let payload = catch_unwind(AssertUnwindSafe(|| turn(&executor.crank, &mut response))).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&Spilled(3)));

    // Work that has panicked is not run again.
    let spawned = executor.spawned();
    assert_eq!(spawned, usize::from(mode == Mode::Eager));
    drop(response);
    assert_eq!(executor.spawned(), spawned);
    assert!(executor.tracker.is_empty());

    // The service continues.
    let mut response = call(&mut service, ());
    assert!(catch_unwind(AssertUnwindSafe(|| turn(&executor.crank, &mut response))).is_err());
}

fn panic_in_call(mode: Mode) {
    let executor = Executor::new();
    let mut service = executor
        .layer(mode)
        .layer(service_fn(|()| -> Ready<Result<(), Infallible>> {
            panic_any(Spilled(4))
        }));

    let payload = catch_unwind(AssertUnwindSafe(|| drop(call(&mut service, ())))).unwrap_err();
    assert_eq!(payload.downcast_ref(), Some(&Spilled(4)));
    assert_eq!((executor.spawned(), executor.tracker.len()), (0, 0));
}

fn panic_in_the_predicate(mode: Mode) {
    let (executor, handlers) = (Executor::new(), Handlers::new());
    let layer = executor.layer(mode).only_if(|_: &u32| -> bool { panic!("undecided") });
    let mut service = layer.layer(handlers.service());

    assert_eq!(panics_with(|| drop(call(&mut service, 1))), "undecided");
    assert_eq!(handlers.counts(), [0; 4]);
}

// An executor that is gone.

#[test]
fn eager_executor_is_gone() {
    let handlers = Handlers::new();
    let mut service = ShieldLayer::new(spawn_fn(drop)).layer(handlers.service());
    let line = line!() - 1;

    let mut response = call(&mut service, 1);
    assert_eq!(handlers.counts(), [1, 0, 0, 1]);
    let message = panics_with(|| poll(&mut response));
    let place = format!("{}:{line}:", file!());
    assert!(message.contains(&place), "{message}");
    assert!(
        message.contains("was cancelled by its executor before it started"),
        "{message}"
    );
}

#[test]
fn eager_executor_shuts_down() {
    let (executor, handlers) = (Executor::new(), Handlers::new());
    let mut service = executor.layer(Mode::Eager).layer(handlers.service());
    let (wakes, waker) = Wakes::new();
    let mut response = call(&mut service, 1);
    assert!(poll_with(&mut response, &waker).is_pending());
    executor.crank.run();

    executor.crank.shut_down();
    assert_eq!(wakes.count(), 1, "it must not hang");
    assert_eq!(handlers.counts(), [1, 1, 0, 1]);
    let message = panics_with(|| poll_with(&mut response, &waker));
    assert!(
        message.contains("was cancelled by its executor after it had started"),
        "{message}"
    );
    assert!(executor.tracker.is_empty());
}

#[test]
fn on_drop_executor_is_gone() {
    let handlers = Handlers::new();
    let mut service = ShieldLayer::new(spawn_fn(drop)).on_drop().layer(handlers.service());

    let mut response = call(&mut service, 1);
    assert!(poll(&mut response).is_pending());
    handlers.open();
    assert_eq!(poll(&mut response), Poll::Ready(Ok(1)));

    let mut response = call(&mut service, 2);
    assert!(poll(&mut response).is_pending());
    drop(response);
    assert_eq!(handlers.counts(), [2, 2, 1, 2]);
}

#[test]
fn spawner_panics() {
    let handlers = Handlers::new();
    let full = spawn_fn(|_task| panic!("no more room"));

    let mut service = ShieldLayer::new(full.clone()).layer(handlers.service());
    assert_eq!(panics_with(|| drop(call(&mut service, 1))), "no more room");
    assert_eq!(handlers.counts(), [1, 0, 0, 1]);

    let mut service = ShieldLayer::new(full).on_drop().layer(handlers.service());
    let mut response = call(&mut service, 2);
    assert!(poll(&mut response).is_pending());
    drop(response);
    assert_eq!(handlers.counts(), [2, 1, 0, 2]);
}

// With a limit on the inside.

fn permit_is_free_at_delivery(mode: Mode) {
    let (executor, handlers) = (Executor::new(), Handlers::new());
    let mut service = executor.layer(mode).layer(ConcurrencyLimit::new(handlers.service(), 1));
    let mut response = call(&mut service, 1);
    assert!(poll_ready::<u32, _>(&mut service).is_pending());

    handlers.open();
    assert_eq!(turn(&executor.crank, &mut response), Poll::Ready(Ok(1)));
    // The response future itself is still there.
    assert!(poll_ready::<u32, _>(&mut service).is_ready());
    drop(response);
}

#[test]
fn eager_permit_is_free_at_wake() {
    let (executor, handlers) = (Executor::new(), Handlers::new());
    let limited = ConcurrencyLimit::new(handlers.service(), 1);
    let service = Arc::new(Mutex::new(executor.layer(Mode::Eager).layer(limited)));
    let mut response = call(&mut *locked(&service), 1);

    let (tell, told) = mpsc::channel();
    let same = Arc::clone(&service);
    let ask = move || tell.send(poll_ready::<u32, _>(&mut *locked(&same)).is_ready()).unwrap();
    assert!(poll_with(&mut response, &callback_waker(ask, || ())).is_pending());
    handlers.open();
    executor.crank.run();
    assert_eq!(told.try_recv(), Ok(true));
}

fn orphans_hold_their_permits(mode: Mode) {
    let (executor, handlers) = (Executor::new(), Handlers::new());
    let mut service = executor.layer(mode).layer(ConcurrencyLimit::new(handlers.service(), 1));
    let mut response = call(&mut service, 1);
    assert!(turn(&executor.crank, &mut response).is_pending());

    drop(response);
    executor.crank.run();
    assert!(poll_ready::<u32, _>(&mut service).is_pending());
    handlers.open();
    executor.crank.run();
    assert!(poll_ready::<u32, _>(&mut service).is_ready());
}

// Names and texts.

#[derive(Clone, Debug)]
struct Closed;

impl Spawn for Closed {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        drop(future);
    }
}

fn debug_is_readable(mode: Mode) {
    let layer = mode.layer(Closed);
    let place = format!("{}:{}:{}", file!(), line!() - 1, 22);
    let text = format!("ShieldLayer {{ spawner: Closed, mode: {mode:?}, location: {place}, .. }}");
    assert_eq!(format!("{layer:?}"), text);
    assert_eq!(format!("{:?}", layer.clone().only_if(always)), text);
    assert_eq!(format!("{Always:?}"), "Always");

    let mut service = layer.layer(Silent);
    assert_eq!(
        format!("{service:?}"),
        format!("ShieldService {{ inner: Silent, layer: {text} }}")
    );

    let mut response = call(&mut service, 1);
    assert_eq!(
        format!("{response:?}"),
        match mode {
            Mode::Eager => format!("ResponseFuture(Shield {{ location: {place}, work: finished }})"),
            Mode::OnDrop => format!("ResponseFuture(ShieldOnDrop {{ location: {place}, work: not started }})"),
        }
    );
    if mode == Mode::OnDrop {
        assert!(poll(&mut response).is_pending());
        let text = format!("ResponseFuture(ShieldOnDrop {{ location: {place}, work: suspended }})");
        assert_eq!(format!("{response:?}"), text);
    }

    let mut service = layer.only_if(|_: &u32| false).layer(Silent);
    assert_eq!(format!("{:?}", call(&mut service, 1)), "ResponseFuture(..)");
}

/// Never answers, and implements no more than `Service` asks for: its response and error are not
/// `Debug`.
#[derive(Clone, Debug)]
struct Silent;

struct Plain;

impl Service<u32> for Silent {
    type Response = Plain;
    type Error = Plain;
    type Future = std::future::Pending<Result<Plain, Plain>>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Plain>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _request: u32) -> Self::Future {
        std::future::pending()
    }
}

type Chosen<R> = OnlyIf<fn(&R) -> bool>;

/// A user's struct with these types in it: every type has a name, and needs no bounds but those of
/// a service.
struct Kept<I: Service<R>, S, R> {
    layer: ShieldLayer<S, Chosen<R>>,
    service: ShieldService<I, S, Chosen<R>>,
    response: Option<ResponseFuture<I::Future, S>>,
}

impl<I, S, R> Kept<I, S, R>
where
    I: Service<R, Future: Send + 'static, Response: Send + 'static, Error: Send + 'static>,
    S: Spawn + Clone,
{
    fn call(&mut self, request: R) {
        self.response = Some(self.service.call(request));
    }
}

#[test]
fn types_are_nameable_and_send() {
    fn assert_send<T: Send + 'static>(value: T) -> T {
        value
    }
    fn assert_cloned_and_shared<T: Clone + Send + Sync + 'static>(value: T) -> T {
        value
    }

    let layer = ShieldLayer::new(Closed).only_if(always as fn(&u32) -> bool);
    let service = assert_cloned_and_shared(layer.clone()).layer(Silent);
    let mut kept: Kept<Silent, Closed, u32> = assert_send(Kept {
        layer,
        service: assert_cloned_and_shared(service),
        response: None,
    });
    kept.call(1);
    assert!(kept.response.is_some());
    let _: ShieldService<Mock<u32, u32>, Closed, Chosen<u32>> = kept.layer.layer(mock::pair().0);
    let _: ShieldService<Silent, Closed> = ShieldLayer::new(Closed).layer(Silent);
    let _: ShieldService<Silent, Closed, Always> = ShieldLayer::new(Closed).layer(Silent);
}
