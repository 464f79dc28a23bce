//! The task's side of a shield: the unit future that is given to a spawner.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use pin_project_lite::pin_project;

use super::Relay;
use super::hook::Hook;
use crate::error::ShieldError;
use crate::spawn::location::CallLocation;
use crate::util::contain::{catch, contain};
use crate::util::sync::Arc;

pin_project! {
    /// Runs a future to its end, whichever that is, and settles its outcome. It never panics.
    pub(crate) struct Work<F: Future> {
        // Dropped before its outcome is settled, in every ending: `None` from then on.
        #[pin]
        future: Option<F>,
        started: bool,
        relay: Arc<Relay<F::Output>>,
    }

    impl<F: Future> PinnedDrop for Work<F> {
        #[inline]
        fn drop(this: Pin<&mut Self>) {
            if this.future.is_some() {
                this.cancel();
            }
        }
    }
}

impl<F: Future> Work<F> {
    /// Work that has not been polled, and whose caller waits at `relay`.
    #[inline]
    pub(crate) fn new(future: F, relay: Arc<Relay<F::Output>>) -> Self {
        Self {
            future: Some(future),
            started: false,
            relay,
        }
    }

    /// Work whose caller has gone before it became a task.
    pub(crate) fn orphaned(future: F, started: bool, location: CallLocation, hook: Option<Hook<F::Output>>) -> Self {
        Self {
            future: Some(future),
            started,
            relay: Arc::new(Relay::orphaned(location, hook)),
        }
    }

    /// The executor drops the work. A panic of the future's own drop is not taken for a panic of the work: it has been
    /// cut off all the same.
    #[cold]
    fn cancel(self: Pin<&mut Self>) {
        let mut this = self.project();
        contain(|| this.future.set(None));
        let cancelled = ShieldError::cancelled(this.relay.location(), *this.started);
        this.relay.settle(Err(cancelled));
    }
}

impl<F: Future> Future for Work<F> {
    type Output = ();

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Some(future) = this.future.as_mut().as_pin_mut() else {
            return Poll::Ready(());
        };
        *this.started = true;

        let ended = match catch(|| future.poll(cx)) {
            Ok(Poll::Pending) => return Poll::Pending,
            Ok(Poll::Ready(output)) => match catch(|| this.future.set(None)) {
                Ok(()) => Ok(output),
                Err(payload) => {
                    contain(move || drop(output));
                    Err(payload)
                }
            },
            Err(payload) => {
                contain(|| this.future.set(None));
                Err(payload)
            }
        };
        let location = this.relay.location();
        this.relay
            .settle(ended.map_err(|payload| ShieldError::panicked(location, payload)));
        Poll::Ready(())
    }
}
