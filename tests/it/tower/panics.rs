//! Closures and services that panic when they are called, and user values that panic when they are
//! dropped together.
//!
//! A panic that meets another one aborts the process, and every test with it.

use std::convert::Infallible;
use std::future::Future;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use futures_shield::{Caller, ShieldError, ShieldLayer, Spawn};
use tokio::task::yield_now;
use tower::{Layer, Service, service_fn};

use super::order::{Order, Run, insert};
use crate::support::{
    Bomb, BombSpawner, Crank, CrankSpawner, does_not_panic, drop_while_unwinding, locked, panics_with, poll,
};

/// What panics in `call`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Step {
    Predicate,
    WithCaller,
    OnOrphan,
    CloneOfTheSpawner,
    Service,
    Spawner,
}

const STEPS: [Step; 6] = [
    Step::Predicate,
    Step::WithCaller,
    Step::OnOrphan,
    Step::CloneOfTheSpawner,
    Step::Service,
    Step::Spawner,
];

/// Panics at one step, for as long as it is armed.
#[derive(Clone, Default)]
struct Trap(Arc<Mutex<Option<Step>>>);

impl Trap {
    fn set(&self, step: Option<Step>) {
        *locked(&self.0) = step;
    }

    fn at(&self, step: Step) {
        let armed = *locked(&self.0);
        assert_ne!(armed, Some(step), "trapped");
    }
}

/// A spawner that may panic when it is cloned and when it is called.
struct Trapped {
    trap: Trap,
    spawner: CrankSpawner,
}

impl Clone for Trapped {
    fn clone(&self) -> Self {
        self.trap.at(Step::CloneOfTheSpawner);
        Self {
            trap: self.trap.clone(),
            spawner: self.spawner.clone(),
        }
    }
}

impl Spawn for Trapped {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        self.trap.at(Step::Spawner);
        self.spawner.spawn_detached(future);
    }
}

/// A future that is pending until it is dropped, which panics.
struct Fragile<T>(PhantomData<T>, #[expect(dead_code, reason = "for its drop")] Bomb);

impl<T> Future for Fragile<T> {
    type Output = Result<T, Infallible>;

    fn poll(self: Pin<&mut Self>, _cx: &mut Context<'_>) -> Poll<Self::Output> {
        Poll::Pending
    }
}

impl<T> Fragile<T> {
    fn new() -> Self {
        Self(PhantomData, Bomb("the future's drop"))
    }
}

/// Whichever step of a call panics, its panic passes through, although the drops of the request, of
/// the hook and of the future panic, too. No state is left half made: the caller is gone, and the
/// next call is an ordinary one.
#[test]
fn panic_at_any_step_passes_through() {
    for run in Run::ALL {
        for step in STEPS {
            let (crank, trap) = (Crank::new(), Trap::default());
            let callers = Arc::new(Mutex::new(Vec::<Caller>::new()));
            let kept = Arc::clone(&callers);
            let [predicate, pass, make, inner] = [(); 4].map(|()| trap.clone());
            let spawner = Trapped {
                trap: trap.clone(),
                spawner: crank.spawner(),
            };
            let layer = ShieldLayer::new(spawner)
                .only_if(move |_: &(Order, Option<Bomb>)| {
                    predicate.at(Step::Predicate);
                    run != Run::Unshielded
                })
                .with_caller(move |request: &mut (Order, Option<Bomb>), caller| {
                    locked(&kept).push(caller.clone());
                    insert(&mut request.0, caller);
                    pass.at(Step::WithCaller);
                })
                .on_orphan(move |_: &(Order, Option<Bomb>)| {
                    make.at(Step::OnOrphan);
                    let bomb = Bomb("the hook's drop");
                    move |_outcome| drop(bomb)
                });
            let layer = if run == Run::OnDrop { layer.on_drop() } else { layer };
            let mut service = layer.layer(service_fn(move |(_order, bomb): (Order, Option<Bomb>)| {
                // Its drop is not the layer's.
                std::mem::forget(bomb);
                inner.at(Step::Service);
                Fragile::<u32>::new()
            }));

            let happens = match step {
                Step::Predicate | Step::WithCaller | Step::Service => true,
                Step::OnOrphan => run != Run::Unshielded,
                Step::Spawner => run == Run::Eager,
                Step::CloneOfTheSpawner => run == Run::OnDrop,
            };
            trap.set(Some(step));
            let mut call = || Box::pin(service.call((Order::new(1), Some(Bomb("the request's drop")))));
            if happens {
                let text = panics_with(&mut call);
                assert!(text.contains("trapped"), "{run:?}, {step:?}: {text}");
                let callers = std::mem::take(&mut *locked(&callers));
                assert_eq!(callers.len(), usize::from(step != Step::Predicate), "{run:?}, {step:?}");
                assert!(callers.iter().all(Caller::is_gone), "{run:?}, {step:?}");
                trap.set(None);
            }

            let mut response = call();
            assert!(poll(&mut response).is_pending(), "{run:?}, {step:?}");
            assert!(!locked(&callers).pop().unwrap().is_gone(), "{run:?}, {step:?}");
            does_not_panic(|| drop(response));
            crank.run();
            does_not_panic(|| crank.shut_down());
        }
    }
}

/// A service whose drop panics, and whose futures' drops do.
struct Fragiles(#[expect(dead_code, reason = "for its drop")] Bomb);

impl Service<Order> for Fragiles {
    type Response = u32;
    type Error = Infallible;
    type Future = Fragile<u32>;

    fn poll_ready(&mut self, _cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, _order: Order) -> Fragile<u32> {
        Fragile::new()
    }
}

/// A value for a closure to own, whose every clone's drop panics.
struct Captured(Bomb);

impl Clone for Captured {
    fn clone(&self) -> Self {
        Self(Bomb(self.0.0))
    }
}

/// A macro, because the closures have no names: a layer each of whose values panics when it is
/// dropped.
macro_rules! fragile_layer {
    ($crank:expr) => {{
        let [predicate, pass, make] = [(); 3].map(|()| Captured(Bomb("a closure's drop")));
        ShieldLayer::new(BombSpawner::new($crank.spawner()))
            .only_if(move |order: &Order| {
                let _kept = &predicate;
                order.id > 0
            })
            .with_caller(move |order: &mut Order, caller| {
                let _kept = &pass;
                insert(order, caller)
            })
            .on_orphan(move |_: &Order| {
                let kept = make.clone();
                move |_: Result<Result<u32, Infallible>, ShieldError>| drop(kept)
            })
    }};
}

#[test]
fn layer_and_service_contain_drops() {
    let crank = Crank::new();
    let layer = fragile_layer!(&crank);
    let service = layer.layer(Fragiles(Bomb("the service's drop")));
    does_not_panic(|| drop(layer.clone()));
    drop_while_unwinding(layer);
    does_not_panic(|| drop(service));

    let service = fragile_layer!(&crank).layer(Fragiles(Bomb("the service's drop")));
    drop_while_unwinding(service);
}

#[test]
fn replaced_closure_is_contained() {
    let crank = Crank::new();
    let layer = does_not_panic(|| {
        fragile_layer!(&crank)
            .only_if(|order: &Order| order.id > 0)
            .with_caller(insert)
            .on_orphan(|_: &Order| |_: Result<Result<u32, Infallible>, ShieldError>| ())
    });
    drop_while_unwinding(layer);
}

#[test]
fn response_future_contains_drops() {
    for polls in [0, 1] {
        // Not shielded, and shielded in both modes.
        for (id, on_drop) in [(0, false), (1, false), (1, true)] {
            let crank = Crank::new();
            let layer = fragile_layer!(&crank);
            let layer = if on_drop { layer.on_drop() } else { layer };
            let mut service = layer.layer(Fragiles(Bomb("the service's drop")));
            let mut make = || {
                let mut response = Box::pin(service.call(Order::new(id)));
                (0..polls).for_each(|_| assert!(poll(&mut response).is_pending()));
                response
            };
            let (first, second) = (make(), make());
            does_not_panic(|| drop(first));
            drop_while_unwinding(second);
            does_not_panic(|| crank.shut_down());
            does_not_panic(|| drop(service));
        }
    }
}

/// A clone panics partway: what has been cloned by then is dropped, and its drops panic as well.
#[test]
fn clone_panic_passes_through() {
    #[derive(Debug)]
    struct Unclonable(Bomb);

    impl Clone for Unclonable {
        fn clone(&self) -> Self {
            panic!("no clone of {:?}", self.0.0)
        }
    }

    let crank = Crank::new();
    let unclonable = Unclonable(Bomb("the last one's drop"));
    let layer = fragile_layer!(&crank).on_orphan(move |_: &Order| {
        let _kept = &unclonable;
        |_: Result<Result<u32, Infallible>, ShieldError>| ()
    });
    let text = panics_with(|| drop(layer.layer(Fragiles(Bomb("the service's drop")))));
    assert_eq!(text, "no clone of \"the last one's drop\"");
    does_not_panic(|| drop(layer));
}

#[test]
fn hook_panic_is_contained() {
    for run in Run::SHIELDED {
        let (crank, called) = (Crank::new(), Arc::new(Mutex::new(0)));
        let calls = Arc::clone(&called);
        let layer = run.layer(crank.spawner()).on_orphan(move |_: &Order| {
            let calls = Arc::clone(&calls);
            move |_outcome| {
                *locked(&calls) += 1;
                panic!("the hook");
            }
        });
        let mut service = layer.layer(service_fn(|order: Order| async move {
            yield_now().await;
            Ok::<_, Infallible>(order.id)
        }));
        let mut response = Box::pin(service.call(Order::new(1)));
        assert!(poll(&mut response).is_pending());
        does_not_panic(|| drop(response));
        does_not_panic(|| crank.run());
        assert_eq!((crank.len(), *locked(&called)), (0, 1), "{run:?}");
    }
}
