//! Programs: lists of operations as data, made from a seed and nothing else, so that a seed and a
//! list of kept operations name one.

use std::fmt;

use fastrand::Rng;

/// The number of an operation, and of what it creates.
pub type Id = u32;

pub const WAKERS: usize = 5;
pub const EXECUTORS: usize = 3;
pub const TRACKERS: usize = 3;

/// How foreign code behaves when it is called.
#[derive(Clone, Debug, Default)]
pub enum React {
    #[default]
    Nothing,
    Panic,
    /// Runs an operation there and then.
    Run(Box<Op>),
    RunAndPanic(Box<Op>),
}

/// Which function shields the work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    Eager,
    Local,
    With,
    WithLocal,
    Inline,
    InlineLocal,
    Cleanup,
}

impl Mode {
    /// Runs inside its caller until that is dropped.
    pub fn is_inline(self) -> bool {
        matches!(self, Self::Inline | Self::InlineLocal | Self::Cleanup)
    }

    pub fn is_local(self) -> bool {
        matches!(self, Self::Local | Self::WithLocal | Self::InlineLocal)
    }

    pub fn has_caller(self) -> bool {
        matches!(self, Self::With | Self::WithLocal)
    }
}

/// Which spawner the work is given to. Tracker 0 spawns on executor 0, 1 on 1, and 2 is a tracker
/// around tracker 0.
#[derive(Clone, Copy, Debug)]
pub enum Route {
    Plain(usize),
    Closure(usize),
    Tracked(usize),
    TrackedByReference(usize),
    Erased(usize),
    ErasedTracker(usize),
}

/// A future: pending `pends` times, then until its gate is open if it has one, then it ends.
#[derive(Clone, Debug)]
pub struct FutureSpec {
    pub id: Id,
    pub pends: u8,
    pub gated: bool,
    pub panics: bool,
    /// Keeps a clone of its waker while its gate is closed.
    pub keeps_waker: bool,
    /// Awaits this handle first.
    pub awaits: Option<Id>,
    pub first_poll: React,
    pub drop: React,
    pub output_drop: React,
    /// The drop of the payload of each of its panics panics, too.
    pub payload_panics: bool,
}

#[derive(Clone, Debug)]
pub struct HookSpec {
    pub id: Id,
    pub run: React,
    pub drop: React,
}

/// A window that the work opens before anything else: its future is cut off when the caller is
/// gone.
#[derive(Clone, Debug)]
pub struct WindowSpec {
    pub id: Id,
    pub future: FutureSpec,
    /// With a clock: the future is given grace.
    pub clock: Option<ClockSpec>,
}

#[derive(Clone, Debug)]
pub struct ClockSpec {
    pub future: FutureSpec,
    pub make: React,
    pub make_drop: React,
}

#[derive(Clone, Debug)]
pub struct Spawn {
    pub id: Id,
    pub mode: Mode,
    pub route: Route,
    /// Which of the lines that shield.
    pub line: u8,
    pub future: FutureSpec,
    pub window: Option<WindowSpec>,
    pub spawner_drop: React,
    /// When the spawner is asked to count the work while it runs inline.
    pub track: React,
    /// Of the closure of `cleanup` and `shield_with`: when it is called, and when it is dropped.
    pub closure: React,
    pub closure_drop: React,
    pub value_drop: React,
    pub hook: Option<HookSpec>,
}

/// What an executor does with the next work that it is given.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Behave {
    #[default]
    Take,
    PanicBefore,
    PanicAfter,
    /// Polls the work once, inside the call to the spawner, and takes it if it is pending.
    Poll,
}

#[derive(Clone, Copy, Debug)]
pub enum WakerEvent {
    Clone,
    Wake,
    Drop,
}

#[derive(Clone, Debug)]
pub enum Op {
    Spawn(Box<Spawn>),
    /// A task of an executor that owns a handle, and awaits it.
    Move {
        id: Id,
        handle: Id,
        executor: usize,
    },
    /// Spawns a future on a tracker, with no shield.
    Direct {
        id: Id,
        tracker: usize,
        line: u8,
        future: Box<FutureSpec>,
    },
    Step {
        task: Id,
        waker: usize,
    },
    /// Polls each task of an executor once.
    StepAll {
        executor: usize,
        waker: usize,
    },
    Poll {
        handle: Id,
        waker: usize,
    },
    Drop {
        handle: Id,
    },
    Detach {
        handle: Id,
    },
    Leak {
        handle: Id,
    },
    Hook {
        handle: Id,
        hook: Box<HookSpec>,
    },
    Fallible {
        handle: Id,
    },
    /// Makes a shared shield of a shield.
    Share {
        handle: Id,
    },
    /// One more waiter of a shared shield.
    CloneShared {
        id: Id,
        handle: Id,
    },
    RunCleanup {
        handle: Id,
    },
    Disarm {
        handle: Id,
    },
    Open {
        future: Id,
    },
    Wake {
        future: Id,
        twice: bool,
    },
    ShutDown {
        executor: usize,
    },
    Reopen {
        executor: usize,
    },
    ArmExecutor {
        executor: usize,
        behave: Behave,
    },
    ArmWaker {
        waker: usize,
        event: WakerEvent,
        react: React,
    },
    Wait {
        id: Id,
        tracker: usize,
    },
    Drain {
        id: Id,
        tracker: usize,
        deadline: Box<FutureSpec>,
    },
    PollWait {
        id: Id,
        waker: usize,
    },
    DropWait {
        id: Id,
    },
    Gone {
        id: Id,
        work: Id,
    },
    Window {
        work: Id,
        window: Box<WindowSpec>,
    },
    PollWindow {
        id: Id,
        waker: usize,
    },
    DropWindow {
        id: Id,
    },
    DropCaller {
        work: Id,
    },
}

/// Makes the program of `seed`.
pub fn generate(seed: u64, steps: usize) -> Vec<Op> {
    let mut maker = Maker {
        rng: Rng::with_seed(seed),
        next: 0,
        handles: Vec::new(),
        tasks: Vec::new(),
        futures: Vec::new(),
        callers: Vec::new(),
        waits: Vec::new(),
        windows: Vec::new(),
        cleanups: Vec::new(),
        panics: 0,
        soon: Vec::new(),
    };
    // Some programs have no panics in them, and some no nested operations: they go further.
    maker.panics = [0, 3, 10][maker.rng.usize(..3)];
    let nesting = [0, 1, 2][maker.rng.usize(..3)];
    (0..steps).map(|_| maker.next(nesting)).collect()
}

/// Knows what the program has created so far, and not whether that is still there.
struct Maker {
    rng: Rng,
    next: Id,
    handles: Vec<Id>,
    cleanups: Vec<Id>,
    tasks: Vec<Id>,
    futures: Vec<Id>,
    callers: Vec<Id>,
    waits: Vec<Id>,
    windows: Vec<Id>,
    /// Of a hundred calls to foreign code, this many panic.
    panics: u32,
    /// What goes well with what was made before: likely to be next.
    soon: Vec<Op>,
}

/// One of the last few.
fn recent(rng: &mut Rng, ids: &[Id]) -> Id {
    let from = ids.len().saturating_sub(6);
    rng.choice(&ids[from..]).copied().unwrap_or(0)
}

impl Maker {
    fn id(&mut self) -> Id {
        self.next += 1;
        self.next
    }

    fn chance(&mut self, percent: u32) -> bool {
        self.rng.u32(..100) < percent
    }

    /// Often the first: things happen together if they share a waker.
    fn waker(&mut self) -> usize {
        if self.chance(40) { 0 } else { self.rng.usize(..WAKERS) }
    }

    fn executor(&mut self) -> usize {
        self.rng.usize(..EXECUTORS)
    }

    fn tracker(&mut self) -> usize {
        self.rng.usize(..TRACKERS)
    }

    fn react(&mut self, nesting: u32) -> React {
        let panics = self.chance(self.panics);
        if nesting > 0 && self.chance(15) {
            let op = Box::new(self.op(nesting - 1));
            return if panics { React::RunAndPanic(op) } else { React::Run(op) };
        }
        if panics { React::Panic } else { React::Nothing }
    }

    fn future(&mut self, nesting: u32) -> FutureSpec {
        let id = self.id();
        self.futures.push(id);
        FutureSpec {
            id,
            pends: self.rng.u8(..6).saturating_sub(3),
            gated: self.chance(35),
            panics: self.chance(self.panics * 2),
            keeps_waker: self.chance(50),
            awaits: None,
            first_poll: self.react(nesting),
            drop: self.react(nesting),
            output_drop: self.react(nesting),
            payload_panics: self.chance(self.panics * 3),
        }
    }

    fn hook(&mut self, nesting: u32) -> HookSpec {
        HookSpec {
            id: self.id(),
            run: self.react(nesting),
            drop: self.react(nesting),
        }
    }

    fn window(&mut self, nesting: u32) -> WindowSpec {
        let id = self.id();
        let future = self.future(nesting);
        let clock = self.chance(60).then(|| ClockSpec {
            future: self.future(nesting),
            make: self.react(nesting),
            make_drop: self.react(nesting),
        });
        WindowSpec { id, future, clock }
    }

    fn spawn(&mut self, nesting: u32) -> Spawn {
        let mode = match self.rng.u32(..20) {
            0..5 => Mode::Eager,
            5..7 => Mode::Local,
            7..10 => Mode::With,
            10 => Mode::WithLocal,
            11..15 => Mode::Inline,
            15 => Mode::InlineLocal,
            _ => Mode::Cleanup,
        };
        let route = match self.rng.u32(..if mode.is_local() { 12 } else { 18 }) {
            0..4 => Route::Plain(self.executor()),
            4 => Route::Closure(self.executor()),
            5..9 => Route::Tracked(self.tracker()),
            9..12 => Route::TrackedByReference(self.tracker()),
            12..14 => Route::Erased(self.executor()),
            _ => Route::ErasedTracker(self.tracker()),
        };
        let mut future = self.future(nesting);
        if self.chance(10) && !self.handles.is_empty() {
            future.awaits = Some(recent(&mut self.rng, &self.handles));
        }
        let window = (mode.has_caller() && self.chance(50)).then(|| self.window(nesting));
        let id = self.id();
        self.handles.push(id);
        self.tasks.push(id);
        if mode == Mode::Cleanup {
            self.cleanups.push(id);
        }
        if mode.has_caller() {
            self.callers.push(id);
        }
        Spawn {
            id,
            mode,
            route,
            line: self.rng.u8(..3),
            future,
            window,
            spawner_drop: self.react(nesting),
            track: self.react(nesting),
            closure: self.react(nesting),
            closure_drop: self.react(nesting),
            value_drop: self.react(nesting),
            hook: self.chance(50).then(|| self.hook(nesting)),
        }
    }

    fn direct(&mut self, tracker: usize, nesting: u32) -> Op {
        let future = Box::new(self.future(nesting));
        let id = self.id();
        self.tasks.push(id);
        Op::Direct {
            id,
            tracker,
            line: self.rng.u8(..2),
            future,
        }
    }

    /// An operation, and often one that goes with it soon.
    fn next(&mut self, nesting: u32) -> Op {
        if self.chance(50) {
            if let Some(op) = self.soon.pop() {
                return op;
            }
        }
        let op = self.op(nesting);
        let waker = self.waker();
        let soon = match &op {
            Op::Spawn(spawn) if self.chance(50) => Some(Op::Poll {
                handle: spawn.id,
                waker,
            }),
            Op::Spawn(spawn) if self.chance(50) => Some(Op::Step { task: spawn.id, waker }),
            Op::Share { handle } => {
                let handle = *handle;
                let id = self.id();
                self.handles.push(id);
                self.soon.push(Op::Poll { handle: id, waker });
                self.soon.push(Op::Poll { handle, waker });
                Some(Op::CloneShared { id, handle })
            }
            Op::RunCleanup { handle } => Some(Op::Poll { handle: *handle, waker }),
            Op::Wait { id, tracker } if nesting > 0 && self.chance(40) => {
                // Something begins where the wait hears that nothing is left.
                let (id, tracker) = (*id, *tracker);
                let task = self.direct(tracker, 0);
                let react = React::Run(Box::new(self.direct(tracker, nesting - 1)));
                self.soon.push(Op::StepAll {
                    executor: tracker % 2,
                    waker,
                });
                self.soon.push(Op::ArmWaker {
                    waker,
                    event: WakerEvent::Wake,
                    react,
                });
                self.soon.push(Op::PollWait { id, waker });
                Some(task)
            }
            Op::Wait { id, .. } | Op::Drain { id, .. } => Some(Op::PollWait { id: *id, waker }),
            Op::Gone { id, .. } => Some(Op::PollWindow { id: *id, waker }),
            Op::Window { window, .. } => Some(Op::PollWindow { id: window.id, waker }),
            Op::Open { future } => self.futures.contains(future).then_some(Op::StepAll {
                executor: self.executor(),
                waker,
            }),
            Op::ArmWaker { waker, .. } => {
                let waker = *waker;
                Some(match self.rng.u32(..4) {
                    0 => Op::PollWait {
                        id: recent(&mut self.rng, &self.waits),
                        waker,
                    },
                    1 => Op::PollWindow {
                        id: recent(&mut self.rng, &self.windows),
                        waker,
                    },
                    _ => Op::Poll {
                        handle: recent(&mut self.rng, &self.handles),
                        waker,
                    },
                })
            }
            _ => None,
        };
        self.soon.extend(soon);
        op
    }

    fn op(&mut self, nesting: u32) -> Op {
        let handle = recent(&mut self.rng, &self.handles);
        let (executor, tracker, waker) = (self.executor(), self.tracker(), self.waker());
        match self.rng.u32(..210) {
            0..34 => Op::Spawn(Box::new(self.spawn(nesting))),
            34..38 => {
                let id = self.id();
                self.tasks.push(id);
                Op::Move { id, handle, executor }
            }
            38..42 => self.direct(tracker, nesting),
            42..78 => Op::Step {
                task: recent(&mut self.rng, &self.tasks),
                waker,
            },
            78..104 => Op::Poll { handle, waker },
            104..112 => Op::Drop { handle },
            112..116 => Op::Detach { handle },
            116..118 => Op::Leak { handle },
            118..124 => Op::Hook {
                handle,
                hook: Box::new(self.hook(nesting)),
            },
            124..127 => Op::Fallible { handle },
            127..130 => Op::Share { handle },
            130..134 => Op::RunCleanup {
                handle: recent(&mut self.rng, &self.cleanups),
            },
            134..136 => Op::Disarm {
                handle: recent(&mut self.rng, &self.cleanups),
            },
            136..152 => Op::Open {
                future: recent(&mut self.rng, &self.futures),
            },
            152..154 => Op::Wake {
                future: recent(&mut self.rng, &self.futures),
                twice: self.chance(50),
            },
            154..156 => Op::ShutDown { executor },
            156..159 => Op::Reopen { executor },
            159..162 => {
                let behave = match self.rng.u32(..10) {
                    0..6 => Behave::Poll,
                    _ if self.panics == 0 => Behave::Take,
                    6..8 => Behave::PanicBefore,
                    _ => Behave::PanicAfter,
                };
                Op::ArmExecutor { executor, behave }
            }
            162..168 => {
                let event = match self.rng.u32(..4) {
                    0 => WakerEvent::Clone,
                    1 => WakerEvent::Drop,
                    _ => WakerEvent::Wake,
                };
                let react = match self.react(nesting) {
                    React::Nothing if nesting > 0 && self.chance(80) => React::Run(Box::new(self.op(nesting - 1))),
                    React::Nothing if self.panics > 0 => React::Panic,
                    react => react,
                };
                Op::ArmWaker { waker, event, react }
            }
            168..172 => {
                let id = self.id();
                self.waits.push(id);
                Op::Wait { id, tracker }
            }
            172..175 => {
                let deadline = Box::new(self.future(nesting));
                let id = self.id();
                self.waits.push(id);
                Op::Drain { id, tracker, deadline }
            }
            175..182 => Op::PollWait {
                id: recent(&mut self.rng, &self.waits),
                waker,
            },
            182..184 => Op::DropWait {
                id: recent(&mut self.rng, &self.waits),
            },
            184..187 => {
                let id = self.id();
                self.windows.push(id);
                Op::Gone {
                    id,
                    work: recent(&mut self.rng, &self.callers),
                }
            }
            187..190 => {
                let window = Box::new(self.window(nesting));
                self.windows.push(window.id);
                Op::Window {
                    work: recent(&mut self.rng, &self.callers),
                    window,
                }
            }
            190..197 => Op::PollWindow {
                id: recent(&mut self.rng, &self.windows),
                waker,
            },
            197..199 => Op::DropWindow {
                id: recent(&mut self.rng, &self.windows),
            },
            199..209 => Op::StepAll { executor, waker },
            _ => Op::DropCaller {
                work: recent(&mut self.rng, &self.callers),
            },
        }
    }
}

impl Op {
    /// Every reaction in it, in a fixed order, with those inside the reactions' own operations.
    pub fn reactions(&mut self, visit: &mut dyn FnMut(&mut React)) {
        match self {
            Self::Spawn(spawn) => {
                future_reactions(&mut spawn.future, visit);
                if let Some(window) = &mut spawn.window {
                    window_reactions(window, visit);
                }
                for react in [
                    &mut spawn.spawner_drop,
                    &mut spawn.track,
                    &mut spawn.closure,
                    &mut spawn.closure_drop,
                    &mut spawn.value_drop,
                ] {
                    react.visit(visit);
                }
                if let Some(hook) = &mut spawn.hook {
                    hook.run.visit(visit);
                    hook.drop.visit(visit);
                }
            }
            Self::Hook { hook, .. } => {
                hook.run.visit(visit);
                hook.drop.visit(visit);
            }
            Self::Direct { future, .. } => future_reactions(future, visit),
            Self::Drain { deadline, .. } => future_reactions(deadline, visit),
            Self::Window { window, .. } => window_reactions(window, visit),
            Self::ArmWaker { react, .. } => react.visit(visit),
            _ => {}
        }
    }

    /// Takes out the reactions whose places are in `without`.
    pub fn simplify(&mut self, without: &[usize]) {
        let mut place = 0;
        self.reactions(&mut |react| {
            if without.contains(&place) {
                *react = React::Nothing;
            }
            place += 1;
        });
    }

    /// The places of its reactions that do something.
    pub fn busy_reactions(&mut self) -> Vec<usize> {
        let (mut place, mut busy) = (0, Vec::new());
        self.reactions(&mut |react| {
            if !matches!(react, React::Nothing) {
                busy.push(place);
            }
            place += 1;
        });
        busy
    }
}

impl React {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Self)) {
        visit(self);
    }

    pub fn panics(&self) -> bool {
        matches!(self, Self::Panic | Self::RunAndPanic(_))
    }

    pub fn op(&self) -> Option<&Op> {
        match self {
            Self::Run(op) | Self::RunAndPanic(op) => Some(op),
            Self::Nothing | Self::Panic => None,
        }
    }
}

fn future_reactions(future: &mut FutureSpec, visit: &mut dyn FnMut(&mut React)) {
    future.first_poll.visit(visit);
    future.drop.visit(visit);
    future.output_drop.visit(visit);
}

fn window_reactions(window: &mut WindowSpec, visit: &mut dyn FnMut(&mut React)) {
    future_reactions(&mut window.future, visit);
    if let Some(clock) = &mut window.clock {
        future_reactions(&mut clock.future, visit);
        clock.make.visit(visit);
        clock.make_drop.visit(visit);
    }
}

/// Prints only the fields that say something.
pub struct Plainly<'a>(pub &'a Op);

impl fmt::Display for Plainly<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("{:?}", self.0);
        for silent in [
            ", first_poll: Nothing",
            ", drop: Nothing",
            ", output_drop: Nothing",
            ", spawner_drop: Nothing",
            ", track: Nothing",
            ", closure: Nothing",
            ", closure_drop: Nothing",
            ", value_drop: Nothing",
            ", run: Nothing",
            ", make: Nothing",
            ", make_drop: Nothing",
            ", awaits: None",
            ", window: None",
            ", hook: None",
            ", clock: None",
            ", panics: false",
            ", gated: false",
            ", keeps_waker: false",
            ", payload_panics: false",
        ] {
            text = text.replace(silent, "");
        }
        f.write_str(&text)
    }
}
