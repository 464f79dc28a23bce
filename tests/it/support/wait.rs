//! Waiting with a deadline: a test that would hang fails instead.

use std::future::Future;
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::{LazyLock, Mutex, MutexGuard, PoisonError, mpsc};
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use tokio::runtime::{Builder, Runtime};

/// Far longer than anything here takes, on the slowest machine.
pub(crate) const DEADLINE: Duration = Duration::from_secs(60);

/// Awaits `future`, and panics once [`DEADLINE`] has passed. The future is not polled again then: a
/// late poll would hide a wake-up that was lost.
pub(crate) async fn timely<F: Future>(future: F) -> F::Output {
    // One clock for all executors, with one thread.
    static CLOCK: LazyLock<Runtime> = LazyLock::new(|| {
        Builder::new_multi_thread()
            .worker_threads(1)
            .enable_time()
            .build()
            .unwrap()
    });

    let deadline = {
        let _context = CLOCK.enter();
        tokio::time::sleep(DEADLINE)
    };
    tokio::select! {
        biased;
        () = deadline => panic!("the deadline passed: a wake-up was lost"),
        output = future => output,
    }
}

/// Runs `future` on this thread, with a deadline.
pub(crate) fn block_on<F: Future>(future: F) -> F::Output {
    futures_executor::block_on(timely(future))
}

/// A thread that is joined with a deadline.
pub(crate) struct Thread<T> {
    handle: thread::JoinHandle<T>,
    ended: mpsc::Receiver<()>,
}

impl<T: Send + 'static> Thread<T> {
    pub(crate) fn start(body: impl FnOnce() -> T + Send + 'static) -> Self {
        Self::with_stack(2 << 20, body)
    }

    pub(crate) fn with_stack(bytes: usize, body: impl FnOnce() -> T + Send + 'static) -> Self {
        let (ends, ended) = mpsc::channel();
        let body = move || {
            let _ends = ends;
            body()
        };
        let handle = thread::Builder::new().stack_size(bytes).spawn(body).unwrap();
        Self { handle, ended }
    }

    /// Waits for the thread, and resumes its panic here.
    pub(crate) fn join(self) -> T {
        let ended = self.ended.recv_timeout(DEADLINE);
        assert_ne!(
            ended,
            Err(mpsc::RecvTimeoutError::Timeout),
            "the deadline passed: a thread hangs"
        );
        self.handle.join().unwrap_or_else(|payload| resume_unwind(payload))
    }
}

/// Runs `body` on a thread of its own, with a deadline: for what would deadlock if it failed.
pub(crate) fn on_a_thread<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> T {
    Thread::start(body).join()
}

/// Polls once with `waker`.
pub(crate) fn poll_with<F: Future + Unpin>(future: &mut F, waker: &Waker) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(waker))
}

/// Polls once with a waker that does nothing.
pub(crate) fn poll<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    poll_with(future, Waker::noop())
}

/// Locks, even after a panic.
pub(crate) fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
