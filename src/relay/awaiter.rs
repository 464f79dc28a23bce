//! The caller's side of a shield, the same under every handle.

use std::fmt;
use std::mem::ManuallyDrop;
use std::task::{Context, Poll, Waker, ready};

use super::hook::{Hook, HookSlot, drop_hook};
use super::orphan::Orphan;
use super::trace::CallSpan;
use super::{Relay, SpawnCall};
use crate::error::Outcome;
use crate::util::flag::SetOnDrop;
use crate::util::sync::Arc;
use crate::util::{CallLocation, polled_after_completion};

/// Waits for the outcome. When it stops waiting (delivered or dropped) it notifies the relay, and
/// the work's [`Caller`](crate::Caller) if there is one.
pub(crate) struct Awaiter<T> {
    /// `None` once the outcome was delivered. `ManuallyDrop`, because drop glue would look at it
    /// again after delivery: 24 instructions.
    waiting: ManuallyDrop<Option<Waiting<T>>>,
    registered: bool,
    location: CallLocation,
}

/// What is needed until the outcome is delivered. Foreign code may run when it is dropped: the drop
/// of the hook, which is not needed any more, and the wakers of tasks that wait for the caller to
/// be gone.
struct Waiting<T> {
    relay: Arc<Relay<T>>,
    hook: HookSlot<T>,
    gone: Option<SetOnDrop>,
    span: CallSpan,
}

impl<T> Awaiter<T> {
    #[inline]
    pub(crate) fn new(relay: Arc<Relay<T>>, gone: Option<SetOnDrop>) -> Self {
        Self {
            location: relay.location(),
            waiting: ManuallyDrop::new(Some(Waiting {
                relay,
                hook: HookSlot::empty(),
                gone,
                span: CallSpan::capture(),
            })),
            registered: false,
        }
    }

    /// Begins the call to the spawner.
    #[inline]
    pub(crate) fn spawn_call(&self) -> SpawnCall<'_, T> {
        match self.relay() {
            Some(relay) => SpawnCall::begin(relay),
            None => unreachable!("nothing is delivered before the call"),
        }
    }

    #[inline]
    fn relay(&self) -> Option<&Relay<T>> {
        self.waiting.as_ref().map(|waiting| &*waiting.relay)
    }

    #[inline]
    pub(crate) fn poll(&mut self, name: &str, cx: &mut Context<'_>) -> Poll<Outcome<T>> {
        let Some(waiting) = &mut *self.waiting else {
            polled_after_completion(name, Some(self.location));
        };
        // Not in the first poll: the work has seldom ended before that.
        let alone = self.registered.then(|| Arc::get_mut(&mut waiting.relay)).flatten();
        let outcome = match alone {
            Some(relay) => ready!(relay.take_alone()),
            None => ready!(waiting.relay.poll(&mut self.registered, cx)),
        };
        self.set_gone();
        self.stop_waiting();
        Poll::Ready(outcome)
    }

    /// Marks the caller as gone, which it is at delivery, too. Called before any foreign code runs,
    /// so that every query returns the new value there. It runs no foreign code itself, so it can
    /// be called under a lock.
    #[inline]
    pub(crate) fn set_gone(&self) {
        if let Some(Waiting { gone: Some(gone), .. }) = &*self.waiting {
            gone.set();
        }
    }

    /// The outcome was delivered.
    #[inline]
    pub(crate) fn stop_waiting(&mut self) {
        *self.waiting = None;
    }

    /// Takes the outcome if the work has ended. Whoever calls this delivers it, or
    /// [gives it back](Self::give_back).
    pub(crate) fn take_ended(&self) -> Poll<Outcome<T>> {
        self.relay().map_or(Poll::Pending, Relay::take_ended)
    }

    /// Takes back an outcome that was not delivered after all.
    pub(crate) fn give_back(&self, outcome: Outcome<T>) {
        if let Some(relay) = self.relay() {
            relay.give_back(outcome);
        }
    }

    /// Stores a waker for the end of the work, and does not take the outcome.
    pub(crate) fn register(&self, waker: Waker) {
        if let Some(relay) = self.relay() {
            relay.register(waker);
        }
    }

    fn abandon(&mut self) {
        self.set_gone();
        if let Some(Waiting {
            relay,
            hook,
            gone,
            span,
        }) = self.waiting.take()
        {
            relay.abandon(Orphan::new(hook.into_hook(), span), gone);
        }
    }

    /// Only the layer sets the hook before the call to the spawner.
    #[cfg(feature = "tower")]
    pub(crate) fn with_hook(mut self, hook: Option<Hook<T>>) -> Self {
        if let Some(hook) = hook {
            self.set_hook(hook);
        }
        self
    }

    /// Stores the hook, or drops it after delivery: then it can never run.
    pub(crate) fn set_hook(&mut self, hook: Hook<T>) {
        match &mut *self.waiting {
            Some(waiting) => waiting.hook.set(hook),
            None => drop_hook(hook),
        }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.relay().is_none_or(Relay::is_finished)
    }

    pub(crate) fn is_delivered(&self) -> bool {
        self.waiting.is_none()
    }

    pub(crate) fn location(&self) -> CallLocation {
        self.location
    }

    /// Returns a word for `Debug`.
    pub(crate) fn state_name(&self) -> &'static str {
        self.relay().map_or("delivered", Relay::state_name)
    }

    /// Writes the `Debug` text of the handle called `name`.
    pub(crate) fn fmt_as(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let work = self.state_name();
        f.debug_struct(name)
            .field("location", &format_args!("{}", self.location))
            .field("work", &format_args!("{work}"))
            .finish()
    }
}

impl<T> Drop for Awaiter<T> {
    #[inline]
    fn drop(&mut self) {
        // Checked first to keep the common path (delivered) inline.
        if self.waiting.is_some() {
            self.abandon();
        }
    }
}
