//! The future that the checks spawn, and what it has seen.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::thread::{self, ThreadId};

use tokio::sync::watch;

/// A future that records what an executor does with it.
///
/// It is public, and `Send`, so that a spawner that breaks a rule on purpose can recognize it and
/// send it to another thread.
#[derive(Debug)]
pub struct Probe {
    seen: watch::Sender<Seen>,
    /// It completes once it was opened so often.
    gates: usize,
    /// It wakes itself in each poll, and opens itself.
    yields: bool,
}

/// What a probe has seen.
#[derive(Debug, Default)]
pub(crate) struct Seen {
    pub(crate) polls: usize,
    pub(crate) opened: usize,
    pub(crate) ended: bool,
    pub(crate) polled_after_the_end: bool,
    pub(crate) dropped: bool,
    /// The call to the spawner has returned or panicked.
    pub(crate) called: bool,
    /// What that call panicked with.
    pub(crate) panic: Option<String>,
    /// The threads that it was polled and dropped on.
    pub(crate) threads: Vec<ThreadId>,
    waker: Option<Waker>,
}

/// Observes a probe, and opens it.
#[derive(Clone, Debug)]
pub(crate) struct Watch {
    seen: watch::Sender<Seen>,
}

impl Probe {
    /// Creates a probe that completes in the poll after it was opened `gates` times.
    pub(crate) fn gated(gates: usize) -> (Self, Watch) {
        Self::new(gates, false)
    }

    /// Creates a probe that wakes itself in each of its first `polls` polls, and completes in the
    /// next one.
    pub(crate) fn yielding(polls: usize) -> (Self, Watch) {
        Self::new(polls, true)
    }

    fn new(gates: usize, yields: bool) -> (Self, Watch) {
        let (seen, _) = watch::channel(Seen::default());
        let watch = Watch { seen: seen.clone() };
        (Self { seen, gates, yields }, watch)
    }

    /// Returns another observer of this probe.
    pub(crate) fn watch(&self) -> Watch {
        Watch {
            seen: self.seen.clone(),
        }
    }
}

impl Future for Probe {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let waker = cx.waker().clone();
        let (mut ended, mut old) = (false, None);
        self.seen.send_modify(|seen| {
            seen.polls += 1;
            seen.threads.push(thread::current().id());
            seen.polled_after_the_end |= seen.ended;
            seen.ended |= seen.opened >= self.gates;
            seen.opened += usize::from(self.yields);
            old = seen.waker.replace(waker);
            ended = seen.ended;
        });
        // A waker may drop a task, so it is dropped with nothing locked.
        drop(old);
        if ended {
            return Poll::Ready(());
        }
        if self.yields {
            cx.waker().wake_by_ref();
        }
        Poll::Pending
    }
}

impl Drop for Probe {
    fn drop(&mut self) {
        self.seen.send_modify(|seen| {
            seen.dropped = true;
            seen.threads.push(thread::current().id());
        });
    }
}

impl Watch {
    /// Records that the call to the spawner has returned or panicked.
    pub(crate) fn called(&self, panic: Option<String>) {
        self.seen.send_modify(|seen| {
            seen.called = true;
            seen.panic = panic;
        });
    }

    /// Waits for `condition`. Panics if the call to the spawner did.
    pub(crate) async fn until(&self, condition: impl Fn(&Seen) -> bool) {
        let mut seen = self.seen.subscribe();
        let panic = seen
            .wait_for(|seen| seen.panic.is_some() || condition(seen))
            .await
            .expect("this holds a sender")
            .panic
            .clone();
        if let Some(panic) = panic {
            panic!("the call to the spawner panicked: {panic}");
        }
    }

    /// Waits for the probe to complete. Panics if it was dropped before.
    pub(crate) async fn until_ended(&self) {
        self.until(|seen| seen.ended || seen.dropped).await;
        assert!(self.now(|seen| seen.ended), "it was dropped before its end");
    }

    /// Waits for the probe to be dropped, and panics if it had completed.
    pub(crate) async fn until_dropped_unfinished(&self) {
        self.until(|seen| seen.dropped).await;
        assert!(!self.now(|seen| seen.ended), "it was run to its end");
    }

    pub(crate) fn now<T>(&self, query: impl FnOnce(&Seen) -> T) -> T {
        query(&self.seen.borrow())
    }

    /// Opens the probe once and wakes it.
    pub(crate) fn open(&self) {
        self.seen.send_modify(|seen| seen.opened += 1);
        self.wake();
    }

    /// Wakes the probe, if it has been polled.
    pub(crate) fn wake(&self) {
        let waker = self.now(|seen| seen.waker.clone());
        if let Some(waker) = waker {
            waker.wake();
        }
    }
}
