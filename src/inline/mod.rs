//! Work that runs inside its caller, and becomes a task only if its caller drops it before
//! completion.

mod attached;
mod cleanup;
mod on_drop;

use std::fmt;
use std::future::Future;
use std::mem::{self, ManuallyDrop};
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use self::attached::Attached;
pub use self::cleanup::{Cleanup, CleanupRun, cleanup};
pub use self::on_drop::ShieldOnDrop;
use crate::ledger::Lines;
use crate::relay::{EMITS, Hook, Orphaned, Work, drop_hook};
use crate::spawn::handover::inline_call;
use crate::util::call;
use crate::util::contain::{Contained, catch_visible, discard};
use crate::util::{CallLocation, overwrite, polled_after_completion};

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
    /// The same, with something attached: the first poll begins the entry of the trackers, if there
    /// is one. A state of its own, so that work without anything attached does not look: 1
    /// instruction.
    Tracked(Pin<Box<F>>),
    /// Not polled yet, but it has to run: dropping it spawns the future. Left by the first poll.
    Armed(Pin<Box<F>>),
    /// Polled, and pending: dropping it spawns the rest. Left by each poll.
    Suspended(Pin<Box<F>>),
    /// Completed or panicked. Also the state *during* a poll, so that a drop from inside the poll
    /// spawns nothing. A pending poll moves back to `Suspended`.
    Ended,
}

impl<F: ?Sized> Progress<F> {
    /// Returns the state of lazy work: `Tracked` if something is attached.
    #[inline]
    fn lazy<T>(future: Pin<Box<F>>, attached: &Attached<T>) -> Self {
        if attached.is_nothing() {
            Self::Lazy(future)
        } else {
            Self::Tracked(future)
        }
    }

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
///
/// `repr(C)`, so that it and its progress have one address: 3 instructions.
#[repr(C)]
pub(crate) struct Inline<F: Future + ?Sized, S> {
    progress: Progress<F>,
    /// `ManuallyDrop`: every path that ends or takes the future also takes these, so drop glue
    /// tests `progress` only. With drop glue of their own it takes 26 instructions more.
    attached: ManuallyDrop<Attached<F::Output>>,
    spawner: Contained<S>,
    rescue: Rescue<F, S>,
    location: CallLocation,
}

/// Guard for one poll. Unless the poll is pending, it drops what is attached, whether the poll
/// completed or panicked.
struct Polling<'a, F: Future + ?Sized, S>(&'a mut Inline<F, S>);

impl<F: Future + ?Sized, S> Polling<'_, F, S> {
    /// The poll is pending: stores the future again.
    #[inline]
    fn pause(self, future: Pin<Box<F>>) {
        overwrite(&mut self.0.progress, Progress::Suspended(future));
        mem::forget(self);
    }
}

impl<F: Future + ?Sized, S> Drop for Polling<'_, F, S> {
    #[inline]
    fn drop(&mut self) {
        self.0.attached.end();
        // Already `Ended` (see `take`). Storing it again lets the optimizer remove the check in
        // `Drop`: 1 instruction.
        overwrite(&mut self.0.progress, Progress::Ended);
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
        // Taken out, so that a future whose poll panics is dropped, and neither polled nor spawned
        // again.
        let future = match self.progress.take() {
            Progress::Lazy(future) | Progress::Suspended(future) => future,
            Progress::Tracked(future) | Progress::Armed(future) => {
                self.attached.begin();
                future
            }
            Progress::Ended => polled_after_completion(name, Some(self.location)),
        };
        // Asked only now: if it were the first thing, as in `Work::poll`, 8 instructions more.
        if call::is_visible() {
            let output = ready!(self.poll_hidden(future, name, cx));
            // Already `Ended` (see `Polling`), which the optimizer cannot see.
            overwrite(&mut self.progress, Progress::Ended);
            return Poll::Ready(output);
        }
        // Declared before the future: if its poll panics, what is attached is dropped after it.
        let polling = Polling(self);
        let mut future = Contained::new(future);
        match future.as_mut().poll(cx) {
            Poll::Pending => {
                polling.pause(future.into_inner());
                Poll::Pending
            }
            Poll::Ready(output) => {
                // If the drop of the future panics, that is the outcome, and unwinding drops the
                // output.
                let output = Contained::new(output);
                drop(future.into_inner());
                Poll::Ready(output.into_inner())
            }
        }
    }

    /// Polls the future inside a call to a spawner, which it must not see.
    #[cold]
    fn poll_hidden(&mut self, future: Pin<Box<F>>, name: &str, cx: &mut Context<'_>) -> Poll<F::Output> {
        overwrite(&mut self.progress, Progress::Suspended(future));
        let _hidden = call::hide();
        self.poll(name, cx)
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

    /// The caller is gone before the future has ended.
    fn abandon(&mut self) {
        let (future, started) = match self.progress.take() {
            Progress::Armed(future) => (future, false),
            Progress::Suspended(future) => (future, true),
            Progress::Lazy(future) | Progress::Tracked(future) => {
                drop(Contained::new(future));
                drop(self.attached.take());
                return;
            }
            Progress::Ended => return,
        };
        let (orphaned, lines) = if self.attached.is_nothing() && !EMITS {
            (Orphaned::unobserved(), Lines::none())
        } else {
            self.attached.take().orphaned(started, self.location)
        };
        let work = Work::orphaned(future, started, orphaned);
        let _call = inline_call(self.location, lines);
        // If the spawner panics, unwinding drops the work, and the hook is called with a
        // cancellation error.
        if let Err(payload) = catch_visible(|| (self.rescue)(&self.spawner, work)) {
            discard(payload);
        }
    }

    pub(crate) fn location(&self) -> CallLocation {
        self.location
    }

    /// Writes the `Debug` text of the future called `name`.
    pub(crate) fn fmt_as(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let work = match &self.progress {
            Progress::Lazy(_) | Progress::Tracked(_) | Progress::Armed(_) => "not started",
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
            self.abandon();
        }
    }
}
