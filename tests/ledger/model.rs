//! What must be true: the model of every work, waiter and token, written from the design and not
//! from the code.
//!
//! An operation of the crate is not one step: it calls foreign code in between, and each of these
//! calls sees some state. So the model is told when an operation begins, which foreign code is
//! called, and when the operation ends. Each of the three moves it. A query whose value the design
//! leaves open at that moment is `Either`; at the end of an operation nothing is.

use std::collections::{BTreeMap, BTreeSet};

use super::api::Line;
use super::cover::cover;
use super::program::{Id, Mode, TRACKERS};

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

    fn is_there(&self) -> bool {
        self.kept.is_some() || self.polling.is_some() && self.cloned && self.fired != self.polling
    }

    fn fire(&mut self, waker: usize) {
        if self.kept == Some(waker) {
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
    /// Wakers that were taken out to be woken, whose waiters looked, or left, before their turn:
    /// they may be woken yet.
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

    // Shared shields.

    /// A shield becomes a shared one, or one more handle of a shared one is made.
    pub fn share(&mut self, handle: Id, work: Id) {
        if let Some(work) = self.works.get_mut(&work) {
            work.registration.end();
        }
        let sharer = Sharer {
            work,
            terminated: false,
            registration: Registration::default(),
            ended_before_poll: false,
        };
        self.sharers.insert(handle, sharer);
    }

    fn begin_shared(&mut self, id: Id, waker: usize) {
        let Some(sharer) = self.sharers.get_mut(&id) else {
            return;
        };
        sharer.registration.begin(waker);
        if let Some(work) = self.works.get_mut(&sharer.work) {
            sharer.ended_before_poll = work.stage == Stage::Ended && work.finished == Tri::Yes;
            if work.stage == Stage::Ended && work.present {
                work.gone = Tri::Either;
            }
        }
    }

    fn shared_pending(&mut self, id: Id) {
        let Some(sharer) = self.sharers.get_mut(&id) else {
            return;
        };
        let woken = sharer.registration.fired.is_some() && sharer.registration.fired == sharer.registration.polling;
        let ended_before = sharer.ended_before_poll;
        sharer.registration.pending();
        if let Some(work) = self.works.get_mut(&sharer.work) {
            if work.gone == Tri::Either && work.present {
                work.gone = Tri::No;
            }
            if ended_before || work.stage == Stage::Ended && work.finished == Tri::Yes && !woken {
                let text = format!("{id} returned `Pending`, and its work has ended: {work:?}");
                self.fail(text);
            }
        }
    }

    fn shared_delivered(&mut self, id: Id, outcome: &Outcome) {
        let Some(sharer) = self.sharers.get_mut(&id) else {
            return;
        };
        self.late.extend(sharer.registration.kept);
        sharer.registration.end();
        sharer.terminated = true;
        let Some(work) = self.works.get_mut(&sharer.work) else {
            return;
        };
        let legal = matches!(work.fate, None | Some(Fate::Delivered));
        if work.stage != Stage::Ended || !legal || work.outcome.as_ref() != Some(outcome) {
            let text = format!("{id} delivered {outcome:?}: {work:?}");
            self.fail(text);
            return;
        }
        cover(if work.fate.is_some() {
            "delivered to one more waiter"
        } else {
            "delivered to a first waiter"
        });
        work.fate = Some(Fate::Delivered);
        work.present = false;
        work.gone = Tri::Yes;
        work.finished = Tri::Yes;
        work.counted = if work.counted == Tri::No { Tri::No } else { Tri::Either };
    }

    /// A handle of a shared shield is about to be dropped. Returns the work, if it was the last
    /// one.
    fn shared_leaving(&mut self, id: Id) -> Option<Id> {
        let work = self.sharers.get(&id)?.work;
        if let Some(sharer) = self.sharers.get_mut(&id) {
            if self.works.get(&work).is_some_and(|work| work.stage == Stage::Ended) {
                self.late.extend(sharer.registration.kept);
            }
            sharer.registration.end();
        }
        let last = self
            .sharers
            .iter()
            .all(|(other, sharer)| *other == id || sharer.work != work);
        self.sharers.remove(&id);
        last.then_some(work)
    }

    // Queries.

    /// The least and the most entries that tracker may count.
    pub fn len(&self, tracker: usize) -> (usize, usize) {
        let mut len = (0, 0);
        for (_, (least, most)) in self.counts(tracker) {
            len.0 += least;
            len.1 += most;
        }
        len
    }

    /// The least and the most that a tracker may count at each place.
    pub fn counts(&self, tracker: usize) -> BTreeMap<Line, (usize, usize)> {
        let mut counts = BTreeMap::<Line, (usize, usize)>::new();
        let works = self
            .works
            .values()
            .filter_map(|work| Some((work.trackers, work.place?, work.counted)));
        let directs = self
            .directs
            .values()
            .map(|direct| (direct.trackers, direct.place, direct.counted));
        for (trackers, place, counted) in works.chain(directs) {
            if counted != Tri::No && trackers.contains(&tracker) {
                let count = counts.entry(place).or_default();
                count.0 += counted.least();
                count.1 += counted.most();
            }
        }
        counts
    }

    /// The least and the most orphans of a tracker, at each place.
    pub fn orphans(&self, tracker: usize) -> BTreeMap<Line, (usize, usize)> {
        let mut orphans = BTreeMap::<Line, (usize, usize)>::new();
        for work in self.works.values().filter(|work| work.trackers.contains(&tracker)) {
            if let Some(place) = work.place {
                let count = orphans.entry(place).or_default();
                let orphan = work.orphan.and(work.counted);
                count.0 += orphan.least();
                count.1 += orphan.most();
            }
        }
        orphans
    }

    /// The least and the most that a tracker says of how orphans ended, at each place: finished,
    /// panicked, cancelled.
    pub fn endings(&self, tracker: usize) -> BTreeMap<Line, [(usize, usize); 3]> {
        let mut endings = BTreeMap::<Line, [(usize, usize); 3]>::new();
        for ((_, place), ended) in self.endings.range((tracker, FIRST)..(tracker + 1, FIRST)) {
            endings.insert(*place, *ended);
        }
        for work in self.works.values().filter(|work| work.trackers.contains(&tracker)) {
            if let (Some(place), Some(ending)) = (work.place, work.ending()) {
                let count = &mut endings.entry(place).or_default()[ending];
                let counts = work.was_orphan.and(work.end_counts);
                count.0 += counts.least();
                count.1 += counts.most();
            }
        }
        endings
    }

    /// Forgets works that have ended and that nobody can ask about.
    pub fn forget(&mut self, asked: impl Fn(Id, &Self) -> bool) {
        let ended: Vec<Id> = self
            .works
            .iter()
            .filter(|(_, work)| work.fate.is_some())
            .map(|(id, _)| *id)
            .collect();
        for id in ended {
            if asked(id, self) {
                continue;
            }
            let Some(work) = self.works.remove(&id) else { continue };
            if let (Some(place), Some(ending)) = (work.place, work.ending()) {
                for tracker in work.trackers {
                    let count = &mut self.endings.entry((*tracker, place)).or_default()[ending];
                    count.0 += work.was_orphan.least();
                    count.1 += work.was_orphan.most();
                }
            }
        }
    }

    /// How many clones of a waker the crate keeps. For the end of an operation.
    pub fn kept(&self, waker: usize) -> usize {
        let registrations = self
            .works
            .values()
            .map(|work| &work.registration)
            .chain(self.waiters.values().map(|waiter| &waiter.registration))
            .chain(self.sharers.values().map(|sharer| &sharer.registration))
            .chain(self.waits.values().map(|wait| &wait.registration));
        registrations.filter(|one| one.kept == Some(waker)).count()
    }

    // A work's life.

    pub fn make(&mut self, id: Id, work: Work) {
        self.works.insert(id, work);
    }

    /// Its spawner was called with the work.
    pub fn spawned(&mut self, id: Id) {
        let Some(work) = self.works.get_mut(&id) else {
            if let Some(direct) = self.directs.get_mut(&id) {
                direct.counted = Tri::Yes;
            } else {
                self.fail(format!("a spawner was called for {id}, which is not there"));
            }
            return;
        };
        let expected = if work.mode.is_inline() {
            !work.present && matches!(work.stage, Stage::Armed | Stage::Running)
        } else {
            work.stage == Stage::Making
        };
        if work.spawned || !expected {
            let text = format!("a spawner was called for {id}: {work:?}");
            self.fail(text);
            return;
        }
        work.spawned = true;
        // The spawner is foreign code: an entry is there before it is called.
        work.counted = Tri::Yes;
        if !work.mode.is_inline() {
            work.stage = Stage::Running;
        }
    }

    pub fn future_polled(&mut self, future: Id) {
        let state = self.futures.entry(future).or_default();
        state.polls += 1;
        if state.ready || state.panicked || state.dropped {
            let text = format!("future {future} was polled after its end: {state:?}");
            self.fail(text);
        }
        if let Some((id, work)) = self.work_of(future) {
            let legal = matches!(work.stage, Stage::Lazy | Stage::Armed | Stage::Running) && !work.polling;
            if !legal {
                let text = format!("the future of {id} was polled: {work:?}");
                self.fail(text);
                return;
            }
            work.stage = Stage::Running;
            work.started = true;
            work.polling = true;
            work.counted = Tri::Yes;
        }
    }

    pub fn future_pending(&mut self, future: Id) {
        if let Some((_, work)) = self.work_of(future) {
            work.polling = false;
        }
    }

    pub fn future_ended(&mut self, future: Id, outcome: Outcome) {
        if let Some(state) = self.futures.get_mut(&future) {
            state.ready = matches!(outcome, Outcome::Value(_));
            state.panicked = !state.ready;
        }
        if let Some((_, work)) = self.work_of(future) {
            work.polling = false;
            work.stage = Stage::Ending;
            work.outcome = Some(outcome);
        }
    }

    /// A future is being dropped. If it had not ended, it is being cut off.
    pub fn future_dropping(&mut self, future: Id) {
        let state = self.futures.entry(future).or_default();
        state.dropped = true;
        if let Some((id, work)) = self.work_of(future) {
            match work.stage {
                // The call to the spawner, or the closure, panicked before.
                Stage::Making | Stage::Armed | Stage::Running if !work.polling => {
                    work.stage = Stage::Ending;
                    work.outcome = Some(Outcome::Cancelled { started: work.started });
                }
                Stage::Lazy if !work.present => {
                    work.stage = Stage::Ending;
                    work.fate = Some(Fate::NeverRan);
                }
                Stage::Ending => {}
                _ => {
                    let text = format!("the future of {id} was dropped: {work:?}");
                    self.fail(text);
                }
            }
        }
    }

    /// That drop is over, maybe with a panic.
    pub fn future_dropped(&mut self, future: Id, panicked: Option<Id>) {
        // Told from inside that call.
        let at = (self.depth - 1, self.events);
        if let Some((_, work)) = self.work_of(future) {
            if let Some(payload) = panicked {
                if let Some(Outcome::Value(_)) = work.outcome {
                    work.outcome = Some(Outcome::Panic(payload));
                    work.output_lost = true;
                    cover("value lost to the drop of its future");
                } else {
                    cover("second panic in the drop of a future");
                }
            }
            work.settle(at);
            if work.fate.is_none() {
                self.outcomes += 1;
            }
        } else if let Some(direct) = self.directs.values_mut().find(|direct| direct.future == future) {
            direct.counted = Tri::Either;
            direct.dropped = true;
        }
    }

    /// Its executor has dropped its task: it is over, and nothing is left open.
    pub fn task_dropped(&mut self, id: Id) {
        if let Some(work) = self.works.get_mut(&id) {
            if work.stage == Stage::Ended {
                work.finished = Tri::Yes;
                // Assumed: eager work that ends inside the call to its spawner may count until that
                // returns.
                work.counted = if work.making { Tri::Either } else { Tri::No };
                work.orphan = Tri::No;
                work.end_counts = Tri::Yes;
            }
        }
        if let Some(direct) = self.directs.get_mut(&id) {
            if direct.dropped {
                direct.counted = Tri::No;
            }
        }
    }

    /// The closure of a cleanup is called: the work begins.
    pub fn closure_called(&mut self, id: Id) {
        let Some(work) = self.works.get_mut(&id) else { return };
        if work.stage != Stage::Armed || work.polling {
            let text = format!("the closure of {id} was called: {work:?}");
            self.fail(text);
            return;
        }
        work.stage = Stage::Running;
        work.started = true;
        work.polling = true;
        work.counted = Tri::Yes;
    }

    /// It returned, or panicked, which is the end of the work.
    pub fn closure_returned(&mut self, id: Id, panicked: Option<Outcome>) {
        // Told from inside that call.
        let at = (self.depth - 1, self.events);
        let Some(work) = self.works.get_mut(&id) else { return };
        work.polling = false;
        if panicked.is_some() {
            work.outcome = panicked;
            work.settle(at);
            self.outcomes += 1;
        }
    }

    /// A cleanup is cancelled before its closure has made a future: the closure and the value are
    /// dropped.
    pub fn cleanup_cancelled(&mut self, id: Id) {
        if let Some(work) = self.works.get_mut(&id) {
            if work.stage == Stage::Armed && work.spawned {
                work.stage = Stage::Ending;
                work.outcome = Some(Outcome::Cancelled { started: work.started });
                if work.hook.is_none() {
                    work.is_over();
                }
                self.outcomes += 1;
            }
        }
    }

    pub fn hook_runs(&mut self, hook: Id) -> Option<Id> {
        let Some((id, work)) = self.works.iter_mut().find(|(_, work)| work.hook == Some(hook)) else {
            self.fail(format!("hook {hook} ran, and is no work's hook"));
            return None;
        };
        let id = *id;
        if work.stage == Stage::Ending
            && matches!(work.outcome, Some(Outcome::Cancelled { .. }))
            && work.mode == Mode::Cleanup
        {
            work.stage = Stage::Ended;
        }
        if work.present || work.fate.is_some() || work.stage != Stage::Ended {
            let text = format!("the hook of {id} ran: {work:?}");
            self.fail(text);
            return None;
        }
        work.fate = Some(Fate::Hooked);
        let what = match (work.finished, &work.outcome) {
            (Tri::Yes, _) => "hook run by the caller",
            (_, Some(Outcome::Value(_))) => "hook run with a value",
            (_, Some(Outcome::Cancelled { started: true })) => "hook run, cancelled after it started",
            (_, Some(Outcome::Cancelled { started: false })) => "hook run, cancelled before it started",
            _ => "hook run with a panic",
        };
        cover(what);
        work.gone = Tri::Yes;
        work.counted = Tri::Yes;
        Some(id)
    }

    /// A hook is being dropped, for whichever reason.
    pub fn hook_dropping(&mut self, hook: Id) {
        if let Some(work) = self.works.values_mut().find(|work| work.hook == Some(hook)) {
            let delivering = work.fate.is_none() && work.present && work.stage == Stage::Ended;
            if delivering {
                work.gone = Tri::Yes;
            }
        }
    }

    /// The hook has run, and what it captured is gone.
    pub fn hook_dropped(&mut self, hook: Id) {
        if let Some(work) = self.works.values_mut().find(|work| work.hook == Some(hook)) {
            work.hook = None;
            if work.fate == Some(Fate::Hooked) {
                work.is_over();
            }
        }
    }

    fn outcome_dropping(&mut self, is: impl Fn(&Outcome) -> bool) -> Option<Id> {
        let (id, work) = self
            .works
            .iter_mut()
            .find(|(_, work)| work.fate.is_none() && work.outcome.as_ref().is_some_and(&is))?;
        let id = *id;
        if work.stage < Stage::Ended {
            // The future was dropped inside its own poll, or the outcome before the future.
            let text = format!("the outcome of {id} was dropped before its future: {work:?}");
            self.fail(text);
            return None;
        }
        if work.gone == Tri::No && work.present || work.hook.is_some() {
            let text = format!("the outcome of {id} was dropped: {work:?}");
            self.fail(text);
            return None;
        }
        work.fate = Some(Fate::Dropped);
        let what = if work.finished == Tri::Yes {
            "outcome dropped by the caller"
        } else {
            "outcome of an orphan dropped"
        };
        cover(what);
        work.gone = Tri::Yes;
        work.counted = Tri::Yes;
        Some(id)
    }

    pub fn output_dropping(&mut self, output: Id) {
        // If the drop of its future panicked, that is the outcome, and the output is dropped on the
        // way.
        self.outcome_dropping(|outcome| *outcome == Outcome::Value(output));
    }

    pub fn payload_dropping(&mut self, payload: Id) {
        self.outcome_dropping(|outcome| *outcome == Outcome::Panic(payload));
    }

    pub fn outcome_dropped(&mut self, output: Outcome) {
        for work in self.works.values_mut() {
            if work.fate == Some(Fate::Dropped) && work.outcome.as_ref() == Some(&output) {
                work.is_over();
            }
        }
    }

    // Its caller.

    pub fn begin_poll(&mut self, id: Id, waker: usize) {
        if self.sharers.contains_key(&id) {
            return self.begin_shared(id, waker);
        }
        if let Some(work) = self.works.get_mut(&id) {
            if !work.mode.is_inline() {
                work.registration.begin(waker);
            }
            work.ended_before_poll = work.stage == Stage::Ended && work.finished == Tri::Yes;
            if work.stage == Stage::Ended {
                // It may deliver.
                work.gone = Tri::Either;
            }
        }
    }

    pub fn poll_pending(&mut self, id: Id) {
        if self.sharers.contains_key(&id) {
            return self.shared_pending(id);
        }
        let Some(work) = self.works.get_mut(&id) else { return };
        if work.mode.is_inline() {
            if work.stage != Stage::Running || work.polling {
                let text = format!("{id} returned `Pending`: {work:?}");
                self.fail(text);
            }
            return;
        }
        let woken = work.registration.fired.is_some() && work.registration.fired == work.registration.polling;
        if work.ended_before_poll || work.stage == Stage::Ended && work.finished == Tri::Yes && !woken {
            let text = format!("{id} returned `Pending`, and its work has ended: {work:?}");
            self.fail(text);
        }
        if let Some(work) = self.works.get_mut(&id) {
            work.registration.pending();
            if work.gone == Tri::Either && work.present {
                work.gone = Tri::No;
            }
        }
    }

    /// The poll unwound with a panic that is not the work's, and changed nothing.
    pub fn poll_passed(&mut self, id: Id) {
        let work = self.work(id);
        if let Some(sharer) = self.sharers.get_mut(&id) {
            let kept = sharer.registration.kept;
            sharer.registration.end();
            sharer.registration.kept = kept;
            if let Some(work) = self.works.get_mut(&work) {
                if work.gone == Tri::Either && work.present {
                    work.gone = Tri::No;
                }
            }
            return;
        }
        if let Some(work) = self.works.get_mut(&id) {
            let kept = work.registration.kept;
            work.registration.end();
            work.registration.kept = kept;
            if work.gone == Tri::Either && work.present {
                work.gone = Tri::No;
            }
        }
    }

    pub fn delivered(&mut self, id: Id, outcome: &Outcome) {
        if self.sharers.contains_key(&id) {
            return self.shared_delivered(id, outcome);
        }
        let Some(work) = self.works.get_mut(&id) else { return };
        let legal = work.stage == Stage::Ended && work.present && work.fate.is_none();
        if !legal || work.outcome.as_ref() != Some(outcome) {
            let text = format!("{id} delivered {outcome:?}: {work:?}");
            self.fail(text);
            return;
        }
        work.fate = Some(Fate::Delivered);
        let what = match (work.mode, outcome) {
            (_, Outcome::Cancelled { .. }) => "cancellation delivered",
            (_, Outcome::Panic(_) | Outcome::Text) => "panic delivered",
            (Mode::Cleanup, _) => "cleanup delivered",
            (Mode::Inline | Mode::InlineLocal, _) => "inline value delivered",
            _ => "value delivered",
        };
        cover(what);
        work.present = false;
        work.terminated = true;
        work.gone = Tri::Yes;
        work.finished = Tri::Yes;
        work.counted = if work.counted == Tri::No { Tri::No } else { Tri::Either };
        work.registration.end();
    }

    /// The caller's handle is about to be dropped.
    pub fn leaving(&mut self, id: Id) {
        let shared = self.sharers.contains_key(&id);
        let id = match shared.then(|| self.shared_leaving(id)) {
            None => id,
            Some(Some(work)) => work,
            // There are other waiters.
            Some(None) => return,
        };
        // Assumed: the last waiter drops its own waker before the caller is gone.
        let at_once = if shared { Tri::Either } else { Tri::Yes };
        let Some(work) = self.works.get_mut(&id) else { return };
        if work.terminated || !work.present {
            return;
        }
        work.present = false;
        work.gone = at_once;
        work.registration.end();
        if work.stage == Stage::Ended {
            // If the hook, or the drop of the outcome, runs now, it counts while it does.
            if work.finished == Tri::Yes {
                work.counted = Tri::Either;
            }
            if work.finished != Tri::Yes {
                work.orphan = Tri::Either;
                work.was_orphan = Tri::Either;
                work.end_counts = Tri::Either;
            }
        } else if work.stage != Stage::Lazy {
            work.orphan = at_once;
            work.was_orphan = Tri::Yes;
            let what = match (work.mode.is_inline(), work.stage) {
                (false, _) => "caller of running work left",
                (true, Stage::Armed) => "cleanup dropped before its run",
                _ => "inline work dropped partway",
            };
            cover(what);
            if work.mode.is_inline() && work.counted == Tri::No {
                work.counted = Tri::Either;
            }
        }
    }

    // Wakers.

    /// A waker was cloned: by a waiter, or by a future of ours.
    pub fn cloned(&mut self, waker: usize) {
        let works = self.works.values_mut().map(|work| &mut work.registration);
        let sharers = self.sharers.values_mut().map(|sharer| &mut sharer.registration);
        let waiters = self.waiters.values_mut().map(|waiter| &mut waiter.registration);
        let waits = self.waits.values_mut().map(|wait| &mut wait.registration);
        for registration in works.chain(sharers).chain(waiters).chain(waits) {
            registration.cloned |= registration.polling == Some(waker);
        }
    }

    /// A waker is being dropped: maybe that of a waiter whose future, or deadline, has just ended.
    pub fn waker_dropped(&mut self, waker: usize) {
        let futures = &self.futures;
        let is_ready = |future: Option<Id>| future.and_then(|id| futures.get(&id)).is_some_and(|state| state.ready);
        let waiters = self
            .waiters
            .values_mut()
            .filter(|waiter| is_ready(waiter.future) && !waiter.ended);
        let waits = self
            .waits
            .values_mut()
            .filter(|wait| is_ready(wait.deadline) && !wait.ended);
        let registrations = waiters
            .map(|waiter| &mut waiter.registration)
            .chain(waits.map(|wait| &mut wait.registration));
        for registration in registrations {
            if registration.kept == Some(waker) {
                registration.kept = None;
            }
        }
    }

    /// A waker was woken by the crate. Returns `true` if that is because a tracker has nothing
    /// left: one of those that say so now.
    pub fn woken(&mut self, waker: usize, empty: [bool; TRACKERS]) -> bool {
        // The work that has ended last, in this call to foreign code, is the one that wakes its
        // caller.
        let depth = self.depth;
        let settling = self
            .works
            .values_mut()
            .filter(|work| work.stage == Stage::Ended && work.finished == Tri::Either && work.present)
            .filter(|work| work.registration.waits_with(waker))
            .max_by_key(|work| (work.settled_at.0 == depth, work.settled_at.1));
        if let Some(work) = settling {
            work.registration.fire(waker);
            if work.settled_at.0 == depth {
                work.finished = Tri::Yes;
            }
            cover("caller woken by the end");
            return false;
        }
        let works = &mut self.works;
        let sharer = self
            .sharers
            .values_mut()
            .filter(|sharer| sharer.registration.waits_with(waker))
            .filter(|sharer| works.get(&sharer.work).is_some_and(|work| work.stage == Stage::Ended))
            .max_by_key(|sharer| sharer.registration.kept == Some(waker));
        if let Some(sharer) = sharer {
            sharer.registration.fire(waker);
            if let Some(work) = works.get_mut(&sharer.work) {
                if work.settled_at.0 == depth {
                    work.finished = Tri::Yes;
                }
            }
            cover("waiter of a shared shield woken");
            return false;
        }
        let works = &self.works;
        let gone = self.waiters.values_mut().find(|waiter| {
            waiter.registration.waits_with(waker) && works.get(&waiter.work).is_none_or(|work| work.gone != Tri::No)
        });
        if let Some(waiter) = gone {
            waiter.registration.fire(waker);
            cover("waiter woken because the caller is gone");
            return false;
        }
        let idle: Vec<bool> = (0..TRACKERS)
            .map(|tracker| empty[tracker] && self.len(tracker).0 == 0)
            .collect();
        let wait = self
            .waits
            .values_mut()
            .filter(|wait| wait.registration.waits_with(waker) && (wait.due || idle[wait.tracker]))
            .max_by_key(|wait| (wait.due, wait.registration.kept == Some(waker)));
        if let Some(wait) = wait {
            wait.registration.fire(waker);
            // The first of several: the others are next, also those of other trackers that have
            // nothing left.
            let first = !std::mem::take(&mut wait.due);
            for wait in self.waits.values_mut().filter(|wait| first && idle[wait.tracker]) {
                wait.due |= wait.registration.is_there();
            }
            cover("wait woken because nothing is left");
            return true;
        }
        if let Some(place) = self.late.iter().position(|late| *late == waker) {
            self.late.swap_remove(place);
            return false;
        }
        self.fail(format!(
            "waker {waker} was woken, and nothing that it waits for has happened"
        ));
        false
    }

    // Waiters for the caller to be gone.

    pub fn wait_for_gone(&mut self, id: Id, work: Id, future: Option<Id>, clock: Option<Id>) {
        self.waiters.insert(
            id,
            Waiter {
                work,
                future,
                clock,
                opened: false,
                ticking: false,
                ended: false,
                registration: Registration::default(),
                gone_before_poll: Tri::No,
                polls_before: 0,
            },
        );
    }

    fn gone(&self, work: Id) -> Tri {
        // Works whose caller and waiters are gone are forgotten.
        self.works.get(&work).map_or(Tri::Yes, |work| work.gone)
    }

    pub fn begin_waiter(&mut self, id: Id, waker: usize) {
        let Some(waiter) = self.waiters.get(&id) else { return };
        let gone = self.gone(waiter.work);
        let polls = waiter
            .future
            .map_or(0, |future| self.futures.get(&future).map_or(0, |state| state.polls));
        if let Some(waiter) = self.waiters.get_mut(&id) {
            if gone != Tri::Yes && !waiter.ticking {
                waiter.registration.begin(waker);
            }
            waiter.gone_before_poll = gone;
            waiter.polls_before = polls;
        }
    }

    /// A waiter's poll returned; `value` says whether with its future's value.
    pub fn end_waiter(&mut self, id: Id, ready: Option<bool>) {
        let Some(waiter) = self.waiters.get(&id) else { return };
        let now = self.gone(waiter.work);
        let before = waiter.gone_before_poll;
        let future = waiter.future.and_then(|future| self.futures.get(&future));
        let polled = future.is_some_and(|state| state.polls > waiter.polls_before);
        let valued = future.is_some_and(|state| state.ready);
        let ticked = waiter
            .clock
            .and_then(|clock| self.futures.get(&clock))
            .is_some_and(|clock| clock.ready);
        let woken = waiter.registration.fired.is_some() && waiter.registration.fired == waiter.registration.polling;
        let wrong = match (waiter.future, waiter.clock) {
            // `Gone`.
            (None, _) => match ready {
                None => before == Tri::Yes || now == Tri::Yes && !woken,
                Some(_) => now == Tri::No,
            },
            // `RunUntilGone`: if the caller is gone already, its future is never polled. Each later
            // poll tries it first.
            (Some(_), None) => {
                let barred = before == Tri::Yes && !waiter.opened;
                let may_be_barred = before != Tri::No && !waiter.opened;
                match ready {
                    Some(true) => !valued || barred,
                    Some(false) => valued || now == Tri::No || (polled && barred) || (!polled && !may_be_barred),
                    None => barred || !polled || valued || before == Tri::Yes || now == Tri::Yes && !woken,
                }
            }
            // `RunWithGrace`: its future is tried first in each poll; the clock is made once the
            // caller is gone.
            (Some(_), Some(_)) => match ready {
                Some(true) => !valued,
                Some(false) => valued || now == Tri::No || !ticked,
                None => !polled || valued || ticked || (before == Tri::Yes && !waiter.ticking),
            },
        };
        if wrong {
            let text = format!(
                "waiter {id} returned {ready:?} (gone before: {before:?}, now: {now:?}, polled: {polled}, value: {valued}): {waiter:?}"
            );
            self.fail(text);
        }
        let Some(waiter) = self.waiters.get(&id) else { return };
        let what = match (waiter.future, waiter.clock, ready) {
            (_, _, None) => "waiter pending",
            (None, ..) => "gone",
            (_, None, Some(true)) => "window ended with a value",
            (_, None, Some(false)) => "window cut off",
            (_, Some(_), Some(true)) => "grace ended with a value",
            (_, Some(_), Some(false)) => "time of a grace is up",
        };
        cover(what);
        if let Some(waiter) = self.waiters.get_mut(&id) {
            if now != Tri::No {
                self.late.extend(waiter.registration.kept);
            }
            waiter.opened = true;
            match ready {
                None if waiter.ticking => waiter.registration.end(),
                None => waiter.registration.pending(),
                Some(_) => {
                    waiter.ended = true;
                    waiter.registration.end();
                }
            }
        }
    }

    /// The clock of a grace was made: the caller must be gone.
    pub fn clock_made(&mut self, id: Id) {
        let Some(waiter) = self.waiters.get(&id) else { return };
        if self.gone(waiter.work) == Tri::No || waiter.ticking {
            let text = format!("the clock of {id} was made: {waiter:?}");
            self.fail(text);
        }
        if let Some(waiter) = self.waiters.get_mut(&id) {
            waiter.ticking = true;
            let kept = waiter.registration.kept.take();
            waiter.registration.end();
            self.late.extend(kept);
        }
    }

    /// The poll unwound with a panic that is not its future's.
    pub fn waiter_passed(&mut self, id: Id) {
        let futures = &self.futures;
        if let Some(waiter) = self.waiters.get_mut(&id) {
            let state = waiter.future.and_then(|future| futures.get(&future));
            waiter.opened |= state.is_some_and(|state| state.polls > waiter.polls_before);
            let kept = waiter.registration.kept;
            waiter.registration.end();
            waiter.registration.kept = kept;
        }
    }

    pub fn waiter_dropped(&mut self, id: Id) {
        if let Some(waiter) = self.waiters.remove(&id) {
            if self.gone(waiter.work) != Tri::No {
                self.late.extend(waiter.registration.kept);
            }
        }
    }

    // Waits for a tracker to have nothing left.

    pub fn wait_for_zero(&mut self, id: Id, tracker: usize, deadline: Option<Id>) {
        self.waits.insert(
            id,
            Wait {
                tracker,
                due: false,
                deadline,
                ended: false,
                registration: Registration::default(),
                least_before: 0,
                events_before: 0,
            },
        );
    }

    pub fn begin_wait(&mut self, id: Id, waker: usize) {
        let events = self.events;
        let Some(tracker) = self.waits.get(&id).map(|wait| wait.tracker) else {
            return;
        };
        let least = self.len(tracker).0;
        if let Some(wait) = self.waits.get_mut(&id) {
            wait.registration.begin(waker);
            wait.least_before = least;
            wait.events_before = events;
        }
    }

    /// A poll of a `Wait` or a `Drain` returned: not yet, with nothing left, or with what is left.
    pub fn end_wait(&mut self, id: Id, result: Option<Result<(), Named>>) {
        let Some(wait) = self.waits.get(&id) else { return };
        let (least, most) = self.len(wait.tracker);
        let expired = wait
            .deadline
            .and_then(|deadline| self.futures.get(&deadline))
            .is_some_and(|deadline| deadline.ready);
        let woken = wait.registration.fired.is_some() && wait.registration.fired == wait.registration.polling;
        let wrong = match &result {
            None => expired || (most == 0 && !woken),
            Some(Ok(())) => least != 0 && wait.least_before != 0,
            Some(Err(unfinished)) => {
                let counts = self.counts(wait.tracker);
                // Nothing but the poll of the deadline happened meanwhile: then it names exactly
                // what runs.
                let calm = self.events <= wait.events_before + 2;
                let named = unfinished.iter().all(|(line, count, _)| {
                    counts
                        .get(line)
                        .is_some_and(|(least, most)| count <= most && (!calm || count >= least))
                });
                !expired
                    || unfinished.is_empty()
                    || calm && (!named || unfinished.len() < counts.values().filter(|count| count.0 > 0).count())
            }
        };
        if wrong {
            let text = format!("wait {id} returned {result:?} with {least} to {most} left: {wait:?}");
            self.fail(text);
        }
        let what = match &result {
            None => "wait pending",
            Some(Ok(())) => "nothing left",
            Some(Err(_)) => "deadline of a drain",
        };
        cover(what);
        if let Some(wait) = self.waits.get_mut(&id) {
            if wait.due {
                self.late.extend(wait.registration.kept);
            }
            match result {
                None => {
                    wait.registration.pending();
                    wait.due = false;
                }
                Some(_) => {
                    wait.due = false;
                    wait.ended = true;
                    wait.registration.end();
                }
            }
        }
    }

    pub fn wait_passed(&mut self, id: Id) {
        if let Some(wait) = self.waits.get_mut(&id) {
            let kept = wait.registration.kept;
            wait.registration.end();
            wait.registration.kept = kept;
        }
    }

    pub fn wait_dropped(&mut self, id: Id) {
        if let Some(wait) = self.waits.remove(&id) {
            if wait.due {
                self.late.extend(wait.registration.kept);
            }
        }
    }

    // The end of an operation.

    /// No operation is under way: nothing is open, and what was due has happened.
    pub fn quiesce(&mut self) {
        let mut failures = Vec::new();
        for (id, work) in &mut self.works {
            if work.stage == Stage::Ending && work.mode == Mode::Cleanup {
                work.stage = Stage::Ended;
            }
            if work.stage == Stage::Ending || work.polling {
                failures.push(format!("{id} is left in the middle: {work:?}"));
            }
            let ended = work.stage == Stage::Ended;
            work.gone = if work.present { Tri::No } else { Tri::Yes };
            work.finished = if ended { Tri::Yes } else { Tri::No };
            work.counted = match work.stage {
                Stage::Running => Tri::Yes,
                Stage::Armed if work.spawned => Tri::Yes,
                _ => Tri::No,
            };
            work.orphan = if !ended && !work.present { Tri::Yes } else { Tri::No };
            if work.orphan == Tri::Yes {
                work.was_orphan = Tri::Yes;
            }
            work.end_counts = if ended { Tri::Yes } else { Tri::No };
            if ended && work.present && work.registration.kept.is_some() {
                failures.push(format!("{id} has ended, and its caller was not woken: {work:?}"));
            }
            if ended && !work.present && work.fate.is_none() {
                let lost = match &work.outcome {
                    Some(Outcome::Value(output)) => self.alive.contains(&(Kind::Output, *output)),
                    Some(Outcome::Panic(payload)) => self.alive.contains(&(Kind::Payload, *payload)),
                    _ => false,
                };
                if lost || work.hook.is_some() {
                    failures.push(format!("the outcome of {id} went to nobody: {work:?}"));
                }
                work.fate = Some(Fate::Dropped);
            }
            if let (Some(Fate::Delivered | Fate::NeverRan), Some(hook)) = (work.fate, work.hook) {
                failures.push(format!("hook {hook} of {id} was not dropped: {work:?}"));
            }
        }
        for (id, sharer) in &self.sharers {
            let ended = (self.works.get(&sharer.work)).is_none_or(|work| work.stage == Stage::Ended);
            if ended && sharer.registration.kept.is_some() {
                failures.push(format!("{} has ended, and its waiter {id} was not woken", sharer.work));
            }
        }
        for (id, waiter) in &self.waiters {
            let gone = self.works.get(&waiter.work).is_none_or(|work| work.gone == Tri::Yes);
            if gone && waiter.registration.kept.is_some() {
                failures.push(format!(
                    "the caller of {} is gone, and waiter {id} was not woken",
                    waiter.work
                ));
            }
        }
        for direct in self.directs.values_mut() {
            direct.counted = if direct.dropped { Tri::No } else { Tri::Yes };
        }
        for (id, wait) in &self.waits {
            if wait.registration.kept.is_some() && (wait.due || self.len(wait.tracker).0 == 0) {
                failures.push(format!(
                    "tracker {} is empty, and wait {id} was not woken",
                    wait.tracker
                ));
            }
        }
        if let Some(failure) = failures.into_iter().next() {
            self.fail(failure);
        }
        self.directs.retain(|_, direct| !direct.dropped);
        self.futures.retain(|_, state| !state.dropped || state.ready);
        self.passing.clear();
        self.late.clear();
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
