//! The end of a program: everything is let go, half of it awaited, and nothing may be left.

use std::future::Future;
use std::mem;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::{Duration, Instant};

use super::DEADLINE;
use super::foreign::calmly;
use super::record::locked;

use super::run::*;

impl Crowd {
    /// Ends the program, and waits until everything is over.
    pub fn finish(self: &Arc<Self>) -> Result<(), String> {
        self.calm.store(true, Ordering::SeqCst);
        let start = Instant::now();
        loop {
            let gates: Vec<_> = locked(&self.gates).values().cloned().collect();
            gates.iter().for_each(|gate| gate.open());
            let handles = mem::take(&mut *locked(&self.handles));
            for (index, (id, mut handle)) in handles.into_iter().enumerate() {
                // Every second one is awaited: it must be woken.
                if index % 2 == 0 {
                    let poll = std::future::poll_fn(|cx| self.poll(id, &mut handle, cx));
                    let Some(result) = within(DEADLINE, poll) else {
                        return Err(format!("{id} was never woken"));
                    };
                    if let Err(thrown) = result {
                        calmly(|| drop(thrown));
                    }
                }
                self.let_go(id, || drop(handle));
            }
            let waiting = mem::take(&mut *locked(&self.waiting));
            let leaked = mem::take(&mut *locked(&self.leaked));
            calmly(|| drop(waiting));
            calmly(|| drop(leaked));
            if self.record.wait(Duration::from_millis(1)) {
                break;
            }
            if start.elapsed() > DEADLINE {
                return self.record.judge().map(drop).and(Err("it does not end".to_owned()));
            }
        }
        locked(&self.callers).clear();
        for (index, tracker) in self.trackers.iter().enumerate() {
            if within(DEADLINE, tracker.wait()).is_none() {
                return Err(format!("tracker {index} waits for {}", tracker.unfinished()));
            }
            let metrics = tracker.metrics();
            let ended = metrics.finished_total() + metrics.panicked_total() + metrics.cancelled_total();
            let left = (
                tracker.len(),
                tracker.orphans(),
                tracker.unfinished().len(),
                metrics.running(),
            );
            if left != (0, 0, 0, 0) || metrics.orphaned_total() != ended {
                return Err(format!("tracker {index}: {left:?}, {metrics:?}"));
            }
        }
        for (waker, signal) in self.signals.iter().enumerate() {
            // Whoever has woken one drops it a moment later.
            while Arc::strong_count(signal) > 1 {
                if start.elapsed() > DEADLINE {
                    return Err(format!("waker {waker} is still kept"));
                }
                thread::yield_now();
            }
        }
        Ok(())
    }
}

/// Waits for a future on this thread, for so long at most.
fn within<F: Future>(patience: Duration, future: F) -> Option<F::Output> {
    struct Unpark(thread::Thread);

    impl std::task::Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }

    let start = Instant::now();
    let waker = Waker::from(Arc::new(Unpark(thread::current())));
    let mut future = pin!(future);
    loop {
        if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(&waker)) {
            return Some(output);
        }
        let left = patience.checked_sub(start.elapsed())?;
        thread::park_timeout(left);
        if start.elapsed() >= patience {
            // No look at the end: a wake-up that was lost is not made good by it.
            return None;
        }
    }
}
