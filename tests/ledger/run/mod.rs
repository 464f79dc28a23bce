//! The operations, each done to the real things and told to the model.

mod end;
mod gone;
mod handles;
mod shield;
mod wait;

use std::sync::Arc;
use std::task::{Context, Poll};

use futures_shield::{Caller, DynSpawner, Spawn as _, SpawnLocal, Tracker};

use crate::foreign::{Payload, Spawner, Unit};
use crate::held::Held;
use crate::model::Kind;
use crate::program::{FutureSpec, Id, Op, Plainly, React, Route};
use crate::world::{AnyWait, AnyWindow, Script, Thrown, Trackers, World};

const SENT_TO: [&[usize]; 3] = [&[0], &[1], &[2, 0]];

impl Route {
    fn trackers(self) -> &'static [usize] {
        match self {
            Self::Plain(_) | Self::Closure(_) | Self::Erased(_) => &[],
            Self::Tracked(tracker) | Self::TrackedByReference(tracker) | Self::ErasedTracker(tracker) => {
                SENT_TO[tracker]
            }
        }
    }
}

/// How a future is spawned without a shield.
#[derive(Clone, Copy)]
enum Directly {
    Plain,
    Locally,
    ByPointer,
    Erased,
}

#[track_caller]
fn directly<S>(tracker: &Arc<Tracker<S>>, future: Unit, how: Directly)
where
    S: futures_shield::Spawn + SpawnLocal + Send + Sync + 'static,
{
    match how {
        Directly::Plain => (**tracker).spawn_detached(future),
        Directly::Locally => tracker.spawn_local_detached(future),
        Directly::ByPointer => tracker.spawn_detached(future),
        Directly::Erased => DynSpawner::new(Arc::clone(tracker)).spawn_detached(future),
    }
}

/// The thrown payload's number, if it is one of ours.
fn number(thrown: &Thrown) -> Option<Id> {
    thrown.downcast_ref::<Payload>().map(|payload| payload.token.id)
}

impl World {
    pub fn start(&self) {
        let plain = [0, 1].map(|executor| Arc::new(Tracker::new(Spawner::new(self, executor, self.fresh()))));
        let nested = Arc::new(Tracker::new(Tracker::clone(&plain[0])));
        *self.trackers.borrow_mut() = Some(std::rc::Rc::new(Trackers { plain, nested }));
    }

    /// Runs one operation. It does not unwind.
    pub fn run(&self, op: &Op) {
        self.operations.set(self.operations.get() + 1);
        self.note(|| format!("{}", Plainly(op)));
        match op {
            Op::Spawn(spawn) => self.spawn(spawn),
            Op::Move { id, handle, executor } => self.move_into_a_task(*id, *handle, *executor),
            Op::Direct {
                id,
                tracker,
                line,
                future,
            } => self.spawn_directly(*id, *tracker, *line, future),
            Op::Step { task, waker } => self.step(*task, *waker),
            Op::StepAll { executor, waker } => {
                let tasks: Vec<Id> = self.executors[*executor].tasks.borrow().keys().copied().collect();
                for task in tasks {
                    self.step(task, *waker);
                }
            }
            Op::Poll { handle, waker } => {
                let current = self.current.replace(*waker);
                let mut cx = Context::from_waker(&self.wakers[*waker]);
                if let Poll::Ready(caught) = self.poll_handle(*handle, false, &mut cx) {
                    caught.forget();
                }
                self.current.set(current);
            }
            Op::Drop { handle } => self.drop_handle(*handle, false),
            Op::Detach { handle } => self.let_go(*handle, false, Held::detach),
            // Nobody can tell it from `mem::forget` until the end of the program.
            Op::Leak { handle } => {
                if let Some(slot) = self.handles.borrow_mut().get_mut(handle) {
                    slot.owned = true;
                }
            }
            Op::Hook { handle, hook } => self.set_hook(*handle, hook),
            Op::Fallible { handle } => self.convert(*handle, Held::fallible),
            Op::Share { handle } => self.share(*handle),
            Op::CloneShared { id, handle } => self.clone_shared(*id, *handle),
            Op::RunCleanup { handle } => self.convert(*handle, Held::run),
            Op::Disarm { handle } => self.disarm(*handle),
            Op::Open { future } => self.open(*future),
            Op::Wake { future, twice } => self.wake(*future, *twice),
            Op::ShutDown { executor } => self.shut_down(*executor),
            Op::Reopen { executor } => self.executors[*executor].closed.set(false),
            Op::ArmExecutor { executor, behave } => self.executors[*executor].behave.set(*behave),
            Op::ArmWaker { waker, event, react } => {
                self.armed.borrow_mut()[*waker][*event as usize] = react.clone();
            }
            Op::Wait { id, tracker } => {
                self.model.borrow_mut().wait_for_zero(*id, *tracker, None);
                let wait = self.trackers().wait(*tracker);
                self.waits.borrow_mut().insert(*id, AnyWait::Wait(wait));
            }
            Op::Drain { id, tracker, deadline } => {
                self.script_of(deadline, None);
                self.model.borrow_mut().wait_for_zero(*id, *tracker, Some(deadline.id));
                let drain = self.trackers().drain(*tracker, Unit::new(self, deadline.id));
                self.waits.borrow_mut().insert(*id, AnyWait::Drain(Box::pin(drain)));
            }
            Op::PollWait { id, waker } => self.poll_wait(*id, *waker),
            Op::DropWait { id } => self.drop_wait(*id),
            Op::Gone { id, work } => {
                let Some(caller) = self.caller(*work) else { return };
                self.model.borrow_mut().wait_for_gone(*id, *work, None, None);
                self.windows
                    .borrow_mut()
                    .insert(*id, (AnyWindow::Gone(caller.gone()), false));
            }
            Op::Window { work, window } => {
                if let Some(caller) = self.caller(*work) {
                    self.open_window(*work, window, &caller, false);
                }
            }
            Op::PollWindow { id, waker } => {
                let current = self.current.replace(*waker);
                let mut cx = Context::from_waker(&self.wakers[*waker]);
                if let Poll::Ready(caught) = self.poll_window(*id, false, &mut cx) {
                    caught.forget();
                }
                self.current.set(current);
            }
            Op::DropWindow { id } => self.drop_window(*id, false),
            Op::DropCaller { work } => {
                let caller = self.callers.borrow_mut().remove(work);
                drop(caller);
            }
        }
    }

    fn caller(&self, work: Id) -> Option<Caller> {
        self.callers.borrow().get(&work).cloned()
    }

    /// How a drop of ours, that the crate will do, reacts.
    pub fn when_dropped(&self, kind: Kind, id: Id, react: &React) {
        if !matches!(react, React::Nothing) {
            self.reacts.borrow_mut().insert((kind, id), react.clone());
        }
    }

    pub fn script_of(&self, spec: &FutureSpec, window: Option<Id>) {
        self.when_dropped(Kind::Future, spec.id, &spec.drop);
        self.when_dropped(Kind::Output, spec.id, &spec.output_drop);
        self.when_dropped(Kind::Closure, spec.id, &spec.output_clone);
        let script = Script {
            pends: spec.pends,
            open: false,
            polled: false,
            window,
            kept: None,
            spec: spec.clone(),
        };
        self.scripts.borrow_mut().insert(spec.id, script);
    }
}
