//! The events of orphans (feature `tracing`). Work whose caller stays emits nothing.

use std::cell::Cell;
use std::sync::Arc;
use std::time::Duration;

use tracing::field::{DebugValue, debug as debug_value};
use tracing::level_filters::LevelFilter;
use tracing::span::Id;
use tracing::{Span, debug, dispatcher, error};

use crate::error::Outcome;
use crate::util::CallLocation;
use crate::util::contain::{Contained, contain};
use crate::util::sync::thread_cells;

/// Whether orphans emit events.
pub(crate) const EMITS: bool = true;

/// The target of every event: the crate, and not the module that happens to emit it.
const TARGET: &str = "futures_shield";

thread_cells! {
    /// Whether this thread is emitting an event of ours.
    static EMITTING: bool = false;
}

/// The span that was current at the user's call, to be the parent of the events.
///
/// A subscriber may itself shield, for example to ship each event. A shield that is made inside an
/// event of ours emits no events: otherwise it would emit the next one, and so on forever.
///
/// `None` if there is no span, or no subscriber. One word, because every shield has it and is moved.
pub(crate) struct CallSpan(Option<Box<Parent>>);

enum Parent {
    Span(Contained<Span>),
    /// The call was made inside an event of ours.
    Silent,
}

impl CallSpan {
    #[inline]
    pub(crate) fn capture() -> Self {
        if EMITTING.with(Cell::get) {
            Self(Some(Box::new(Parent::Silent)))
        } else if LevelFilter::current() == LevelFilter::OFF {
            // Without a subscriber there is no span to look for.
            Self::none()
        } else {
            Self::capture_current()
        }
    }

    fn capture_current() -> Self {
        let mut current = Span::none();
        contain(|| current = Span::current());
        if current.is_none() {
            Self::none()
        } else {
            Self(Some(Box::new(Parent::Span(Contained::new(current)))))
        }
    }

    #[inline]
    pub(crate) fn none() -> Self {
        Self(None)
    }

    #[inline]
    pub(crate) fn is_none(&self) -> bool {
        self.0.is_none()
    }

    /// Drops the span. That may close it, which runs code of the subscriber.
    #[inline]
    pub(crate) fn clear(&mut self) {
        self.0 = None;
    }
}

/// An event with the span of the user's call as its parent, or with the current span if there was
/// none.
macro_rules! event {
    ($level:ident, $parent:expr, { $($fields:tt)* }, $message:literal) => {
        match $parent {
            Some(parent) => $level!(target: TARGET, parent: parent, $($fields)*, $message),
            None => $level!(target: TARGET, $($fields)*, $message),
        }
    };
}

/// The events of one orphan. `None` if it emits none.
pub(crate) struct Trace(Option<Arc<Record>>);

/// The event that work is an orphan.
pub(crate) struct Announcement(Option<Arc<Record>>);

/// What the events of one orphan have in common. Shared, because the first is emitted by the
/// caller's side and the second by the work's.
struct Record {
    span: Contained<Span>,
    since: Since,
}

impl Trace {
    pub(crate) fn new(span: CallSpan) -> Self {
        let span = match span.0.map(|parent| *parent) {
            Some(Parent::Silent) => return Self(None),
            None => Contained::new(Span::none()),
            Some(Parent::Span(span)) => span,
        };
        let since = Since::now();
        Self(Some(Arc::new(Record { span, since })))
    }

    pub(crate) fn take(&mut self) -> Self {
        Self(self.0.take())
    }

    pub(crate) fn announcement(&self) -> Announcement {
        Announcement(self.0.clone())
    }

    /// Emits how the orphan ended, and how long after its caller was gone.
    pub(crate) fn end<T>(&self, location: CallLocation, outcome: &Outcome<T>) {
        let Some(record) = &self.0 else {
            return;
        };
        let orphaned_for = record.since.elapsed();
        emit(&record.span, |parent| match outcome {
            Ok(_) => event!(debug, parent, { %location, orphaned_for }, "orphaned work finished"),
            Err(error) if error.is_panic() => {
                event!(error, parent, { %location, orphaned_for, %error }, "orphaned work panicked");
            }
            Err(error) => event!(error, parent, { %location, orphaned_for, %error }, "orphaned work was cancelled"),
        });
    }
}

impl Announcement {
    pub(crate) fn emit(self, location: CallLocation) {
        if let Some(record) = &self.0 {
            emit(&record.span, |parent| {
                event!(debug, parent, { %location }, "shielded work was orphaned: its caller is gone, and it continues");
            });
        }
    }
}

/// Calls `event` with the id of the parent. The subscriber is the one that made the span, or
/// without a span the one of this thread. It is foreign code: its panic is contained, and it may
/// call us again.
fn emit(span: &Span, event: impl Fn(Option<Id>)) {
    if EMITTING.with(|emitting| emitting.replace(true)) {
        return;
    }
    contain(|| match span.with_subscriber(|(_, dispatch)| dispatch.clone()) {
        Some(dispatch) => dispatcher::with_default(&dispatch, || event(span.id())),
        None => event(None),
    });
    EMITTING.with(|emitting| emitting.set(false));
}

/// When the caller was gone.
#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
struct Since(std::time::Instant);

#[cfg(not(all(target_family = "wasm", target_os = "unknown")))]
impl Since {
    fn now() -> Self {
        Self(std::time::Instant::now())
    }

    fn elapsed(&self) -> Option<DebugValue<Duration>> {
        Some(debug_value(self.0.elapsed()))
    }
}

/// This platform has no clock: `Instant::now` would panic.
#[cfg(all(target_family = "wasm", target_os = "unknown"))]
struct Since;

#[cfg(all(target_family = "wasm", target_os = "unknown"))]
impl Since {
    fn now() -> Self {
        Self
    }

    fn elapsed(&self) -> Option<DebugValue<Duration>> {
        None
    }
}
