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
    /// The hook.
    Hook(HookSlot<T>),
    /// Several, or the rest. Boxed, because few programs need it and every shield is moved.
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
    fn new(hook: HookSlot<T>, entry: InlineEntry, span: CallSpan) -> Box<Self> {
        Box::new(Self {
            hook,
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
            Self::More(More::new(HookSlot::empty(), entry, span))
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
            Self::More(more) => more,
            other => {
                let (hook, entry, span) = other.into_parts();
                More::new(hook, entry, span)
            }
        };
        *self = Self::More(more);
        match self {
            Self::More(more) => more,
            _ => unreachable!("it was put there"),
        }
    }

    pub(super) fn set_hook(&mut self, hook: Hook<T>) {
        match self {
            Self::Nothing => *self = Self::Hook(HookSlot::full(hook)),
            Self::Hook(slot) => slot.set(hook),
            Self::Entry(_) | Self::More(_) => self.more().hook.set(hook),
        }
    }

    /// The first poll begins.
    #[inline]
    pub(super) fn begin(&mut self) {
        match self {
            Self::Nothing | Self::Hook(_) => {}
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
            Self::Hook(mut hook) => hook.clear(),
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
            Self::Hook(hook) => (hook, InlineEntry::none(), CallSpan::none()),
            Self::More(more) => {
                let More { hook, entry, span, .. } = *more;
                (hook, entry, span)
            }
        }
    }
}
