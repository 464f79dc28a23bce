//! Runs a future again and again, and drops it one suspension later each time.

use std::future::{Future, poll_fn};
use std::mem;
use std::panic::Location;
use std::pin::pin;
use std::task::Poll;

use super::failure::{Moment, Test};
use super::place::Crates;
use super::run::{End, Run, Way};
use crate::util::contain::{Payload, catch};

/// Drops the futures that `make` returns at each of their suspensions, and awaits `check` after
/// each. Returns the number of suspensions.
///
/// For n = 1, 2, .. it calls `make` for a fresh future, polls that future as part of the current
/// task until its nth suspension (a poll that returned `Pending`), drops it and awaits `check(n)`,
/// which may also prepare the next run. Each n is run twice: the future is dropped at once, and it
/// is dropped after its waker was called and before it is polled again.
///
/// The first run that completes is the last one. After that run, too, once the future and its
/// output have been dropped, `check` is awaited: with the number of suspensions + 1.
///
/// It needs no runtime of its own: call it in any test, on any runtime, even with a paused clock.
/// The [module's documentation](crate::testing) has an introduction. The returned future is `Send`
/// if `make`, `check` and their futures are; rustc can prove that only if the closures own what
/// they use (`move ||`, `async move |_|`).
///
/// # Cancel safety
///
/// Dropping the returned future drops the future under test.
///
/// # Panics
///
/// If `check` panics, this panics with
///
/// - `cancelled at suspension {n} ({place}), {at once | after it was woken}, of the future made at
///   {file:line}: {message}`, or
/// - `completed after {n} suspensions, of the future made at {file:line}: {message}`.
///
/// The place is the file, line and column of the innermost frame of your code, i.e. outside of the
/// standard library, of Tokio, of this crate and of all crates from a registry. It is taken from a
/// backtrace and so needs debug information. Without it, for example with
/// `CARGO_PROFILE_TEST_DEBUG=0`, the place is `in {function}`. If the future suspends in none of
/// your functions, as `sleep(..)` itself does, the place is `outside of your code`. If the
/// backtrace shows neither, the place is `at an unknown place`.
///
/// A panic of the future's own drop is reported like one of `check`. A panic of the future while it
/// is polled, and of `make`, passes through unchanged.
///
/// Panics if the future has not completed after 1,000 suspensions; [`CancelAtEveryAwait`] changes
/// this limit. A future that is never woken waits forever, as it would in the program: use the
/// timeout of the test runner.
///
/// # Examples
///
/// No message is lost, because there is no `.await` between taking it from the queue and storing
/// it:
///
/// ```
/// use std::cell::RefCell;
/// use futures_shield::testing::cancel_at_every_await;
/// use tokio::task::yield_now;
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let queue = RefCell::new(vec!["tea"; 10]);
/// let stored = RefCell::new(vec![]);
///
/// let store_next = || async {
///     yield_now().await; // the connection to the store
///     let message = queue.borrow_mut().pop();
///     stored.borrow_mut().extend(message);
/// };
/// let check = async |_| assert_eq!(queue.borrow().len() + stored.borrow().len(), 10);
/// assert_eq!(cancel_at_every_await(store_next, check).await, 1);
/// # }
/// ```
#[track_caller]
pub fn cancel_at_every_await<M, F, C>(make: M, check: C) -> impl Future<Output = usize>
where
    M: FnMut() -> F,
    F: Future,
    C: AsyncFnMut(usize),
{
    CancelAtEveryAwait::new().run(make, check)
}

/// Settings for [`cancel_at_every_await`].
///
/// # Examples
///
/// ```
/// use futures_shield::testing::CancelAtEveryAwait;
///
/// # futures_executor::block_on(async {
/// let suspensions = CancelAtEveryAwait::new()
///     .max_suspensions(5_000)
///     .run(|| async {}, async |_| {})
///     .await;
/// assert_eq!(suspensions, 0);
/// # });
/// ```
#[derive(Clone, Debug)]
#[must_use = "call `run`"]
pub struct CancelAtEveryAwait {
    max_suspensions: usize,
}

impl Default for CancelAtEveryAwait {
    fn default() -> Self {
        Self { max_suspensions: 1_000 }
    }
}

impl CancelAtEveryAwait {
    /// Creates the settings of [`cancel_at_every_await`].
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets the number of suspensions after which the future must complete, 1,000 by default.
    ///
    /// A future with n suspensions is polled about n² times.
    pub fn max_suspensions(mut self, max_suspensions: usize) -> Self {
        self.max_suspensions = max_suspensions;
        self
    }

    /// Does what [`cancel_at_every_await`] does, with these settings.
    ///
    /// # Cancel safety
    ///
    /// As [`cancel_at_every_await`].
    ///
    /// # Panics
    ///
    /// As [`cancel_at_every_await`].
    #[track_caller]
    pub fn run<M, F, C>(self, make: M, check: C) -> impl Future<Output = usize>
    where
        M: FnMut() -> F,
        F: Future,
        C: AsyncFnMut(usize),
    {
        // Not an `async fn`, which cannot be `#[track_caller]`.
        run(self, make, check, Location::caller())
    }
}

async fn run<M, F, C>(
    settings: CancelAtEveryAwait,
    mut make: M,
    mut check: C,
    made_at: &'static Location<'static>,
) -> usize
where
    M: FnMut() -> F,
    F: Future,
    C: AsyncFnMut(usize),
{
    let test = Test {
        made_at,
        crates: Crates::of::<(M, F, C)>(),
    };
    let mut n = 1;
    loop {
        for way in [Way::AtOnce, Way::Woken] {
            if (n, way) != (1, Way::AtOnce) {
                // Each run begins in a turn of its own. Otherwise it would depend on the earlier
                // runs when the task's budget (Tokio's `coop`) is used up and makes this one
                // suspend.
                yield_now().await;
            }
            match Run::new(make(), n, way).await {
                End::Completed { suspensions } => {
                    let checked = checked(&mut check, suspensions + 1).await;
                    test.expect(checked, &Moment::Completed { suspensions });
                    return suspensions;
                }
                End::Cancelled { traces, dropped } => {
                    let moment = Moment::Cancelled { n, way, traces };
                    test.expect(dropped, &moment);
                    if n > settings.max_suspensions {
                        test.limit(settings.max_suspensions, &moment);
                    }
                    let checked = checked(&mut check, n).await;
                    test.expect(checked, &moment);
                }
            }
        }
        n += 1;
    }
}

/// Awaits `check(n)`, and catches its panic.
async fn checked<C: AsyncFnMut(usize)>(check: &mut C, n: usize) -> Result<(), Payload> {
    let mut check = pin!(async move { check(n).await });
    poll_fn(|cx| match catch(|| check.as_mut().poll(cx)) {
        Ok(polled) => polled.map(Ok),
        Err(panic) => Poll::Ready(Err(panic)),
    })
    .await
}

async fn yield_now() {
    let mut yielded = false;
    poll_fn(|cx| {
        if mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}
