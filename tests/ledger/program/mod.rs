//! Programs: lists of operations as data, made from a seed and nothing else, so that a seed and a
//! list of kept operations name one.

mod make;
mod print;
mod reactions;

pub use self::make::generate;
pub use self::print::Plainly;

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
    /// When its output is cloned first, for a waiter of a shared shield.
    pub output_clone: React,
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
