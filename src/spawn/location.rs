//! Where in the user's source a shield was made, known also to spawners behind any indirection.
//!
//! `#[track_caller]` ends at a closure, a `dyn` call, a user's own spawner and at `Drop`. So the location is published for
//! the length of each call to a spawner, on the thread that makes it, for a [`Tracker`](crate::Tracker) to read there.

use std::cell::Cell;
use std::panic::Location;

/// A place in the user's source.
pub(crate) type CallLocation = &'static Location<'static>;

thread_local! {
    static PUBLISHED: Cell<Option<CallLocation>> = const { Cell::new(None) };
}

/// Publishes `location` for as long as the guard lives: for one call to a spawner. Nested calls see the innermost location, and
/// the outer one again after it. A guard, because a spawner may panic; and not a closure, because the work may be large
/// to move.
#[inline]
pub(crate) fn publish(location: CallLocation) -> Published {
    Published {
        before: PUBLISHED.replace(Some(location)),
    }
}

#[must_use]
pub(crate) struct Published {
    before: Option<CallLocation>,
}

impl Drop for Published {
    #[inline]
    fn drop(&mut self) {
        PUBLISHED.set(self.before);
    }
}

/// The location of the shield whose work is being handed to a spawner on this thread right now.
#[inline]
pub(crate) fn published() -> Option<CallLocation> {
    PUBLISHED.get()
}
