//! The `on_orphan` callback, stored on the caller's side until the caller is gone.

use crate::error::Outcome;
use crate::util::contain::contain;
use crate::util::exclusive::Exclusive;

/// The closure given to [`on_orphan`](crate::Shield::on_orphan). `Send` for local shields too: it
/// runs on the thread on which the work ends or the shield is dropped, whichever is later.
pub(crate) type Hook<T> = Box<dyn FnOnce(Outcome<T>) + Send + 'static>;

/// Room for a hook on the caller's side: work whose caller stays never needs one.
pub(crate) struct HookSlot<T>(Exclusive<Option<Hook<T>>>);

impl<T> HookSlot<T> {
    #[inline]
    pub(crate) const fn empty() -> Self {
        Self(Exclusive::new(None))
    }

    pub(crate) const fn full(hook: Hook<T>) -> Self {
        Self(Exclusive::new(Some(hook)))
    }

    /// Stores `hook` and drops the one before.
    pub(crate) fn set(&mut self, hook: Hook<T>) {
        if let Some(replaced) = self.0.get_mut().replace(hook) {
            drop_hook(replaced);
        }
    }

    pub(crate) fn into_hook(mut self) -> Option<Hook<T>> {
        self.0.get_mut().take()
    }

    /// Drops the hook, which can no longer run.
    #[inline]
    pub(crate) fn clear(&mut self) {
        if let Some(hook) = self.0.get_mut().take() {
            drop_hook(hook);
        }
    }
}

impl<T> Drop for HookSlot<T> {
    #[inline]
    fn drop(&mut self) {
        self.clear();
    }
}

/// Drops a hook that can no longer run. Its captures are the user's, and so is their drop.
pub(crate) fn drop_hook<T>(hook: Hook<T>) {
    contain(move || drop(hook));
}
