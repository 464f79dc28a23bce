//! What belongs to inline work beside its future.

use std::mem;

use crate::ledger::InlineEntry;
use crate::relay::{CallSpan, Hook, HookSlot};
use crate::util::call::{self, Restore};

/// What belongs to the future: it moves into the orphan, or is dropped when the future ends.
///
/// An enum, so that work without a tracker and a hook stores one word here, and reads it once.
pub(super) enum Attached<T> {
    Nothing,
    /// The entry of the trackers.
    Entry(InlineEntry),
    /// Boxed, because few programs need it and every shield is moved.
    More(Box<More<T>>),
}

pub(super) struct More<T> {
    hook: HookSlot<T>,
    entry: InlineEntry,
    span: CallSpan,
    /// The call to a spawner that the current poll runs in.
    hidden: Option<Restore>,
}

impl<T> More<T> {
    fn new(entry: InlineEntry, span: CallSpan) -> Box<Self> {
        Box::new(Self {
            hook: HookSlot::empty(),
            entry,
            span,
            hidden: None,
        })
    }
}

impl<T> Attached<T> {
    #[inline]
    pub(super) fn new(entry: InlineEntry) -> Self {
        let span = CallSpan::capture();
        if !span.is_none() {
            Self::More(More::new(entry, span))
        } else if entry.is_none() {
            Self::Nothing
        } else {
            Self::Entry(entry)
        }
    }

    #[inline]
    pub(super) fn is_nothing(&self) -> bool {
        matches!(self, Self::Nothing)
    }

    #[inline]
    pub(super) fn take(&mut self) -> Self {
        mem::replace(self, Self::Nothing)
    }

    /// Returns the boxed form, after moving into it what is attached so far.
    fn more(&mut self) -> &mut More<T> {
        let more = match self.take() {
            Self::Nothing => More::new(InlineEntry::none(), CallSpan::none()),
            Self::Entry(entry) => More::new(entry, CallSpan::none()),
            Self::More(more) => more,
        };
        *self = Self::More(more);
        match self {
            Self::More(more) => more,
            _ => unreachable!("it was put there"),
        }
    }

    pub(super) fn set_hook(&mut self, hook: Hook<T>) {
        self.more().hook.set(hook);
    }

    /// The first poll begins.
    #[inline]
    pub(super) fn begin(&mut self) {
        match self {
            Self::Nothing => {}
            Self::Entry(entry) => entry.begin(),
            Self::More(more) => more.entry.begin(),
        }
    }

    /// Hides the call to a spawner that a poll runs in, until the poll has ended. Kept here,
    /// because usually there is none, and a separate guard would be checked in each poll.
    pub(super) fn hide_call(&mut self) {
        self.more().hidden = call::hide();
    }

    /// The future was polled and is pending.
    #[inline]
    pub(super) fn pause(&mut self) {
        if let Self::More(more) = self {
            more.hidden = None;
        }
    }

    /// The future was polled and has ended.
    #[inline]
    pub(super) fn end(&mut self) {
        if !self.is_nothing() {
            self.end_something();
        }
    }

    fn end_something(&mut self) {
        match self.take() {
            Self::Nothing => {}
            Self::Entry(entry) => entry.end(),
            Self::More(mut more) => {
                more.hook.clear();
                more.span.clear();
                mem::replace(&mut more.entry, InlineEntry::none()).end();
                more.hidden = None;
            }
        }
    }

    pub(super) fn into_parts(self) -> (HookSlot<T>, InlineEntry, CallSpan) {
        match self {
            Self::Nothing => (HookSlot::empty(), InlineEntry::none(), CallSpan::none()),
            Self::Entry(entry) => (HookSlot::empty(), entry, CallSpan::none()),
            Self::More(more) => {
                let More { hook, entry, span, .. } = *more;
                (hook, entry, span)
            }
        }
    }
}
