//! Shielding without a task for as long as nobody cancels.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::FusedFuture;

use super::{Attached, Inline, Progress};
use crate::error::ShieldError;
use crate::spawn::{Spawn, SpawnLocal};
use crate::util::CallLocation;
use crate::util::contain::Contained;

/// Future for the [`ShieldExt::shield_on_drop`](crate::ShieldExt::shield_on_drop) and
/// [`ShieldExt::shield_on_drop_local`](crate::ShieldExt::shield_on_drop_local) methods.
#[must_use = "a future that is never polled never runs, and this one is shielded only from its first poll: `.await` it"]
pub struct ShieldOnDrop<F: Future, S> {
    inline: Inline<F, S>,
}

impl<F: Future, S> ShieldOnDrop<F, S> {
    #[inline]
    pub(crate) fn new(location: CallLocation, future: Pin<Box<F>>, spawner: Contained<S>) -> Self
    where
        F: Send + 'static,
        F::Output: Send + 'static,
        S: Spawn,
    {
        // If the spawner panics here, unwinding drops the future, which may panic, too.
        let future = Contained::new(future);
        let attached = Attached::new(spawner.track_inline(location));
        let progress = Progress::lazy(future.into_inner(), &attached);
        Self {
            inline: Inline::new(progress, attached, spawner, S::spawn_work, location),
        }
    }

    #[inline]
    pub(crate) fn new_local(location: CallLocation, future: Pin<Box<F>>, spawner: Contained<S>) -> Self
    where
        F: 'static,
        F::Output: 'static,
        S: SpawnLocal,
    {
        let future = Contained::new(future);
        let attached = Attached::new(spawner.track_inline_local(location));
        let progress = Progress::lazy(future.into_inner(), &attached);
        Self {
            inline: Inline::new(progress, attached, spawner, S::spawn_local_work, location),
        }
    }

    /// Calls `hook` with the outcome if this is dropped after its first poll and before completion.
    ///
    /// The hook is called at most once, when the rest of the work has ended, on the thread that
    /// ends it. [`Shield::on_orphan`](crate::Shield::on_orphan) describes what it is called with. A
    /// second hook replaces the first. Without a hook the outcome is dropped.
    ///
    /// # Panics
    ///
    /// A panic of the hook, or of its drop, is caught: an assertion in a hook fails no test.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use futures_shield::{ShieldExt, Tokio};
    /// use futures_util::FutureExt;
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let (lost, found) = tokio::sync::oneshot::channel();
    /// let mut shield = async {
    ///     tokio::task::yield_now().await;
    ///     "receipt"
    /// }
    /// .shield_on_drop(Tokio::current())
    /// .on_orphan(|outcome| drop(lost.send(outcome.unwrap())));
    ///
    /// assert!((&mut shield).now_or_never().is_none());
    /// drop(shield);
    /// assert_eq!(found.await, Ok("receipt"));
    /// # });
    /// # }
    /// ```
    pub fn on_orphan<H>(mut self, hook: H) -> Self
    where
        H: FnOnce(Result<F::Output, ShieldError>) + Send + 'static,
    {
        self.inline.set_hook(Box::new(hook));
        self
    }

    /// Returns the location of the `.shield_on_drop()` call.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.inline.location()
    }
}

// The future is pinned in its box, and the spawner is never pinned.
impl<F: Future, S> Unpin for ShieldOnDrop<F, S> {}

impl<F: Future, S> Future for ShieldOnDrop<F, S> {
    type Output = F::Output;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.inline.poll("ShieldOnDrop", cx)
    }
}

impl<F: Future, S> FusedFuture for ShieldOnDrop<F, S> {
    fn is_terminated(&self) -> bool {
        self.inline.is_ended()
    }
}

impl<F: Future, S> fmt::Debug for ShieldOnDrop<F, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.inline.fmt_as("ShieldOnDrop", f)
    }
}
