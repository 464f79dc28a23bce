//! What a caller leaves behind for the outcome, kept by the caller until it goes.

use crate::error::Outcome;
use crate::util::contain::contain;
use crate::util::exclusive::Exclusive;

/// What [`on_orphan`](crate::Shield::on_orphan) was given. `Send` for local shields too: it may be left behind on, and
/// run by, whichever thread ends the pair.
pub(crate) type Hook<T> = Box<dyn FnOnce(Outcome<T>) + Send + 'static>;

/// Room for a hook, on the caller's side: work whose caller stays never needs one.
pub(crate) struct HookSlot<T>(Option<Exclusive<Hook<T>>>);

impl<T> HookSlot<T> {
    pub(crate) const fn empty() -> Self {
        Self(None)
    }

    pub(crate) fn set(&mut self, hook: Hook<T>) {
        self.dismiss();
        self.0 = Some(Exclusive::new(hook));
    }

    #[inline]
    pub(crate) fn take(&mut self) -> Option<Hook<T>> {
        self.0.take().map(Exclusive::into_inner)
    }

    /// Drops the hook, which will not be needed.
    #[inline]
    pub(crate) fn dismiss(&mut self) {
        if self.0.is_some() {
            drop_hook(self.take());
        }
    }
}

impl<T> Drop for HookSlot<T> {
    #[inline]
    fn drop(&mut self) {
        self.dismiss();
    }
}

/// Drops a hook that will not be needed. What it captured is the user's, and so is its drop. Out of line: few shields
/// have one.
#[inline(never)]
pub(crate) fn drop_hook<T>(hook: Option<Hook<T>>) {
    contain(move || drop(hook));
}
