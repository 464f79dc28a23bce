//! What must be true: the model of every work, waiter and token, written from the design and not
//! from the code.
//!
//! An operation of the crate is not one step: it calls foreign code in between, and each of these
//! calls sees some state. So the model is told when an operation begins, which foreign code is
//! called, and when the operation ends. Each of the three moves it. A query whose value the design
//! leaves open at that moment is `Either`; at the end of an operation nothing is.

mod caller;
mod gone;
mod queries;
mod quiet;
mod shared;
mod wait;
mod wakers;
mod work;

use std::collections::{BTreeMap, BTreeSet};

use crate::api::Line;
use crate::cover::cover;
use crate::program::{Id, Mode};

/// A query's value, if the design says it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tri {
    No,
    Yes,
    Either,
}

impl Tri {
    pub fn allows(self, value: bool) -> bool {
        match self {
            Self::No => !value,
            Self::Yes => value,
            Self::Either => true,
        }
    }

    pub fn and(self, other: Self) -> Self {
        match (self, other) {
            (Self::No, _) | (_, Self::No) => Self::No,
            (Self::Yes, Self::Yes) => Self::Yes,
            _ => Self::Either,
        }
    }

    fn least(self) -> usize {
        usize::from(self == Self::Yes)
    }

    fn most(self) -> usize {
        usize::from(self != Self::No)
    }
}

/// What foreign code is told apart by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    Future,
    Output,
    Payload,
    Hook,
    Closure,
    Value,
    Clock,
    Spawner,
    Driver,
}

/// How far a work has come.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Stage {
    /// It does not exist yet: its `.shield*()` call has not handed it over.
    Making,
    /// Inline, not polled yet, and lazy.
    Lazy,
    /// A cleanup that was not polled yet.
    Armed,
    Running,
    /// Its future has ended, or is being cut off, and is being dropped.
    Ending,
    /// Its outcome is certain.
    Ended,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    Value(Id),
    Panic(Id),
    /// A panic with a text, of the crate or of std.
    Text,
    Cancelled {
        started: bool,
    },
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate {
    Delivered,
    Hooked,
    Dropped,
    NeverRan,
}

#[derive(Debug)]
pub struct Work {
    pub mode: Mode,
    pub trackers: &'static [usize],
    pub place: Option<Line>,
    pub future: Id,
    pub stage: Stage,
    pub started: bool,
    /// Its task was given to a spawner.
    pub spawned: bool,
    /// Its caller still waits, or may.
    pub present: bool,
    pub terminated: bool,
    pub polling: bool,
    pub outcome: Option<Outcome>,
    pub output_lost: bool,
    /// The clone of its output panicked, for one of its waiters.
    unclonable: bool,
    pub fate: Option<Fate>,
    pub hook: Option<Id>,
    pub gone: Tri,
    pub finished: Tri,
    pub counted: Tri,
    /// The call that makes it has not returned.
    pub making: bool,
    pub orphan: Tri,
    /// It was an orphan before its end.
    pub was_orphan: Tri,
    /// Its end counts in the metrics, if it was an orphan.
    pub end_counts: Tri,
    registration: Registration,
    settled_at: (u32, u64),
    ended_before_poll: bool,
}

/// The waker that is kept for one waiter.
#[derive(Clone, Copy, Debug, Default)]
pub struct Registration {
    /// The waker that the crate keeps, as far as the last poll that has returned says.
    kept: Option<usize>,
    /// The waker of the poll that is under way.
    polling: Option<usize>,
    /// It was cloned since that poll began: before, nothing can wake it.
    cloned: bool,
    /// The waker that was woken, during the poll that is under way.
    fired: Option<usize>,
}

impl Registration {
    fn begin(&mut self, waker: usize) {
        self.polling = Some(waker);
        self.cloned = false;
        self.fired = None;
    }

    fn waits_with(&self, waker: usize) -> bool {
        self.kept == Some(waker) || self.polling == Some(waker) && self.cloned && self.fired != Some(waker)
    }

    /// That waker is kept, and not about to be replaced by the one of the poll that is under way.
    fn keeps(&self, waker: usize) -> bool {
        self.kept == Some(waker) && !(self.polling.is_some() && self.cloned)
    }

    fn is_there(&self) -> bool {
        self.kept.is_some() || self.polling.is_some() && self.cloned && self.fired != self.polling
    }

    fn fire(&mut self, waker: usize) {
        // The waker of the poll has replaced the one that was kept.
        if self.kept == Some(waker) || self.polling == Some(waker) && self.cloned {
            self.kept = None;
        }
        if self.polling.is_some() {
            self.fired = Some(waker);
        }
    }

    /// The poll returned `Pending`.
    fn pending(&mut self) {
        if let Some(waker) = self.polling.take() {
            self.kept = (self.fired != Some(waker)).then_some(waker);
        }
    }

    fn end(&mut self) {
        *self = Self::default();
    }
}

/// A `Gone`, or a window around a future.
#[derive(Debug)]
pub struct Waiter {
    pub work: Id,
    pub future: Option<Id>,
    pub clock: Option<Id>,
    pub opened: bool,
    pub ticking: bool,
    pub ended: bool,
    registration: Registration,
    gone_before_poll: Tri,
    polls_before: u32,
}

/// One waiter of a shared shield.
#[derive(Debug)]
pub struct Sharer {
    pub work: Id,
    pub terminated: bool,
    registration: Registration,
    ended_before_poll: bool,
}

/// A `Wait` or a `Drain`.
#[derive(Debug)]
pub struct Wait {
    pub tracker: usize,
    /// Another one was woken because nothing was left: so must this be, even if something has begun
    /// since.
    due: bool,
    pub deadline: Option<Id>,
    pub ended: bool,
    registration: Registration,
    least_before: usize,
    events_before: u64,
}

/// A future that was spawned on a tracker directly.
#[derive(Debug)]
pub struct Direct {
    pub future: Id,
    pub trackers: &'static [usize],
    pub place: Line,
    pub counted: Tri,
    pub dropped: bool,
}

/// What is known of a future of ours.
#[derive(Debug, Default)]
pub struct FutureState {
    pub polls: u32,
    pub ready: bool,
    pub panicked: bool,
    pub dropped: bool,
}

/// What an `Unfinished` names: places, with how much is left there, and how much of it is orphans.
pub type Named = Vec<(Line, usize, usize)>;

/// Before every place.
const FIRST: Line = ("", 0, 0);

#[derive(Default)]
pub struct Model {
    pub works: BTreeMap<Id, Work>,
    pub waiters: BTreeMap<Id, Waiter>,
    /// The handles of shared shields.
    pub sharers: BTreeMap<Id, Sharer>,
    /// Clones of outputs, and of which.
    pub clones: BTreeMap<Id, Id>,
    pub waits: BTreeMap<Id, Wait>,
    pub directs: BTreeMap<Id, Direct>,
    pub futures: BTreeMap<Id, FutureState>,
    pub alive: BTreeSet<(Kind, Id)>,
    /// Payloads of panics in the clone of a waker: they pass through a poll that changes nothing.
    pub passing: BTreeSet<Id>,
    /// Payloads of panics in the clone of an output: the waiter has ended, and has not delivered.
    pub unclonable: BTreeSet<Id>,
    /// Wakers that were taken out to be woken, whose waiters looked, or left, before their turn:
    /// they may be woken yet. So may that of a caller: whoever waits for a tracker is woken first.
    late: Vec<usize>,
    pub failure: Option<String>,
    /// How orphans that are forgotten ended, by tracker and place.
    endings: BTreeMap<(usize, Line), [(usize, usize); 3]>,
    /// How many calls to foreign code surround this moment.
    pub depth: u32,
    /// Counts calls to foreign code.
    pub events: u64,
    pub outcomes: u64,
}

impl Model {
    pub fn fail(&mut self, failure: impl Into<String>) {
        if self.failure.is_none() {
            self.failure = Some(failure.into());
        }
    }

    pub fn create(&mut self, kind: Kind, id: Id) {
        if !self.alive.insert((kind, id)) {
            self.fail(format!("{kind:?} {id} was created twice"));
        }
        if kind == Kind::Future {
            self.futures.insert(id, FutureState::default());
        }
    }

    /// The work whose future that is.
    fn work_of(&mut self, future: Id) -> Option<(Id, &mut Work)> {
        self.works
            .iter_mut()
            .find(|(_, work)| work.future == future)
            .map(|(id, work)| (*id, work))
    }

    /// The work that a handle is of.
    pub fn work(&self, handle: Id) -> Id {
        self.sharers.get(&handle).map_or(handle, |sharer| sharer.work)
    }

    /// The output that an output is a clone of.
    pub fn original(&self, output: Id) -> Id {
        self.clones.get(&output).copied().unwrap_or(output)
    }
}

impl Work {
    pub fn new(mode: Mode, trackers: &'static [usize], future: Id) -> Self {
        Self {
            mode,
            trackers,
            place: None,
            future,
            stage: match mode {
                Mode::Inline | Mode::InlineLocal => Stage::Lazy,
                Mode::Cleanup => Stage::Armed,
                _ => Stage::Making,
            },
            started: false,
            spawned: false,
            present: true,
            terminated: false,
            polling: false,
            outcome: None,
            output_lost: false,
            unclonable: false,
            fate: None,
            hook: None,
            gone: Tri::No,
            finished: Tri::No,
            counted: Tri::No,
            making: true,
            orphan: Tri::No,
            was_orphan: Tri::No,
            end_counts: Tri::No,
            registration: Registration::default(),
            settled_at: (0, 0),
            ended_before_poll: false,
        }
    }

    /// Which of the endings it counts for.
    fn ending(&self) -> Option<usize> {
        match self.outcome.as_ref()? {
            Outcome::Value(_) => Some(0),
            Outcome::Panic(_) | Outcome::Text => Some(1),
            Outcome::Cancelled { .. } => Some(2),
        }
    }

    /// Its outcome is where it belongs: it counts no more, in a moment or already.
    fn is_over(&mut self) {
        for open in [&mut self.counted, &mut self.orphan] {
            if *open == Tri::Yes {
                *open = Tri::Either;
            }
        }
        if self.stage >= Stage::Ending {
            self.end_counts = Tri::Either;
        }
    }

    /// Its caller waits no more. Returns the waker that may be woken yet.
    fn stop_waiting(&mut self) -> Option<usize> {
        let kept = self.registration.kept;
        self.registration.end();
        kept.filter(|_| self.stage == Stage::Ended)
    }

    /// The outcome is certain from here on, and is on its way.
    fn settle(&mut self, at: (u32, u64)) {
        self.stage = Stage::Ended;
        self.settled_at = at;
        self.finished = Tri::Either;
        if self.registration.polling.is_some() && self.present {
            // It ended inside a poll of its caller's, which may deliver.
            self.gone = Tri::Either;
        }
        // It leaves once its task was dropped: the executor does that, after this. If a hook, or
        // the drop of its outcome, comes first, it counts until then.
        let silent = self.hook.is_none() && matches!(self.outcome, Some(Outcome::Cancelled { .. } | Outcome::Text));
        if self.counted == Tri::Yes && (self.present || silent) {
            self.is_over();
        }
        if self.fate == Some(Fate::NeverRan) {
            self.counted = Tri::No;
        }
    }
}
