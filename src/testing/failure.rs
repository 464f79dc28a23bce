//! The panics of a cancellation test: which run failed, and where its future was dropped.

use std::backtrace::Backtrace;
use std::collections::VecDeque;
use std::fmt;
use std::panic::Location;

use super::place::{Crates, Place};
use super::run::Way;
use crate::error::text;
use crate::util::contain::{Payload, discard};

/// What the failures of one test have in common.
pub(super) struct Test {
    /// The call of `cancel_at_every_await`.
    pub(super) made_at: &'static Location<'static>,
    pub(super) crates: Crates,
}

/// When `check` ran.
pub(super) enum Moment {
    Completed {
        suspensions: usize,
    },
    Cancelled {
        n: usize,
        way: Way,
        traces: VecDeque<Backtrace>,
    },
}

impl Test {
    /// Panics if `checked` is a panic, with its message and where it happened.
    pub(super) fn expect(&self, checked: Result<(), Payload>, moment: &Moment) {
        if let Err(payload) = checked {
            let text = text(&*payload)
                .unwrap_or("a panic whose payload is not text")
                .to_owned();
            discard(payload);
            panic!("{}, {self}: {text}", moment.describe(&self.crates));
        }
    }

    /// Panics because the future did not complete after `limit` suspensions.
    pub(super) fn limit(&self, limit: usize, moment: &Moment) -> ! {
        panic!(
            "not completed after {limit} suspensions, {self}: {}; if it does complete, raise \
             `CancelAtEveryAwait::max_suspensions`",
            moment.describe(&self.crates),
        )
    }
}

impl fmt::Display for Test {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (file, line) = (self.made_at.file(), self.made_at.line());
        write!(f, "of the future made at {file}:{line}")
    }
}

impl Moment {
    fn describe(&self, crates: &Crates) -> String {
        match self {
            Self::Completed { suspensions } => format!("completed after {suspensions} suspensions"),
            Self::Cancelled { n, way, traces } => {
                let place = Place::innermost(traces, crates);
                let way = match way {
                    Way::AtOnce => "at once",
                    Way::Woken => "after it was woken",
                };
                format!("cancelled at suspension {n} ({place}), {way}")
            }
        }
    }
}
