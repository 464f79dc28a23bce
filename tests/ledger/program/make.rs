//! Making programs from a seed.

use fastrand::Rng;

use super::*;

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
            output_clone: if self.chance(self.panics * 8) {
                React::Panic
            } else {
                self.react(nesting)
            },
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
            track: if self.chance(self.panics) {
                React::Panic
            } else {
                self.react(nesting)
            },
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
            Op::Spawn(spawn) if !spawn.mode.is_inline() && self.chance(20) => Some(Op::Share { handle: spawn.id }),
            Op::Spawn(spawn) if self.chance(50) => Some(Op::Poll {
                handle: spawn.id,
                waker,
            }),
            Op::Spawn(spawn) if self.chance(50) => Some(Op::Step { task: spawn.id, waker }),
            Op::Share { handle } => {
                let handle = *handle;
                let id = self.id();
                self.handles.push(id);
                if self.chance(50) {
                    // If neither has delivered, the outcome goes to the hook.
                    self.soon.push(Op::Drop { handle: id });
                    self.soon.push(Op::Drop { handle });
                }
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
            124..126 => Op::Fallible { handle },
            126..130 => Op::Share { handle },
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
