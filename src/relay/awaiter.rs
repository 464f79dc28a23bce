//! The caller's side of a shield, the same under [`Shield`](crate::Shield) and
//! [`FallibleShield`](crate::FallibleShield).

use std::fmt;
use std::task::{Context, Poll, ready};

use super::Relay;
use super::hook::{Hook, HookSlot, drop_hook};
use crate::error::Outcome;
use crate::spawn::location::CallLocation;
use crate::util::flag::SetOnDrop;
use crate::util::polled::polled_after_completion;
use crate::util::sync::Arc;

/// Waits for an outcome, and says so when it no longer does: to the relay, and to the work where that asked to know.
pub(crate) struct Awaiter<T> {
    // `None` once the outcome has been delivered.
    relay: Option<Arc<Relay<T>>>,
    hook: HookSlot<T>,
    on_gone: Option<SetOnDrop>,
    registered: bool,
    location: CallLocation,
}

impl<T> Awaiter<T> {
    pub(crate) fn new(relay: Arc<Relay<T>>, on_gone: Option<SetOnDrop>) -> Self {
        Self {
            location: relay.location(),
            relay: Some(relay),
            hook: HookSlot::empty(),
            on_gone,
            registered: false,
        }
    }

    #[inline]
    pub(crate) fn poll(&mut self, name: &str, cx: &mut Context<'_>) -> Poll<Outcome<T>> {
        let Some(relay) = &self.relay else {
            polled_after_completion(name, self.location);
        };
        let outcome = ready!(relay.poll(&mut self.registered, cx));
        self.relay = None;
        self.hook.dismiss();
        // At delivery, too, the caller waits no longer.
        self.on_gone = None;
        Poll::Ready(outcome)
    }

    #[cold]
    fn leave(&mut self) {
        if let Some(relay) = self.relay.take() {
            relay.leave(self.hook.take());
            self.on_gone = None;
        }
    }

    /// What has been delivered has no use for a hook.
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

    /// The `Debug` text of the shield called `name`.
    pub(crate) fn fmt_as(&self, name: &str, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct(name)
            .field("location", &format_args!("{}", self.location))
            .field(
                "work",
                &format_args!("{}", self.relay.as_ref().map_or("delivered", |relay| relay.describe())),
            )
            .finish()
    }
}

impl<T> Drop for Awaiter<T> {
    #[inline]
    fn drop(&mut self) {
        // Asked before it is taken: mostly the outcome has been delivered.
        if self.relay.is_some() {
            self.leave();
        }
    }
}
