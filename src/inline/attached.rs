//! What belongs to inline work beside its future.

use std::mem;

use crate::ledger::{InlineEntry, Lines};
use crate::relay::{CallSpan, Hook, HookSlot, Orphan, Orphaned};
use crate::util::CallLocation;

/// What belongs to the future: it moves into the orphan, or is dropped when the future ends.
///
/// An enum, so that work without a tracker and a hook stores one word here, and reads it once.
pub(super) enum Attached<T> {
    Nothing,
    /// The hook.
    Hook(HookSlot<T>),
    /// The entry of the trackers.
    Entry(InlineEntry),
    /// Several, or the rest. Boxed, because few programs need it and every shield is moved.
    More(Box<More<T>>),
}

pub(super) struct More<T> {
    hook: HookSlot<T>,
    entry: InlineEntry,
    span: CallSpan,
}

impl<T> More<T> {
    fn new(hook: HookSlot<T>, entry: InlineEntry, span: CallSpan) -> Box<Self> {
        Box::new(Self { hook, entry, span })
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

    /// The future was polled and has ended.
    #[inline]
    pub(super) fn end(&mut self) {
        if !self.is_nothing() {
            self.end_something();
        }
    }

    fn end_something(&mut self) {
        if let Self::Entry(entry) = self {
            entry.take().end();
        } else {
            self.end_rest();
        }
    }

    #[cold]
    fn end_rest(&mut self) {
        let (mut hook, entry, mut span) = self.take().into_parts();
        hook.clear();
        span.clear();
        entry.end();
    }

    fn into_parts(self) -> (HookSlot<T>, InlineEntry, CallSpan) {
        match self {
            Self::Nothing => (HookSlot::empty(), InlineEntry::none(), CallSpan::none()),
            Self::Entry(entry) => (HookSlot::empty(), entry, CallSpan::none()),
            Self::Hook(hook) => (hook, InlineEntry::none(), CallSpan::none()),
            Self::More(more) => {
                let More { hook, entry, span } = *more;
                (hook, entry, span)
            }
        }
    }

    /// The future becomes an orphan, which takes this over. Also returns the lines at which it is
    /// counted.
    pub(super) fn orphaned(self, started: bool, location: CallLocation) -> (Orphaned<T>, Lines) {
        let (hook, mut entry, span) = self.into_parts();
        let count = if started {
            entry.take_begun()
        } else {
            // It has to run, so it counts from here.
            entry.begin_and_take()
        };
        let lines = count.lines().clone();
        lines.orphaned();
        let orphan = Orphan::new(hook.into_hook(), span);
        orphan.announcement().emit(location);
        (Orphaned::observed(location, orphan, count), lines)
    }
}
