//! Work that runs inside its caller, and becomes a task only if its caller drops it before
//! completion.

mod attached;
mod cleanup;
mod on_drop;

use std::fmt;
use std::future::Future;
use std::mem::{self, ManuallyDrop};
use std::pin::Pin;
use std::task::{Context, Poll};

use self::attached::Attached;
pub use self::cleanup::{Cleanup, CleanupRun, cleanup};
pub use self::on_drop::ShieldOnDrop;
use crate::relay::{Hook, Orphan, Orphaned, Work, drop_hook};
use crate::spawn::handover::inline_call;
use crate::util::call;
use crate::util::contain::{Contained, contain};
use crate::util::{CallLocation, polled_after_completion};

/// Spawns an orphan. A function pointer, because `Drop` cannot have a bound that the struct does
/// not have: the spawner's trait and the future's `Send` are known only when the shield is made.
pub(crate) type Rescue<F, S> = fn(&S, OrphanedWork<F>);

/// The task that inline work becomes.
pub(crate) type OrphanedWork<F> = Work<Pin<Box<F>>, Orphaned<<F as Future>::Output>>;

/// How far the future has come, which decides what its drop does. It is boxed, so that the rest of
/// it can be moved to a task.
pub(crate) enum Progress<F: ?Sized> {
    /// Not polled yet, and lazy: dropping it drops the future. Left by the first poll.
    Lazy(Pin<Box<F>>),
    /// Not polled yet, but it has to run: dropping it spawns the future. Left by the first poll.
    Armed(Pin<Box<F>>),
    /// Polled, and pending: dropping it spawns the rest. Left by each poll.
    Suspended(Pin<Box<F>>),
    /// Completed or panicked. Also the state *during* a poll, so that a drop from inside the poll
    /// spawns nothing. A pending poll moves back to `Suspended`.
    Ended,
}

impl<F: ?Sized> Progress<F> {
    #[inline]
    fn take(&mut self) -> Self {
        mem::replace(self, Self::Ended)
    }

    #[inline]
    fn is_ended(&self) -> bool {
        matches!(self, Self::Ended)
    }
}

/// The engine of [`ShieldOnDrop`] and [`CleanupRun`].
pub(crate) struct Inline<F: Future + ?Sized, S> {
    progress: Progress<F>,
    /// `ManuallyDrop`: every path that ends or takes the future also takes these, so drop glue
    /// tests `progress` only. With drop glue of their own it takes 27 instructions more.
    attached: ManuallyDrop<Attached<F::Output>>,
    spawner: Contained<S>,
    rescue: Rescue<F, S>,
    location: CallLocation,
}

/// Guard for one poll. Unless the poll is pending, it drops what is attached, whether the poll
/// completed or panicked.
struct Polling<'a, T>(&'a mut Attached<T>);

impl<T> Polling<'_, T> {
    /// The poll is pending.
    #[inline]
    fn pause(self) {
        self.0.pause();
        mem::forget(self);
    }
}

impl<T> Drop for Polling<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.0.end();
    }
}

impl<F: Future + ?Sized, S> Inline<F, S> {
    #[inline]
    fn new(
        progress: Progress<F>,
        attached: Attached<F::Output>,
        spawner: Contained<S>,
        rescue: Rescue<F, S>,
        location: CallLocation,
    ) -> Self {
        Self {
            progress,
            attached: ManuallyDrop::new(attached),
            spawner,
            rescue,
            location,
        }
    }

    #[inline]
    pub(crate) fn poll(&mut self, name: &str, cx: &mut Context<'_>) -> Poll<F::Output> {
        // Read before the rest, so that the optimizer sees both at once: 3 instructions.
        let is_bare = self.attached.is_nothing();
        // Taken out, so that a future whose poll panics is dropped, and neither polled nor spawned
        // again.
        let future = match self.progress.take() {
            Progress::Lazy(future) | Progress::Armed(future) => {
                if !is_bare {
                    self.attached.begin();
                }
                future
            }
            Progress::Suspended(future) => future,
            Progress::Ended => polled_after_completion(name, Some(self.location)),
        };
        if !call::is_outside() {
            self.attached.hide_call();
        }
        // Declared before the future: if its poll panics, what is attached is dropped after it.
        let polling = Polling(&mut self.attached);
        let mut future = Contained::new(future);
        match future.as_mut().poll(cx) {
            Poll::Pending => {
                polling.pause();
                self.progress = Progress::Suspended(future.into_inner());
                Poll::Pending
            }
            Poll::Ready(output) => {
                // If the drop of the future panics, that is the outcome, and unwinding drops the
                // output.
                let output = Contained::new(output);
                drop(future.into_inner());
                drop(polling);
                // Already `Ended` (see `take`). Storing it again lets the optimizer remove the
                // check in `Drop`: 3 instructions.
                mem::forget(mem::replace(&mut self.progress, Progress::Ended));
                Poll::Ready(output.into_inner())
            }
        }
    }

    /// Stores the hook, or drops it after completion: then it can never run.
    pub(crate) fn set_hook(&mut self, hook: Hook<F::Output>) {
        if self.progress.is_ended() {
            drop_hook(hook);
        } else {
            self.attached.set_hook(hook);
        }
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.progress.is_ended()
    }

    pub(crate) fn location(&self) -> CallLocation {
        self.location
    }

    /// Writes the `Debug` text of the future called `name`.
    pub(crate) fn fmt_as(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let work = match &self.progress {
            Progress::Lazy(_) | Progress::Armed(_) => "not started",
            Progress::Suspended(_) => "suspended",
            Progress::Ended => "ended",
        };
        f.debug_struct(name)
            .field("location", &format_args!("{}", self.location))
            .field("work", &format_args!("{work}"))
            .finish()
    }
}

impl<F: Future + ?Sized, S> Drop for Inline<F, S> {
    #[inline]
    fn drop(&mut self) {
        // Checked first to keep the common path (already ended) inline.
        if !self.progress.is_ended() {
            let (progress, attached) = (self.progress.take(), self.attached.take());
            abandon(progress, attached, &self.spawner, self.rescue, self.location);
        }
    }
}

/// The caller is gone before the future has ended.
fn abandon<F: Future + ?Sized, S>(
    progress: Progress<F>,
    attached: Attached<F::Output>,
    spawner: &Contained<S>,
    rescue: Rescue<F, S>,
    location: CallLocation,
) {
    let (mut hook, mut entry, span) = attached.into_parts();
    let (future, started, count) = match progress {
        // It has to run, so it counts from here.
        Progress::Armed(future) => (future, false, entry.begin_and_take()),
        Progress::Suspended(future) => (future, true, entry.take_begun()),
        lazy @ (Progress::Lazy(_) | Progress::Ended) => {
            contain(move || drop(lazy));
            return;
        }
    };
    let lines = count.lines().clone();
    lines.orphaned();
    let orphan = Orphan::new(hook.take(), span);
    orphan.announcement().emit(location);
    let work = Work::orphaned(future, started, location, orphan, count);
    // If the spawner panics, unwinding drops the work, and the hook is called with a cancellation
    // error.
    contain(|| {
        let _call = inline_call(location, lines);
        rescue(spawner, work);
    });
}
