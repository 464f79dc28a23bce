//! What the tests share: deadlines, gates, wakers that tell, an executor cranked by hand, and the list of all spawners.
//!
//! Order is made by gates and by cranking, never by sleeping. Whatever waits, waits no longer than [`DEADLINE`], and does
//! not look again when it is over: a wake-up that was lost fails the test, and cannot be made good by a late poll.

#[macro_use]
mod executors;
mod observe;

use std::future::Future;
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

pub(crate) use self::executors::*;
pub(crate) use self::observe::*;

/// Far longer than anything here takes, on the slowest machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// `future`, or a panic once [`DEADLINE`] has passed.
pub(crate) async fn timely<F: Future>(future: F) -> F::Output {
    struct Alarm {
        rung: AtomicBool,
        waker: Mutex<Waker>,
    }

    let mut future = pin!(future);
    let alarm = Arc::new(Alarm {
        rung: AtomicBool::new(false),
        waker: Mutex::new(Waker::noop().clone()),
    });
    // Its drop, when the future has ended, ends the thread.
    let (_off, clock) = mpsc::channel::<()>();
    let ringer = Arc::clone(&alarm);
    thread::spawn(move || {
        if clock.recv_timeout(DEADLINE) == Err(mpsc::RecvTimeoutError::Timeout) {
            ringer.rung.store(true, Ordering::SeqCst);
            let waker = locked(&ringer.waker).clone();
            waker.wake();
        }
    });
    std::future::poll_fn(|cx| {
        locked(&alarm.waker).clone_from(cx.waker());
        assert!(
            !alarm.rung.load(Ordering::SeqCst),
            "the deadline passed: a wake-up was lost"
        );
        future.as_mut().poll(cx)
    })
    .await
}

/// Runs `future` on this thread, with a deadline.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    futures_executor::block_on(timely(future))
}

/// Waits for a thread, with a deadline, and resumes its panic here.
pub(crate) fn join<T>(thread: thread::JoinHandle<T>) -> T {
    let start = std::time::Instant::now();
    while !thread.is_finished() {
        assert!(start.elapsed() < DEADLINE, "the deadline passed: a thread hangs");
        thread::sleep(Duration::from_millis(1));
    }
    thread
        .join()
        .unwrap_or_else(|payload| std::panic::resume_unwind(payload))
}

/// Runs `body` on a thread of its own, with a deadline: for what would deadlock if it went wrong.
pub(crate) fn on_a_thread<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> T {
    join(thread::spawn(body))
}

/// Polls once with `waker`.
pub(crate) fn poll_with<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// Polls once with a waker that does nothing.
pub(crate) fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_with(future, Waker::noop())
}

/// Locks, also after a panic.
pub(crate) fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
