//! The caller's side of a shield, the same under every handle.

use std::fmt;
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
    /// `None` once the outcome was delivered.
    relay: Option<Arc<Relay<T>>>,
    hook: HookSlot<T>,
    gone: Option<SetOnDrop>,
    span: CallSpan,
    registered: bool,
    location: CallLocation,
}

impl<T> Awaiter<T> {
    #[inline]
    pub(crate) fn new(relay: Arc<Relay<T>>, gone: Option<SetOnDrop>) -> Self {
        Self {
            location: relay.location(),
            relay: Some(relay),
            hook: HookSlot::empty(),
            gone,
            span: CallSpan::capture(),
            registered: false,
        }
    }

    /// Begins the call to the spawner.
    #[inline]
    pub(crate) fn spawn_call(&self) -> Option<SpawnCall<'_, T>> {
        let relay = self.relay.as_deref()?;
        Some(SpawnCall::begin(relay))
    }

    #[inline]
    pub(crate) fn poll(&mut self, name: &str, cx: &mut Context<'_>) -> Poll<Outcome<T>> {
        let Some(relay) = &self.relay else {
            polled_after_completion(name, Some(self.location));
        };
        let outcome = ready!(relay.poll(&mut self.registered, cx));
        self.delivered();
        self.hook.clear();
        self.gone = None;
        self.span.clear();
        Poll::Ready(outcome)
    }

    /// At delivery, too, the caller is gone. Every query returns that before foreign code runs: the
    /// drop of a hook that is not needed, and wakers.
    #[inline]
    fn delivered(&mut self) {
        self.relay = None;
        if let Some(gone) = &self.gone {
            gone.set();
        }
    }

    /// Takes the outcome if the work has ended. The rest of the delivery, which runs foreign code,
    /// is left to the drop of this, so that it may be called under a lock.
    pub(crate) fn take_ended(&mut self) -> Poll<Outcome<T>> {
        let Some(relay) = &self.relay else {
            return Poll::Pending;
        };
        let outcome = ready!(relay.take_ended());
        self.delivered();
        Poll::Ready(outcome)
    }

    /// Stores a waker for the end of the work, and does not take the outcome.
    pub(crate) fn register(&self, waker: Waker) {
        if let Some(relay) = &self.relay {
            relay.replace_waker(waker);
        }
    }

    #[cold]
    fn abandon(&mut self) {
        if let Some(relay) = self.relay.take() {
            let gone = self.gone.take();
            if let Some(gone) = &gone {
                gone.set();
            }
            relay.abandon(Orphan::new(self.hook.take(), self.span.take()), gone);
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
        if self.relay.is_some() {
            self.hook.set(hook);
        } else {
            drop_hook(Some(hook));
        }
    }

    pub(crate) fn is_finished(&self) -> bool {
        self.relay.as_ref().is_none_or(|relay| relay.is_finished())
    }

    pub(crate) fn is_delivered(&self) -> bool {
        self.relay.is_none()
    }

    pub(crate) fn location(&self) -> CallLocation {
        self.location
    }

    /// Returns a word for `Debug`.
    pub(crate) fn state_name(&self) -> &'static str {
        self.relay.as_ref().map_or("delivered", |relay| relay.state_name())
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
        if self.relay.is_some() {
            self.abandon();
        }
    }
}
