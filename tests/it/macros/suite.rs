//! The suite of the attribute, included once for each runtime: `current()` is its spawner, `run` its
//! `block_on`.

use std::fmt::{Debug, Display};
use std::future::{Future, ready};
use std::panic::AssertUnwindSafe;
use std::pin::{Pin, pin};
use std::sync::{Arc, Mutex};

use futures_shield::{Spawn, shield};
use futures_util::FutureExt;
use tokio::sync::oneshot;
use tokio::task::yield_now;

use super::{Spawner, current, run, task};
use crate::macros::renamed;
use crate::support::{Log, OnDrop, poll};

trait AtDrop {
    /// Returns a value whose drop is an event. It is not `Debug`, like many arguments of async fns.
    fn at_drop(&self, event: &'static str) -> OnDrop;
}

impl AtDrop for Log {
    fn at_drop(&self, event: &'static str) -> OnDrop {
        let log = self.clone();
        OnDrop::new(move || log.push(event))
    }
}

/// Spawns on the runtime, and records that it did.
#[derive(Clone, Debug)]
struct Recorder {
    spawner: Spawner,
    log: Log,
}

impl Recorder {
    fn new(log: &Log) -> Self {
        Self {
            spawner: current(),
            log: log.clone(),
        }
    }
}

impl Spawn for Recorder {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        self.log.push("spawned");
        self.spawner.spawn_detached(future);
    }
}

mod running {
    use super::*;

    #[shield(current())]
    async fn gated(started: oneshot::Sender<()>, go: oneshot::Receiver<()>, done: oneshot::Sender<u32>) {
        started.send(()).unwrap();
        go.await.unwrap();
        done.send(7).unwrap();
    }

    #[test]
    fn dropped_partway_continues() {
        run(async {
            let (started, has_started) = oneshot::channel();
            let (go, gate) = oneshot::channel();
            let (done, outcome) = oneshot::channel();

            let call = gated(started, gate, done);
            tokio::select! {
                biased;
                () = call => unreachable!("the gate is shut"),
                _ = has_started => {}
            }
            go.send(()).unwrap();
            assert_eq!(outcome.await, Ok(7));
        });
    }

    /// The rows "caller holds it but stops polling" and "cost if nobody cancels" of the semantics
    /// table.
    #[test]
    fn unpolled_call_continues_as_one_task() {
        run(async {
            #[shield(recorder)]
            async fn recorded(recorder: Recorder, go: oneshot::Receiver<()>, done: oneshot::Sender<()>) {
                go.await.unwrap();
                recorder.log.push("done");
                done.send(()).unwrap();
            }

            let log = Log::default();
            let (go, gate) = oneshot::channel();
            let (done, outcome) = oneshot::channel();
            let mut call = Box::pin(recorded(Recorder::new(&log), gate, done));
            assert!(poll(&mut call).is_pending());
            go.send(()).unwrap();
            outcome.await.unwrap();
            call.await;
            assert_eq!(log.take(), ["spawned", "done"]);
        });
    }

    #[test]
    fn never_polled_never_runs() {
        run(async {
            let (started, has_started) = oneshot::channel();
            let (_go, gate) = oneshot::channel();
            let (done, _outcome) = oneshot::channel();

            drop(gated(started, gate, done));
            assert!(has_started.await.is_err(), "the argument was dropped with the call");
        });
    }

    #[test]
    fn body_is_own_task() {
        run(async {
            #[shield]
            async fn id() -> task::Id {
                task::id()
            }

            assert_ne!(id().await, task::id());
        });
    }

    #[test]
    fn panic_keeps_its_payload() {
        run(async {
            #[derive(Debug, PartialEq)]
            struct Payload(u8);

            #[shield]
            async fn panics() {
                std::panic::panic_any(Payload(3));
            }

            let unwound = AssertUnwindSafe(panics()).catch_unwind().await.unwrap_err();
            assert_eq!(unwound.downcast_ref(), Some(&Payload(3)));
        });
    }

    #[test]
    fn location_is_the_attribute() {
        run(async {
            let tracker = futures_shield::Tracker::new(current());

            #[shield(tracker)]
            async fn tracked(tracker: futures_shield::Tracker<Spawner>, gate: oneshot::Receiver<()>) {
                drop(tracker);
                gate.await.ok();
            }
            let line = line!() - 5;

            #[shield(&tracker, crate = renamed::deeply)]
            async fn renamed(tracker: futures_shield::Tracker<Spawner>, gate: oneshot::Receiver<()>) {
                drop(tracker);
                gate.await.ok();
            }
            let renamed_line = line!() - 5;

            let (_go, gate) = oneshot::channel();
            assert!(poll(&mut pin!(tracked(tracker.clone(), gate))).is_pending());
            let (_go, gate) = oneshot::channel();
            assert!(poll(&mut pin!(renamed(tracker.clone(), gate))).is_pending());

            let unfinished = tracker.drain(ready(())).await.unwrap_err();
            let mut locations: Vec<_> = unfinished
                .locations()
                .iter()
                .map(|at| (at.location().file(), at.location().line()))
                .collect();
            locations.sort_unstable();
            assert_eq!(locations, [(file!(), line), (file!(), renamed_line)]);
        });
    }

    #[test]
    fn on_drop_runs_inside_caller() {
        run(async {
            #[shield(recorder, on_drop)]
            async fn inline(recorder: Recorder, gate: oneshot::Receiver<()>, done: oneshot::Sender<()>) {
                recorder.log.push("running");
                gate.await.ok();
                done.send(()).unwrap();
            }

            let log = Log::default();
            let (go, gate) = oneshot::channel();
            let (done, outcome) = oneshot::channel();
            let mut call = Box::pin(inline(Recorder::new(&log), gate, done));
            assert!(poll(&mut call).is_pending());
            assert_eq!(log.take(), ["running"]);
            drop(call);
            assert_eq!(log.take(), ["spawned"]);
            go.send(()).unwrap();
            outcome.await.unwrap();
        });
    }

    #[test]
    fn on_drop_selects_current_runtime() {
        run(async {
            #[shield(on_drop)]
            async fn inline() -> u8 {
                5
            }

            assert_eq!(inline().await, 5);
        });
    }
}

mod spawners {
    use super::*;

    /// Neither `Clone` nor `Copy`.
    struct Unit;

    impl Spawn for Unit {
        fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
            current().spawn_detached(future);
        }
    }

    struct State {
        recorder: Recorder,
        rows: Vec<Recorder>,
    }

    impl State {
        fn new(log: &Log) -> Self {
            Self {
                recorder: Recorder::new(log),
                rows: vec![Recorder::new(log)],
            }
        }

        fn recorder(&self) -> &Recorder {
            &self.recorder
        }

        #[shield(self.recorder)]
        async fn field(self) -> usize {
            self.rows.len()
        }

        #[shield(&self.recorder)]
        async fn reference(self: Arc<Self>) -> usize {
            self.rows.len()
        }

        #[shield(self.recorder())]
        async fn getter(self: Box<Self>) -> usize {
            self.rows.len()
        }

        #[shield(self.rows[0])]
        async fn index(self) -> usize {
            self.rows.len()
        }
    }

    #[shield(recorder)]
    async fn argument(recorder: Recorder) -> usize {
        drop(recorder);
        1
    }

    #[shield(&state.recorder)]
    async fn of_argument(state: State) -> usize {
        state.rows.len()
    }

    #[shield(state.lock().unwrap().recorder)]
    async fn behind_a_guard(state: Arc<Mutex<State>>) -> usize {
        state.lock().unwrap().rows.len()
    }

    #[shield(*recorder)]
    async fn behind_a_pointer(recorder: Arc<Recorder>) -> usize {
        drop(recorder);
        1
    }

    #[shield(recorder)]
    async fn shared(recorder: Arc<Recorder>) -> usize {
        drop(recorder);
        1
    }

    #[shield(&recorder)]
    async fn half_a_struct(State { recorder, .. }: State) -> usize {
        drop(recorder);
        1
    }

    #[shield(recorder.clone())]
    #[allow(clippy::needless_borrowed_reference)]
    async fn half_a_tuple((recorder, _, &n): (Recorder, OnDrop, &'static usize)) -> usize {
        drop(recorder);
        n
    }

    #[shield(Clone::clone(&recorder))]
    async fn inside_a_call((recorder, one, _): (Recorder, usize, u8)) -> usize {
        drop(recorder);
        one
    }

    // To the attribute, the expression is in a group without delimiters.
    macro_rules! spawned_on {
        ($name:ident, $spawner:expr, $argument:ident) => {
            #[shield($spawner)]
            async fn $name($argument: Recorder) -> usize {
                drop($argument);
                1
            }
        };
    }
    spawned_on!(of_a_macro, recorder, recorder);

    #[shield(spawner)]
    async fn generic<S: Spawn + Clone + Send + Sync + 'static>(spawner: S) -> usize {
        drop(spawner);
        1
    }

    #[test]
    fn named_spawner_is_cloned() {
        run(async {
            let log = Log::default();
            let state = || State::new(&log);
            let recorder = || Recorder::new(&log);
            let ran = [
                state().field().await,
                Arc::new(state()).reference().await,
                Box::new(state()).getter().await,
                state().index().await,
                argument(recorder()).await,
                of_argument(state()).await,
                behind_a_guard(Arc::new(Mutex::new(state()))).await,
                behind_a_pointer(Arc::new(recorder())).await,
                shared(Arc::new(recorder())).await,
                half_a_struct(state()).await,
                half_a_tuple((recorder(), Log::default().at_drop(""), &1)).await,
                inside_a_call((recorder(), 1, 2)).await,
                of_a_macro(recorder()).await,
                generic(recorder()).await,
            ];
            assert_eq!(ran, [1; 14]);
            assert_eq!(log.take(), ["spawned"; 14]);
        });
    }

    #[test]
    fn made_spawner_is_taken() {
        run(async {
            static SHARED: Unit = Unit;

            #[shield(Unit)]
            async fn unit_struct() -> u8 {
                1
            }

            #[shield(SHARED)]
            async fn a_static() -> u8 {
                1
            }

            #[shield(Box::new(Unit))]
            async fn not_clone() -> u8 {
                1
            }

            #[shield(Box::new(Unit), on_drop)]
            async fn not_clone_on_drop() -> u8 {
                1
            }

            #[shield(futures_shield::spawn_fn(move |task| log.push({ current().spawn_detached(task); "spawned" })))]
            async fn closure(log: &'static Log) -> u8 {
                log.push("running");
                1
            }

            let log = Box::leak(Box::default());
            assert_eq!(
                unit_struct().await + a_static().await + not_clone().await + not_clone_on_drop().await,
                4
            );
            assert_eq!(closure(log).await, 1);
        });
    }

    #[test]
    fn named_arguments_in_any_order() {
        run(async {
            #[shield(current(), crate = renamed::deeply, on_drop,)]
            async fn one() -> u8 {
                1
            }

            #[shield(on_drop, crate = renamed::deeply)]
            async fn two() -> u8 {
                1
            }

            #[shield(crate = renamed::deeply)]
            async fn three() -> u8 {
                1
            }

            #[shield((on_drop))]
            async fn a_spawner_of_that_name(on_drop: Recorder) -> u8 {
                drop(on_drop);
                1
            }

            #[shield()]
            async fn nothing() -> u8 {
                1
            }

            let log = Log::default();
            assert_eq!(one().await + two().await + three().await + nothing().await, 4);
            assert_eq!(a_spawner_of_that_name(Recorder::new(&log)).await, 1);
            assert_eq!(log.take(), ["spawned"]);
        });
    }
}

mod accepted {
    use super::*;

    struct Point {
        x: i32,
        y: i32,
    }

    pub(crate) struct Pair(i32, #[allow(dead_code)] i32);

    #[shield]
    async fn generics<T, U, const N: usize>(items: [T; N], other: U) -> Vec<String>
    where
        T: Display + Send + Sync + 'static,
        U: Debug + Send + Sync + 'static,
    {
        let mut out: Vec<_> = items.iter().map(ToString::to_string).collect();
        out.push(format!("{other:?}"));
        out
    }

    /// rustc called an argument unused that only the attribute mentions.
    #[shield(spawner)]
    async fn on_an_argument<S: Spawn + Clone + Send + Sync + 'static>(spawner: S, x: u32) -> u32 {
        x
    }

    #[test]
    fn an_argument_is_the_spawner() {
        run(async {
            assert_eq!(on_an_argument(current(), 7).await, 7);
        });
    }

    #[shield]
    async fn impl_trait(name: impl Into<String> + Send + 'static) -> String {
        name.into()
    }

    #[shield]
    #[allow(clippy::too_many_arguments, clippy::toplevel_ref_arg)]
    async fn patterns(
        (a, mut b): (i32, i32),
        Point { x, y: renamed }: Point,
        Point { y, .. }: Point,
        Pair(c, _): Pair,
        [d, e]: [i32; 2],
        &f: &'static i32,
        mut sum: i32,
        whole @ Pair(..): Pair,
        ref text: String,
        _: String,
    ) -> i32 {
        assert!(text.is_empty());
        b += 1;
        sum += a + b + x + renamed + y + c + d + e + f + whole.0;
        sum
    }

    #[shield]
    async fn question_mark_and_return(text: String) -> Result<i32, Box<dyn std::error::Error + Send + Sync>> {
        if text.is_empty() {
            return Err("empty".into());
        }
        let number: i32 = text.parse()?;
        Ok(number)
    }

    #[shield]
    async fn returns_impl_trait(n: u32) -> impl Iterator<Item = u32> + Send {
        if n == 0 {
            return 0..1;
        }
        0..n
    }

    #[shield]
    async fn returns_impl_trait_within(text: String) -> Result<impl Display + Send, std::num::ParseIntError> {
        Ok(text.parse::<i32>()? + 1)
    }

    #[shield]
    async fn returns_a_boxed_closure() -> Box<dyn Fn(&str) -> usize + Send> {
        Box::new(str::len)
    }

    #[shield]
    async fn diverges() -> ! {
        if true {
            std::panic::panic_any("diverged");
        }
        loop {
            yield_now().await;
        }
    }

    #[shield]
    async fn infallible() -> std::convert::Infallible {
        panic!("diverged")
    }

    #[shield]
    async fn unit() {}

    #[shield]
    async fn early_unit(stop: bool) {
        if stop {
            return;
        }
        unreachable!()
    }

    #[shield]
    async fn static_borrows(
        a: &'static str,
        b: Option<&'static [u8]>,
        c: std::borrow::Cow<'static, str>,
    ) -> &'static str {
        assert!(b.is_none());
        drop(c);
        a
    }

    #[shield]
    async fn named_static<'a: 'static, 'b>(a: &'a str, b: &'b str) -> &'a str
    where
        'b: 'static,
    {
        if a.is_empty() { b } else { a }
    }

    #[shield]
    async fn callbacks(
        f: fn(&str) -> &str,
        g: impl Fn(&str) -> usize + Send + Sync + 'static,
        h: Box<dyn for<'a> Fn(&'a str) -> &'a str + Send + Sync>,
        i: for<'a> fn(&'a str) -> &'a str,
    ) -> usize {
        g(i(h(f("four"))))
    }

    /// Documented.
    #[shield]
    #[must_use]
    #[doc(hidden)]
    pub(crate) async fn attributes(
        #[cfg(not(any()))] kept: i32,
        #[cfg(any())] gone: Missing,
        #[allow(unused_variables)] unused: i32,
        #[expect(unused_variables)] expected: i32,
        #[expect(unused_mut)] mut not_mut: i32,
        #[cfg(any())] Missing { gone_too, .. }: Missing,
        #[cfg(not(any()))] Pair(first, _): Pair,
        _ignored: i32,
    ) -> i32 {
        #![allow(clippy::let_and_return)]
        let out = kept + not_mut + first;
        out
    }

    #[shield]
    #[expect(unused_variables)]
    async fn unused_is_still_reported(unused: i32) {}

    #[shield]
    #[expect(unused_variables, unused_mut)]
    async fn unused_parts_are_still_reported((mut a, b): (i32, i32)) -> i32 {
        a
    }

    #[test]
    fn free_fns() {
        run(async {
            assert_eq!(generics([1, 2], "x").await, ["1", "2", "\"x\""]);
            assert_eq!(impl_trait("name").await, "name");
            let point = || Point { x: 1, y: 2 };
            let pair = || Pair(1, 2);
            assert_eq!(
                patterns(
                    (1, 2),
                    point(),
                    point(),
                    pair(),
                    [1, 2],
                    &1,
                    10,
                    pair(),
                    String::new(),
                    String::new()
                )
                .await,
                25
            );
            assert_eq!(question_mark_and_return("5".into()).await.unwrap(), 5);
            assert!(
                question_mark_and_return("five".into())
                    .await
                    .unwrap_err()
                    .is::<std::num::ParseIntError>()
            );
            assert_eq!(
                question_mark_and_return(String::new()).await.unwrap_err().to_string(),
                "empty"
            );
            assert_eq!(returns_impl_trait(3).await.count(), 3);
            assert_eq!(returns_impl_trait_within("3".into()).await.unwrap().to_string(), "4");
            assert_eq!(returns_a_boxed_closure().await("abc"), 3);
            unit().await;
            early_unit(true).await;
            assert_eq!(static_borrows("a", None, "c".into()).await, "a");
            assert_eq!(named_static("a", "b").await, "a");
            assert_eq!(callbacks(|s| s, str::len, Box::new(|s| s), |s| s).await, 4);
            assert_eq!(attributes(1, 2, 3, 4, Pair(5, 6), 7).await, 10);
            unused_is_still_reported(1).await;
            assert_eq!(unused_parts_are_still_reported((1, 2)).await, 1);
        });
    }

    #[test]
    fn fns_that_do_not_return() {
        run(async {
            let unwound = AssertUnwindSafe(async { diverges().await })
                .catch_unwind()
                .await
                .unwrap_err();
            assert_eq!(unwound.downcast_ref(), Some(&"diverged"));
            assert!(AssertUnwindSafe(infallible()).catch_unwind().await.is_err());
        });
    }

    struct Service<T> {
        recorder: Recorder,
        value: T,
    }

    trait Serve {
        async fn serve(self: Arc<Self>, n: i32) -> i32;
        async fn consume(self, n: i32) -> i32;

        #[shield]
        async fn provided(self) -> Option<Self>
        where
            Self: Sized + Send + 'static,
        {
            Some(self)
        }
    }

    impl<T: Clone + Into<i32> + Send + Sync + 'static> Service<T> {
        #[shield]
        async fn by_value(self) -> T {
            self.value
        }

        #[shield(self.recorder)]
        async fn mutated(mut self, value: T) -> Self {
            self.value = value;
            self
        }

        #[shield(self.recorder)]
        async fn shared(self: Arc<Self>) -> T {
            self.value.clone()
        }

        #[shield]
        pub(super) async fn associated(of: Self) -> T {
            of.value
        }

        #[shield]
        async fn pinned(self: Pin<Box<Self>>) -> i32 {
            self.value.clone().into()
        }
    }

    impl<T: Clone + Into<i32> + Send + Sync + 'static> Serve for Service<T> {
        #[shield(self.recorder)]
        async fn serve(self: Arc<Self>, n: i32) -> i32 {
            self.value.clone().into() + n
        }

        #[shield]
        async fn consume(mut self, _: i32) -> i32 {
            let value = self.value.clone();
            self.value = value;
            self.value.into()
        }
    }

    impl Service<i32> {
        #[shield]
        async fn borrowed_as_static(&'static self) -> i32 {
            self.value
        }
    }

    #[test]
    fn methods() {
        run(async {
            let log = Log::default();
            let service = || Service {
                recorder: Recorder::new(&log),
                value: 3,
            };
            assert_eq!(service().by_value().await, 3);
            assert_eq!(service().mutated(4).await.value, 4);
            assert_eq!(Arc::new(service()).shared().await, 3);
            assert_eq!(Service::associated(service()).await, 3);
            assert_eq!(Box::pin(service()).pinned().await, 3);
            assert_eq!(Arc::new(service()).serve(1).await, 4);
            assert_eq!(service().consume(1).await, 3);
            assert_eq!(service().provided().await.unwrap().value, 3);
            assert_eq!(Box::leak(Box::new(service())).borrowed_as_static().await, 3);
            assert_eq!(log.take().len(), 3);
        });
    }

    macro_rules! from_a_macro {
        ($name:ident, $spawner:expr, $arg:pat => $ty:ty, $out:expr) => {
            #[shield($spawner)]
            async fn $name($arg: $ty) -> i32 {
                $out
            }
        };
    }

    from_a_macro!(made, current(), (a, _) => (i32, i32), a);

    #[test]
    fn made_by_macro_rules() {
        run(async {
            assert_eq!(made((1, 2)).await, 1);
        });
    }

    #[test]
    fn future_is_send_if_body_is() {
        run(async {
            fn send<T: Send + 'static>(value: T) -> T {
                value
            }

            send(unit()).await;
            send(patterns_of_send((String::new(), 2))).await;
            send(futures_of_send(String::new())).await;
        });
    }

    #[shield]
    async fn patterns_of_send((a, _): (String, i32)) {
        drop(a);
    }

    // The guard that the spawner expression creates is dropped before the call suspends.
    #[shield(*Mutex::new(current()).lock().unwrap())]
    async fn futures_of_send(n: String) {
        drop(n);
    }
}

mod dropping {
    use super::*;

    struct Parts {
        left: OnDrop,
        right: OnDrop,
        #[allow(dead_code)]
        rest: OnDrop,
    }

    fn parts(log: &Log) -> Parts {
        Parts {
            left: log.at_drop("left"),
            right: log.at_drop("right"),
            rest: log.at_drop("rest"),
        }
    }

    #[allow(unused_variables)]
    impl Parts {
        async fn plain(
            self,
            log: Log,
            a: OnDrop,
            _: OnDrop,
            (b, _): (OnDrop, OnDrop),
            (c, d): (OnDrop, OnDrop),
            Self { left, .. }: Self,
        ) {
            let _body = log.at_drop("body");
            drop(b);
        }

        #[shield]
        async fn shielded(
            self,
            log: Log,
            a: OnDrop,
            _: OnDrop,
            (b, _): (OnDrop, OnDrop),
            (c, d): (OnDrop, OnDrop),
            Self { left, .. }: Self,
        ) {
            let _body = log.at_drop("body");
            drop(b);
        }

        async fn plain_using(self, log: Log) {
            let _body = log.at_drop("body");
            drop(self.right);
        }

        #[shield]
        async fn shielded_using(self, log: Log) {
            let _body = log.at_drop("body");
            drop(self.right);
        }

        #[shield]
        async fn ignored(
            self,
            _: OnDrop,
            (_, _): (OnDrop, OnDrop),
            Self {
                left: _left,
                right: _right,
                rest: _rest,
            }: Self,
            gate: oneshot::Receiver<()>,
            done: oneshot::Sender<OnDrop>,
            last: OnDrop,
        ) {
            gate.await.ok();
            done.send(last).ok();
        }
    }

    macro_rules! call {
        ($name:ident, $log:expr) => {{
            let log: &Log = $log;
            let pair = |one, two| (log.at_drop(one), log.at_drop(two));
            parts(&Log::default()).$name(
                log.clone(),
                log.at_drop("a"),
                log.at_drop("_"),
                pair("b", "b._"),
                pair("c", "d"),
                parts(log),
            )
        }};
    }

    #[test]
    fn arguments_drop_in_plain_order() {
        run(async {
            let log = Log::default();
            call!(plain, &log).await;
            let expected = log.take();
            assert_eq!(
                expected,
                ["b", "body", "left", "right", "rest", "d", "c", "b._", "_", "a"]
            );
            call!(shielded, &log).await;
            assert_eq!(log.take(), expected);

            parts(&log).plain_using(log.clone()).await;
            let expected = log.take();
            parts(&log).shielded_using(log.clone()).await;
            assert_eq!(log.take(), expected);
        });
    }

    #[test]
    fn unused_arguments_live_as_long_as_body() {
        run(async {
            let log = Log::default();
            let (go, gate) = oneshot::channel();
            let (done, outcome) = oneshot::channel();
            let call = parts(&log).ignored(
                log.at_drop("one"),
                (log.at_drop("two"), log.at_drop("three")),
                parts(&log),
                gate,
                done,
                log.at_drop("last"),
            );
            let mut call = Box::pin(call);
            assert!(poll(&mut call).is_pending());
            drop(call);
            assert_eq!(log.take(), [""; 0]);
            go.send(()).unwrap();
            let last = outcome.await.unwrap();
            let mut dropped = log.take();
            while dropped.len() < 9 {
                yield_now().await;
                dropped.extend(log.take());
            }
            drop(last);
            dropped.extend(log.take());
            assert_eq!(
                dropped,
                [
                    "rest", "right", "left", "two", "three", "one", "left", "right", "rest", "last"
                ]
            );
        });
    }
}

mod stacking {
    use super::*;

    #[tracing::instrument]
    #[shield]
    async fn instrumented_outside(n: i32, _: OnDrop) -> i32 {
        n
    }

    #[shield]
    #[tracing::instrument(skip(skipped), fields(first = %a))]
    async fn instrumented_inside(
        n: i32,
        (a, b): (i32, i32),
        mut skipped: Vec<i32>,
        _: OnDrop,
        (c, _): (OnDrop, i32),
    ) -> i32 {
        drop(c);
        skipped.push(a);
        n + skipped[0] + b
    }

    struct Point {
        x: i32,
    }

    /// What a pattern binds keeps its name in the signature, if nothing else is in the pattern.
    #[shield]
    #[tracing::instrument(skip_all, fields(sum = a + b + c + x))]
    #[allow(unused_parens)]
    async fn instrumented_by_name((a): i32, &b: &'static i32, [c]: [i32; 1], Point { x }: Point) -> i32 {
        a + b + c + x
    }

    #[shield]
    #[tracing::instrument(ret, err)]
    async fn fails(n: i32) -> Result<i32, std::num::ParseIntError> {
        let n: i32 = n.to_string().parse()?;
        "none".parse::<i32>().map(|m| n + m)
    }

    struct Service;

    impl Service {
        #[tracing::instrument(skip(self))]
        #[shield]
        async fn outside(self: Arc<Self>) -> i32 {
            1
        }

        #[shield]
        #[tracing::instrument(skip_all)]
        async fn inside(self: Arc<Self>, #[allow(unused_variables)] more: OnDrop) -> i32 {
            1
        }
    }

    #[test]
    fn instrument_on_either_side() {
        run(async {
            let log = Log::default();
            assert_eq!(instrumented_outside(1, log.at_drop("")).await, 1);
            assert_eq!(
                instrumented_inside(1, (2, 3), vec![], log.at_drop(""), (log.at_drop(""), 1)).await,
                6
            );
            assert_eq!(instrumented_by_name(1, &2, [3], Point { x: 4 }).await, 10);
            assert!(fails(1).await.is_err());
            assert_eq!(
                Arc::new(Service).outside().await + Arc::new(Service).inside(log.at_drop("")).await,
                2
            );
        });
    }
}

#[test]
fn unwind_safety_is_not_required() {
    // The attribute requires `Send + 'static` only.
    #[shield]
    async fn f(x: AssertUnwindSafe<std::cell::Cell<i32>>) -> i32 {
        x.get()
    }
    drop(f(AssertUnwindSafe(std::cell::Cell::new(1))));
}
