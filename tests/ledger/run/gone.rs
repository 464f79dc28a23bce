//! Waiting for a caller to be gone.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_shield::Caller;

use crate::foreign::{Out, Scripted, Token, Unit};
use crate::model::Kind;
use crate::program::{Id, WindowSpec};
use crate::world::{AnyWindow, Caught, MakeClock, World, drop_calmly, world};

use super::*;

impl World {
    pub(super) fn open_window(&self, work: Id, spec: &WindowSpec, caller: &Caller, owned: bool) {
        self.script_of(&spec.future, None);
        let future = Scripted::<()>::new(self, spec.future.id);
        let clock = spec.clock.as_ref().map(|clock| clock.future.id);
        self.model
            .borrow_mut()
            .wait_for_gone(spec.id, work, Some(spec.future.id), clock);
        let window = match &spec.clock {
            None => AnyWindow::Until(Box::pin(caller.run_until_gone(future))),
            Some(clock) => {
                let (id, clock) = (spec.id, clock.clone());
                self.when_dropped(Kind::Clock, id, &clock.make_drop);
                let token = Token::new(self, Kind::Clock, id);
                let make: MakeClock = Box::new(move || {
                    let world = world().expect("it is called in a program");
                    world.model.borrow_mut().clock_made(id);
                    let call = world.call(|| format!("the maker of the clock of {id}"));
                    let reacted = world.caught(|| world.react(&clock.make, false));
                    world.in_turn(reacted, [Box::new(|| drop(token))]);
                    drop(call);
                    world.script_of(&clock.future, None);
                    Unit::new(&world, clock.future.id)
                });
                AnyWindow::Grace(Box::pin(caller.run_with_grace(future, make)))
            }
        };
        self.windows.borrow_mut().insert(spec.id, (window, owned));
    }

    /// Polls a window. A panic of what is inside is returned, and the window is dropped then.
    pub fn poll_window(&self, id: Id, owner: bool, cx: &mut Context<'_>) -> Poll<Caught> {
        let ready = Poll::Ready(Caught(Ok(())));
        if self.model.borrow().waiters.get(&id).is_none_or(|waiter| waiter.ended) {
            return ready;
        }
        let mut windows = self.windows.borrow_mut();
        if windows.get(&id).is_none_or(|(_, owned)| *owned != owner) {
            return ready;
        }
        let Some((mut window, owned)) = windows.remove(&id) else {
            return ready;
        };
        drop(windows);
        self.model.borrow_mut().begin_waiter(id, self.current.get());
        let polled = catch_unwind(AssertUnwindSafe(|| match &mut window {
            AnyWindow::Gone(gone) => Pin::new(gone).poll(cx).map(|()| None),
            AnyWindow::Until(window) => window.as_mut().poll(cx),
            AnyWindow::Grace(window) => window.as_mut().poll(cx),
        }));
        match polled {
            Ok(Poll::Pending) => {
                self.model.borrow_mut().end_waiter(id, None);
                self.windows.borrow_mut().insert(id, (window, owned));
                Poll::Pending
            }
            Ok(Poll::Ready(output)) => {
                self.model.borrow_mut().end_waiter(id, Some(output.is_some()));
                self.windows.borrow_mut().insert(id, (window, owned));
                drop_calmly::<Option<Out<()>>>(output);
                ready
            }
            Err(thrown) => {
                let passing = number(&thrown).is_some_and(|id| self.model.borrow_mut().passing.remove(&id));
                self.model.borrow_mut().waiter_passed(id);
                if passing {
                    self.windows.borrow_mut().insert(id, (window, owned));
                } else {
                    drop_calmly(window);
                    self.model.borrow_mut().waiter_dropped(id);
                }
                Poll::Ready(Caught(Err(thrown)))
            }
        }
    }

    pub fn drop_window(&self, id: Id, owner: bool) {
        let mut windows = self.windows.borrow_mut();
        if windows.get(&id).is_none_or(|(_, owned)| *owned != owner) {
            return;
        }
        let window = windows.remove(&id);
        drop(windows);
        drop_calmly(window);
        self.model.borrow_mut().waiter_dropped(id);
    }
}
