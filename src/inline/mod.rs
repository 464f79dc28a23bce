//! Work that runs inside its caller, and becomes a task only when its caller leaves it half-way.

mod cleanup;
mod on_drop;

use std::fmt;
use std::future::Future;
use std::mem::{self, ManuallyDrop};
use std::pin::Pin;
use std::task::{Context, Poll};

pub use self::cleanup::{Cleanup, CleanupRun, cleanup};
pub use self::on_drop::ShieldOnDrop;
use crate::relay::{Hook, HookSlot, Work, drop_hook};
use crate::spawn::location::{self, CallLocation};
use crate::util::contain::{Contained, contain};
use crate::util::polled::polled_after_completion;

/// Spawns an orphan. A function pointer, because `Drop` may ask for no bound that the struct does not carry: the
/// spawner's trait and the future's `Send` are settled where the shield is made.
pub(crate) type Rescue<F, S> = fn(&S, Work<Pin<Box<F>>>);

/// How far the future has come, and so what dropping it means. It is boxed, so that what is left of it can be moved to
/// a task.
pub(crate) enum Progress<F: ?Sized> {
    /// Not polled yet, and lazy: dropping it drops the future. Left by the first poll.
    Lazy(Pin<Box<F>>),
    /// Not polled yet, but it has to run: dropping it spawns the future. Left by the first poll.
    Armed(Pin<Box<F>>),
    /// Polled, and pending: dropping it spawns the rest. Left by each poll.
    Suspended(Pin<Box<F>>),
    /// Ended, by its output or a panic; or being polled, which is the same for whoever drops it then. Left by a poll
    /// that gives the future back.
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

/// The engine of [`ShieldOnDrop`](crate::ShieldOnDrop) and [`CleanupRun`](crate::CleanupRun).
pub(crate) struct Inline<F: Future + ?Sized, S> {
    progress: Progress<F>,
    // Not dropped with the rest: what ends the future or takes it takes this too. So there is one question when this is
    // dropped, whether all has ended, as it mostly has. A hook that drops itself was measured: it doubles what a shield
    // costs over its box.
    hook: ManuallyDrop<HookSlot<F::Output>>,
    spawner: Contained<S>,
    rescue: Rescue<F, S>,
    location: CallLocation,
}

/// A poll that is under way. Unless it is forgotten, there will be nothing to spawn, and the hook goes with it: at the
/// end, and also where that end is a panic.
struct Polling<'a, T>(&'a mut HookSlot<T>);

impl<T> Drop for Polling<'_, T> {
    #[inline]
    fn drop(&mut self) {
        self.0.dismiss();
    }
}

impl<F: Future + ?Sized, S> Inline<F, S> {
    #[inline]
    pub(crate) fn new(progress: Progress<F>, spawner: S, rescue: Rescue<F, S>, location: CallLocation) -> Self {
        Self {
            progress,
            hook: ManuallyDrop::new(HookSlot::empty()),
            spawner: Contained::new(spawner),
            rescue,
            location,
        }
    }

    #[inline]
    pub(crate) fn poll(&mut self, name: &str, cx: &mut Context<'_>) -> Poll<F::Output> {
        let (Progress::Lazy(future) | Progress::Armed(future) | Progress::Suspended(future)) = self.progress.take()
        else {
            polled_after_completion(name, self.location);
        };
        // Taken out, so that a future whose poll panics is dropped, and neither polled nor spawned again.
        let mut future = Contained::new(future);
        let polling = Polling(&mut self.hook);
        match future.get_mut().as_mut().poll(cx) {
            Poll::Pending => {
                mem::forget(polling);
                self.progress = Progress::Suspended(future.into_inner());
                Poll::Pending
            }
            Poll::Ready(output) => {
                // Should the drop of the future panic, that is the outcome, and the output is dropped on the way.
                let output = Contained::new(output);
                drop(future.into_inner());
                drop(polling);
                // It has been so since before the poll. Said again, there is nothing left to ask when this is dropped
                // next.
                mem::forget(mem::replace(&mut self.progress, Progress::Ended));
                Poll::Ready(output.into_inner())
            }
        }
    }

    /// What has ended has been delivered, and has no use for a hook.
    pub(crate) fn set_hook(&mut self, hook: Hook<F::Output>) {
        if self.progress.is_ended() {
            drop_hook(Some(hook));
        } else {
            self.hook.set(hook);
        }
    }

    pub(crate) fn is_ended(&self) -> bool {
        self.progress.is_ended()
    }

    pub(crate) fn location(&self) -> CallLocation {
        self.location
    }

    /// The `Debug` text of the future called `name`.
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
        // Asked before it is taken: mostly there is nothing to take.
        if !self.progress.is_ended() {
            let (progress, hook) = (self.progress.take(), self.hook.take());
            leave(progress, hook, &self.spawner, self.rescue, self.location);
        }
    }
}

/// The caller leaves before the future has ended.
#[cold]
fn leave<F: Future + ?Sized, S>(
    progress: Progress<F>,
    hook: Option<Hook<F::Output>>,
    spawner: &Contained<S>,
    rescue: Rescue<F, S>,
    location: CallLocation,
) {
    let work = match progress {
        Progress::Armed(future) => Work::orphaned(future, false, location, hook),
        Progress::Suspended(future) => Work::orphaned(future, true, location, hook),
        lazy @ (Progress::Lazy(_) | Progress::Ended) => {
            contain(move || drop(lazy));
            drop_hook(hook);
            return;
        }
    };
    let _published = location::publish(location);
    // Where the spawner panics, its unwinding drops the work, and the hook is told that it was cancelled.
    contain(|| rescue(spawner.get(), work));
}
