//! `testing`: a future that is dropped at each of its suspensions, in both ways, on any runtime.

use std::any::Any;
use std::backtrace::Backtrace;
use std::cell::{Cell, RefCell};
use std::future::{Future, pending, poll_fn};
use std::panic::{AssertUnwindSafe, panic_any};
use std::pin::pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, Wake, Waker};
use std::thread;

use futures_executor::block_on;
use futures_shield::testing::{self, CancelAtEveryAwait, cancel_at_every_await};
use futures_util::FutureExt;
use futures_util::future::{join, ready};
use tokio::task::yield_now;

/// Runs a test that is to fail, and returns the message of its panic.
async fn failure(test: impl Future<Output = usize>) -> String {
    let payload = panic_of(test).await;
    *payload.downcast().expect("the panic of `testing` is text")
}

async fn panic_of(future: impl Future<Output = usize>) -> Box<dyn Any + Send> {
    match AssertUnwindSafe(future).catch_unwind().await {
        Err(payload) => payload,
        Ok(suspensions) => panic!("no failure in {suspensions} suspensions"),
    }
}

/// Returns the place that a message names: file, line and column, or without debug information, as
/// in CI, the function.
fn place(line: u32, column: u32, function: &str) -> String {
    if has_lines() {
        format!("{}:{line}:{column}", file!())
    } else {
        format!("in {}::{function}", module_path!())
    }
}

fn has_lines() -> bool {
    let trace = Backtrace::force_capture().to_string();
    trace.contains(&format!("{}:", file!()))
}

#[track_caller]
fn assert_starts(message: &str, start: &str) {
    assert!(message.starts_with(start), "{message}");
}

#[track_caller]
fn assert_contains(message: &str, part: &str) {
    assert!(message.contains(part), "{message}");
}

/// Suspends once. Its waker is called as soon as it is polled.
async fn turn() {
    yield_now().await;
}

/// Records what a check is called with.
#[derive(Default)]
struct Checked(RefCell<Vec<usize>>);

impl Checked {
    fn add(&self, n: usize) {
        self.0.borrow_mut().push(n);
    }

    fn take(&self) -> Vec<usize> {
        self.0.take()
    }
}

mod shape {
    use super::*;

    #[test]
    fn each_suspension_twice() {
        let (made, checked) = (Cell::new(0), Checked::default());
        let make = || {
            made.set(made.get() + 1);
            async {
                turn().await;
                turn().await;
            }
        };
        let suspensions = block_on(cancel_at_every_await(make, async |n| checked.add(n)));
        assert_eq!(suspensions, 2);
        assert_eq!(checked.take(), [1, 1, 2, 2, 3]);
        assert_eq!(made.get(), 5);
    }

    #[test]
    fn ready_future_is_checked_once() {
        let checked = Checked::default();
        let test = cancel_at_every_await(|| ready("output"), async |n| checked.add(n));
        assert_eq!(test.now_or_never(), Some(0));
        assert_eq!(checked.take(), [1]);
    }

    /// Dropped at once, a future has not been woken; dropped in the second way, it has.
    #[test]
    fn second_way_waits_for_the_wake() {
        let woken = Cell::new(false);
        let seen = RefCell::new(Vec::new());
        let wakes = RefCell::new(None::<Waker>);
        let make = || {
            woken.set(false);
            let mut polled = false;
            let wakes = &wakes;
            poll_fn(move |cx| {
                if std::mem::replace(&mut polled, true) {
                    return Poll::Ready(());
                }
                wakes.replace(Some(cx.waker().clone()));
                Poll::Pending
            })
        };
        let check = async |n| seen.borrow_mut().push((n, woken.get()));
        let mut test = pin!(cancel_at_every_await(make, check));
        let mut cx = Context::from_waker(Waker::noop());
        // At once; then it waits, however often it is polled.
        for _ in 0..5 {
            assert!(test.as_mut().poll(&mut cx).is_pending());
        }
        assert_eq!(*seen.borrow(), [(1, false)]);
        // Woken: dropped. The next run begins in the next turn, is woken, and completes.
        let wake = || {
            woken.set(true);
            wakes.borrow().as_ref().unwrap().wake_by_ref();
        };
        wake();
        assert!(test.as_mut().poll(&mut cx).is_pending());
        assert_eq!(*seen.borrow(), [(1, false), (1, true)]);
        assert!(test.as_mut().poll(&mut cx).is_pending());
        wake();
        assert_eq!(test.as_mut().poll(&mut cx), Poll::Ready(1));
        assert_eq!(*seen.borrow(), [(1, false), (1, true), (2, true)]);
    }

    /// Only the future's own wakes lead to polls of it.
    #[test]
    fn only_own_wakes_count() {
        let busy = async {
            for _ in 0..1_000 {
                turn().await;
            }
        };
        let make = || async {
            let (send, receive) = tokio::sync::oneshot::channel();
            thread::spawn(move || send.send(()).ok());
            receive.await.unwrap();
        };
        let (suspensions, ()) = block_on(join(cancel_at_every_await(make, async |_| {}), busy));
        assert!(suspensions <= 1, "{suspensions} suspensions of one await");
    }

    /// The natural spellings of the two closures.
    #[test]
    #[allow(clippy::redundant_closure, reason = "as users write it")]
    fn closures_of_each_kind() {
        let expect = |test| assert_eq!(block_on(test), 1);
        expect(cancel_at_every_await(turn, async |_| {}).boxed_local());
        expect(cancel_at_every_await(|| turn(), async |_| {}).boxed_local());
        expect(cancel_at_every_await(async || turn().await, async |_| {}).boxed_local());
        expect(cancel_at_every_await(|| Box::pin(turn()), |_| async {}).boxed_local());
        expect(cancel_at_every_await(turn, |_| turn()).boxed_local());
    }

    /// What a future holds is released before the check; so is its output.
    #[test]
    fn future_and_output_are_dropped_before_check() {
        let permits = Arc::new(());
        let make = || {
            let permit = Arc::clone(&permits);
            async move {
                turn().await;
                permit
            }
        };
        let check = async |_| assert_eq!(Arc::strong_count(&permits), 1);
        assert_eq!(block_on(cancel_at_every_await(make, check)), 1);
    }

    /// `check` may await, and prepares what the next `make` takes.
    #[test]
    fn check_prepares_the_next_run() {
        let seat = Mutex::new(Some("seat"));
        let make = || {
            let seat = seat.lock().unwrap().take().expect("prepared");
            async move {
                turn().await;
                seat
            }
        };
        let check = async |_| {
            turn().await;
            *seat.lock().unwrap() = Some("seat");
        };
        assert_eq!(block_on(cancel_at_every_await(make, check)), 1);
    }

    #[test]
    fn dropped_test_drops_the_future() {
        let held = Arc::new(());
        let make = || {
            let held = Arc::clone(&held);
            async move {
                pending::<()>().await;
                drop(held);
            }
        };
        // Stuck in the second way: nothing wakes the future.
        let mut test = Box::pin(cancel_at_every_await(make, async |_| {}));
        for _ in 0..3 {
            assert!(test.as_mut().now_or_never().is_none());
        }
        assert_eq!(Arc::strong_count(&held), 2);
        drop(test);
        assert_eq!(Arc::strong_count(&held), 1);
    }

    /// A waker that outlives its run neither keeps nor wakes the test's task.
    #[test]
    fn waker_of_an_old_run_is_inert() {
        struct Task(AtomicUsize);

        impl Wake for Task {
            fn wake(self: Arc<Self>) {
                self.0.fetch_add(1, Ordering::Relaxed);
            }
        }

        let kept = RefCell::new(Vec::new());
        let make = || {
            let mut polled = false;
            let kept = &kept;
            poll_fn(move |cx| {
                kept.borrow_mut().push(cx.waker().clone());
                if std::mem::replace(&mut polled, true) {
                    return Poll::Ready(());
                }
                cx.waker().wake_by_ref();
                Poll::Pending
            })
        };
        let task = Arc::new(Task(AtomicUsize::new(0)));
        let waker = Waker::from(Arc::clone(&task));
        let mut test = Box::pin(cancel_at_every_await(make, async |_| {}));
        while test.as_mut().poll(&mut Context::from_waker(&waker)).is_pending() {}
        drop((test, waker));

        assert_eq!(Arc::strong_count(&task), 1);
        let woken = task.0.load(Ordering::Relaxed);
        let kept = kept.take();
        assert_eq!(kept.len(), 4);
        kept.into_iter().for_each(Waker::wake);
        assert_eq!(task.0.load(Ordering::Relaxed), woken);
    }
}

mod message {
    use super::*;

    #[test]
    fn names_the_await_and_the_way() {
        async fn order() {
            turn().await;
            charge().await;
        }

        async fn charge() {
            yield_now().await;
        }
        let charge_line = line!() - 2;

        let make_line = line!() + 1;
        let test = cancel_at_every_await(order, async |n| assert!(n != 2, "lost order {n}"));
        let place = place(charge_line, 25, "message::names_the_await_and_the_way::charge");
        assert_eq!(
            block_on(failure(test)),
            format!(
                "cancelled at suspension 2 ({place}), at once, of the future made at {}:{make_line}: lost order 2",
                file!()
            )
        );
    }

    /// The sender puts a message into the receiver's slot and wakes it: dropped now, it takes the message
    /// along.
    #[test]
    fn names_the_second_way() {
        #[derive(Default)]
        struct Slot {
            message: Option<&'static str>,
            waiting: Option<Waker>,
        }

        async fn receive(slot: Arc<Mutex<Slot>>) -> &'static str {
            poll_fn(|cx| {
                let mut slot = slot.lock().unwrap();
                if let Some(message) = slot.message.take() {
                    return Poll::Ready(message);
                }
                slot.waiting = Some(cx.waker().clone());
                Poll::Pending
            })
            .await
        }

        let slot = RefCell::new(Arc::default());
        let (queue, received) = (RefCell::new(vec!["message"]), RefCell::new(Vec::new()));
        let make = || {
            let own = Arc::default();
            slot.replace(Arc::clone(&own));
            async {
                let message = receive(own).await;
                received.borrow_mut().push(message);
            }
        };
        let check = async |_| assert_eq!(queue.borrow().len() + received.borrow().len(), 1, "a message is lost");
        // The sender, in the same task. It keeps the message if nobody waits.
        let sender = async {
            loop {
                turn().await;
                let shared = Arc::clone(&slot.borrow());
                let waiting = shared.lock().unwrap().waiting.take();
                // Two are held here; a third is the receiver's.
                if let Some(waiting) = waiting.filter(|_| Arc::strong_count(&shared) == 3) {
                    shared.lock().unwrap().message = queue.borrow_mut().pop();
                    waiting.wake();
                }
            }
        };
        let test = async {
            tokio::select! {
                biased;
                suspensions = cancel_at_every_await(make, check) => suspensions,
                () = sender => unreachable!("it never ends"),
            }
        };
        let message = block_on(failure(test));
        assert_starts(&message, "cancelled at suspension 1 (");
        assert_contains(&message, "), after it was woken, of the future made at ");
        assert_contains(&message, "a message is lost");
    }

    #[test]
    fn names_the_completing_run() {
        let make = || async {
            turn().await;
            turn().await;
        };
        let line = line!() + 1;
        let test = cancel_at_every_await(make, async |n| assert!(n < 3, "not recorded"));
        assert_eq!(
            block_on(failure(test)),
            format!(
                "completed after 2 suspensions, of the future made at {}:{line}: not recorded",
                file!()
            )
        );
    }

    #[test]
    fn keeps_each_kind_of_text() {
        let of = |check: fn()| block_on(failure(cancel_at_every_await(|| ready(()), async |_| check())));
        assert!(of(|| panic!("a literal")).ends_with(": a literal"));
        assert!(of(|| panic!("formatted {}", 7)).ends_with(": formatted 7"));
        assert!(of(|| panic_any(7)).ends_with(": a panic whose payload is not text"));
    }

    /// A payload's own drop may panic, too.
    #[test]
    fn survives_a_payload_that_panics() {
        struct Bomb;

        impl Drop for Bomb {
            fn drop(&mut self) {
                panic!("bomb");
            }
        }

        let test = cancel_at_every_await(|| ready(()), async |_| panic_any(Bomb));
        assert!(block_on(failure(test)).ends_with(": a panic whose payload is not text"));
    }

    /// `check` may panic before it returns its future, and after it was suspended.
    #[test]
    fn catches_check_at_any_time() {
        let of = |test| block_on(failure(test));
        assert!(of(cancel_at_every_await(|| ready(()), async |_| panic!("first")).boxed_local()).ends_with(": first"));
        let later = async |_| {
            turn().await;
            panic!("later");
        };
        assert!(of(cancel_at_every_await(|| ready(()), later).boxed_local()).ends_with(": later"));
    }

    #[test]
    fn reports_the_drop_of_the_future() {
        struct Unfinished;

        impl Drop for Unfinished {
            fn drop(&mut self) {
                if !thread::panicking() {
                    panic!("left unfinished");
                }
            }
        }

        let make = || async {
            let guard = Unfinished;
            yield_now().await;
            std::mem::forget(guard);
        };
        let line = line!() - 3;
        let message = block_on(failure(cancel_at_every_await(make, async |_| {})));
        let place = place(line, 25, "message::reports_the_drop_of_the_future");
        assert_starts(&message, &format!("cancelled at suspension 1 ({place}), at once, "));
        assert!(message.ends_with(": left unfinished"), "{message}");
    }

    #[test]
    fn panic_of_the_future_passes_through() {
        let make = || async {
            turn().await;
            panic_any(7_u8);
        };
        let payload = block_on(panic_of(cancel_at_every_await(make, async |_| {})));
        assert_eq!(payload.downcast_ref(), Some(&7_u8));
    }

    /// The innermost frame of the user's code, through other crates' combinators.
    #[test]
    fn looks_through_combinators() {
        async fn bank() {
            yield_now().await;
        }
        let line = line!() - 2;

        let make = || async {
            let both = join(Box::pin(bank()).map(drop), ready(()));
            tokio::select! {
                _ = both => {}
                () = pending() => {}
            }
        };
        let test = cancel_at_every_await(make, async |_| panic!("here"));
        let place = place(line, 25, "message::looks_through_combinators::bank");
        let message = block_on(failure(test));
        assert_starts(&message, &format!("cancelled at suspension 1 ({place}), "));
    }

    /// The awaits before the suspension may clone the waker, too: the last one counts.
    #[test]
    fn names_the_last_await_of_the_poll() {
        async fn clones() {
            poll_fn(|cx| {
                drop(cx.waker().clone());
                Poll::Ready(())
            })
            .await;
        }

        async fn suspends() {
            yield_now().await;
        }
        let line = line!() - 2;

        let make = || async {
            clones().await;
            suspends().await;
        };
        let message = block_on(failure(cancel_at_every_await(make, async |_| panic!("here"))));
        let place = place(line, 25, "message::names_the_last_await_of_the_poll::suspends");
        assert_starts(&message, &format!("cancelled at suspension 1 ({place}), "));
    }

    /// The last clone is that of the timeout's own timer.
    #[cfg(feature = "tokio")]
    #[tokio::test(start_paused = true)]
    async fn looks_behind_the_last_clone() {
        use std::time::Duration;

        async fn bank() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
        let line = line!() - 2;

        let make = || tokio::time::timeout(Duration::from_secs(7), Box::pin(bank()));
        let message = failure(cancel_at_every_await(make, async |_| panic!("here"))).await;
        let place = place(line, 56, "message::looks_behind_the_last_clone::bank");
        assert_starts(&message, &format!("cancelled at suspension 1 ({place}), "));
    }

    #[test]
    fn future_outside_of_the_users_code() {
        let message = block_on(failure(cancel_at_every_await(yield_now, async |_| panic!("here"))));
        let place = if has_lines() {
            "outside of your code"
        } else {
            "at an unknown place"
        };
        assert_starts(&message, &format!("cancelled at suspension 1 ({place}), at once, "));
    }

    /// Clones that others make of a stored waker do not show where the future waits.
    #[test]
    fn later_clones_do_not_count() {
        async fn waits(stored: &Mutex<Option<Waker>>) {
            let mut polled = false;
            poll_fn(|cx| {
                stored.lock().unwrap().replace(cx.waker().clone());
                if std::mem::replace(&mut polled, true) {
                    return Poll::Ready(());
                }
                Poll::Pending
            })
            .await;
        }
        let line = line!() - 8;

        fn wake(stored: &Mutex<Option<Waker>>) {
            let clone = stored.lock().unwrap().clone();
            clone.unwrap().wake();
        }

        let stored = Mutex::new(None);
        let seen = Cell::new(0);
        let check = async |_| {
            seen.set(seen.get() + 1);
            assert!(seen.get() < 2, "here");
        };
        let make = || waits(&stored);
        let mut test = pin!(failure(cancel_at_every_await(make, check)));
        let mut cx = Context::from_waker(Waker::noop());
        // Dropped at once; then it waits in the second way.
        assert!(test.as_mut().poll(&mut cx).is_pending());
        assert!(test.as_mut().poll(&mut cx).is_pending());
        wake(&stored);
        let Poll::Ready(message) = test.as_mut().poll(&mut cx) else {
            panic!("the second way has not ended");
        };
        let place = place(line, 59, "message::later_clones_do_not_count::waits");
        assert_starts(
            &message,
            &format!("cancelled at suspension 1 ({place}), after it was woken, "),
        );
    }

    /// A future that is polled again without a new waker: it never clones the one of the poll.
    #[test]
    fn future_without_a_waker() {
        let make = || {
            let mut polled = false;
            poll_fn(move |_| {
                if std::mem::replace(&mut polled, true) {
                    return Poll::Ready(());
                }
                Poll::Pending
            })
        };
        let message = block_on(failure(cancel_at_every_await(make, async |_| panic!("here"))));
        assert_starts(&message, "cancelled at suspension 1 (at an unknown place), ");
    }
}

mod limit {
    use super::*;

    async fn turns(n: usize) {
        for _ in 0..n {
            turn().await;
        }
    }

    #[test]
    fn thousand_suspensions() {
        assert_eq!(block_on(cancel_at_every_await(|| turns(1_000), async |_| {})), 1_000);
        let checked = Cell::new(0);
        let message = block_on(failure(cancel_at_every_await(
            || turns(1_001),
            async |n| checked.set(n),
        )));
        assert_starts(&message, "not completed after 1000 suspensions, ");
        assert_eq!(checked.get(), 1_000);
    }

    #[test]
    fn set_by_the_builder() {
        let run = |max, n| {
            CancelAtEveryAwait::new()
                .max_suspensions(max)
                .run(move || turns(n), async |_| {})
        };
        assert_eq!(block_on(run(1_100, 1_050)), 1_050);
        assert_eq!(block_on(run(3, 3)), 3);
        let endless = CancelAtEveryAwait::default().max_suspensions(3);
        let line = line!() + 1;
        let test = endless.run(|| turns(usize::MAX), async |_| {});
        let message = block_on(failure(test));
        assert_starts(&message, "not completed after 3 suspensions, of the future made at ");
        assert_contains(&message, &format!("{}:{line}: cancelled at suspension 4 (", file!()));
        assert_eq!(block_on(run(0, 0)), 0);
        assert!(block_on(failure(run(0, 1))).starts_with("not completed after 0 suspensions, "));
    }
}

mod runtimes {
    use super::*;

    /// Charges, then records: cancelled in between, it loses an order.
    #[derive(Default)]
    struct Shop {
        charged: Mutex<u32>,
        recorded: Mutex<u32>,
    }

    impl Shop {
        fn charge(&self) {
            *self.charged.lock().unwrap() += 1;
        }

        fn record(&self) {
            *self.recorded.lock().unwrap() += 1;
        }

        fn check(&self) {
            assert_eq!(
                *self.charged.lock().unwrap(),
                *self.recorded.lock().unwrap(),
                "charged, but not recorded"
            );
        }
    }

    macro_rules! order {
        ($shop:expr, $wait:expr) => {{
            let shop = Arc::clone($shop);
            async move {
                $wait.await;
                shop.charge();
                $wait.await;
                shop.record();
            }
        }};
    }

    fn assert_hole(message: &str) {
        assert_starts(message, "cancelled at suspension 2 (");
        assert_contains(message, "), at once, of the future made at ");
        assert_contains(message, "charged, but not recorded");
    }

    /// With a real clock, a timer may end before it is first polled: then there is no suspension.
    #[cfg(any(feature = "tokio", feature = "smol"))]
    fn assert_hole_somewhere(message: &str) {
        assert_starts(message, "cancelled at suspension ");
        assert_contains(message, "charged, but not recorded");
    }

    #[cfg(feature = "tokio")]
    mod on_tokio {
        use std::time::Duration;

        use futures_shield::{ShieldExt, Tokio, Tracker};
        use tokio::task::LocalSet;
        use tokio::time::{Instant, sleep};

        use super::*;

        const HOUR: Duration = Duration::from_secs(3_600);

        #[tokio::test(start_paused = true)]
        async fn hole_and_repair_with_a_paused_clock() {
            let shop = Arc::new(Shop::default());
            let make = || order!(&shop, sleep(HOUR));
            assert_hole(&failure(cancel_at_every_await(make, async |_| shop.check())).await);

            let shop = Arc::new(Shop::default());
            let tracker = Tracker::new(Tokio::current());
            let check = async |_| {
                tracker.wait().await;
                shop.check();
            };
            let suspensions = cancel_at_every_await(|| order!(&shop, sleep(HOUR)).shield(&tracker), check).await;
            assert_eq!(suspensions, 1);
            assert_eq!(*shop.recorded.lock().unwrap(), 3);
        }

        /// The clock advances by what each run waits for: none at once, and an hour until it is
        /// woken.
        #[tokio::test(start_paused = true)]
        async fn wakes_are_those_of_the_clock() {
            let start = Instant::now();
            let elapsed = Checked::default();
            let make = || async {
                sleep(HOUR).await;
                sleep(HOUR).await;
            };
            let hours = async |_| elapsed.add((start.elapsed().as_secs_f64() / 3_600.0).round() as usize);
            assert_eq!(cancel_at_every_await(make, hours).await, 2);
            assert_eq!(elapsed.take(), [0, 1, 2, 4, 6]);
        }

        #[tokio::test]
        async fn real_clock() {
            let shop = Arc::new(Shop::default());
            let make = || order!(&shop, sleep(Duration::from_millis(10)));
            assert_hole_somewhere(&failure(cancel_at_every_await(make, async |_| shop.check())).await);
        }

        /// It is `Send` if the closures and the future are.
        #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
        async fn spawned_on_threads() {
            let test = tokio::spawn(async {
                let tracker = Tracker::new(Tokio::current());
                let shop = Arc::new(Shop::default());
                let (all, orders) = (tracker.clone(), Arc::clone(&shop));
                let make = move || order!(&orders, yield_now()).shield(&all);
                let check = async move |_| {
                    tracker.wait().await;
                    shop.check();
                };
                cancel_at_every_await(make, check).await
            });
            assert!(test.await.unwrap() <= 1);
        }

        /// A `LocalSet` polls its main future whenever one of its tasks is woken.
        #[tokio::test]
        async fn local_set_adds_no_suspensions() {
            let local = LocalSet::new();
            local.spawn_local(async {
                loop {
                    turn().await;
                }
            });
            let make = || async {
                let (send, receive) = tokio::sync::oneshot::channel();
                tokio::task::spawn_local(async move {
                    for _ in 0..20 {
                        turn().await;
                    }
                    send.send(()).ok();
                });
                receive.await.unwrap();
            };
            assert_eq!(local.run_until(cancel_at_every_await(make, async |_| {})).await, 1);
        }

        /// What `check` takes of Tokio's budget for one turn is no reason for the next run to suspend.
        #[tokio::test]
        async fn budget_is_fresh_for_each_run() {
            async fn read_100() {
                let (send, mut receive) = tokio::sync::mpsc::unbounded_channel();
                for n in 0..100 {
                    send.send(n).unwrap();
                    assert_eq!(receive.recv().await, Some(n));
                }
            }

            let make = || async {
                read_100().await;
                turn().await;
            };
            assert_eq!(cancel_at_every_await(make, async |_| read_100().await).await, 1);
        }

        /// A future that uses up the budget suspends, as it would in the program.
        #[tokio::test]
        async fn exhausted_budget_is_a_suspension() {
            let make = || async {
                let (send, mut receive) = tokio::sync::mpsc::unbounded_channel();
                for n in 0..200 {
                    send.send(n).unwrap();
                    assert_eq!(receive.recv().await, Some(n));
                }
            };
            assert_eq!(cancel_at_every_await(make, async |_| {}).await, 1);
        }
    }

    #[cfg(feature = "smol")]
    mod on_smol {
        use std::time::Duration;

        use futures_shield::{ShieldExt, Smol, Tracker};
        use smol::Timer;

        use super::*;

        #[test]
        fn hole_and_repair() {
            let wait = || Timer::after(Duration::from_millis(10));
            smol::block_on(async {
                let shop = Arc::new(Shop::default());
                let make = || order!(&shop, wait());
                assert_hole_somewhere(&failure(cancel_at_every_await(make, async |_| shop.check())).await);

                let shop = Arc::new(Shop::default());
                let tracker = Tracker::new(Smol);
                let check = async |_| {
                    tracker.wait().await;
                    shop.check();
                };
                let suspensions = cancel_at_every_await(|| order!(&shop, wait()).shield(&tracker), check).await;
                assert!(suspensions <= 1, "{suspensions} suspensions of one await");
            });
        }
    }

    #[test]
    fn hole_on_a_bare_block_on() {
        let shop = Arc::new(Shop::default());
        let make = || order!(&shop, turn());
        assert_hole(&block_on(failure(cancel_at_every_await(make, async |_| shop.check()))));
    }

    /// The wake comes from another thread, at any time.
    #[test]
    fn wakes_from_other_threads() {
        for _ in 0..100 {
            let make = || async {
                let (send, receive) = tokio::sync::oneshot::channel();
                thread::spawn(move || send.send(7));
                receive.await
            };
            assert!(block_on(cancel_at_every_await(make, async |_| {})) <= 1);
        }
    }
}

mod caller {
    use super::*;

    #[test]
    fn gone_with_its_guard() {
        let (caller, guard) = testing::caller();
        assert!(!caller.is_gone());
        assert_eq!(format!("{guard:?}"), "CallerGuard { .. }");
        let mut gone = pin!(caller.gone());
        assert!(gone.as_mut().now_or_never().is_none());
        drop(guard);
        assert!(caller.is_gone());
        assert!(gone.now_or_never().is_some());
    }

    #[test]
    fn wakes_who_waits() {
        let (caller, guard) = testing::caller();
        let waiting = thread::spawn(move || block_on(caller.run_until_gone(pending::<()>())));
        drop(guard);
        assert_eq!(waiting.join().unwrap(), None);
    }

    #[test]
    fn work_ends_before_its_caller() {
        let (caller, _guard) = testing::caller();
        assert_eq!(block_on(caller.run_until_gone(ready(7))), Some(7));
    }

    #[test]
    fn guard_is_send_and_sync() {
        fn check<T: Send + Sync + Unpin>(_: &T) {}
        let (_caller, guard) = testing::caller();
        check(&guard);
    }
}
