//! What is done with a handle.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::task::{Context, Poll};

use crate::cover::cover;
use crate::foreign::{Hook, Token};
use crate::held::{Failure, Held};
use crate::model::{Fate, Kind, Outcome, Stage};
use crate::program::{HookSpec, Id};
use crate::world::{Caught, Slot, Thrown, World, discard, drop_calmly};

use super::*;

impl World {
    /// Takes a handle, to do something with it: meanwhile it is out of everybody's reach.
    pub(super) fn take(&self, id: Id, owner: bool) -> Option<Slot> {
        let mut handles = self.handles.borrow_mut();
        if handles.get(&id)?.owned != owner {
            return None;
        }
        handles.remove(&id)
    }

    pub(super) fn put_back(&self, id: Id, slot: Slot) {
        self.handles.borrow_mut().insert(id, slot);
    }

    /// Polls a handle. A panic that it delivers, or lets pass, is returned. A handle that is not
    /// there is ready.
    pub fn poll_handle(&self, id: Id, owner: bool, cx: &mut Context<'_>) -> Poll<Caught> {
        let ready = Poll::Ready(Caught(Ok(())));
        let Some(mut slot) = self.take(id, owner) else {
            return ready;
        };
        if slot.held.is_terminated() != Some(false) {
            self.put_back(id, slot);
            return ready;
        }
        if self.model.borrow().depth > 0 {
            cover("handle polled inside foreign code");
        }
        self.model.borrow_mut().begin_poll(id, self.current.get());
        let polled = catch_unwind(AssertUnwindSafe(|| slot.held.poll(cx)));
        let result = match polled {
            Ok(Poll::Pending) => {
                self.model.borrow_mut().poll_pending(id);
                Poll::Pending
            }
            Ok(Poll::Ready(outcome)) => {
                self.compare(self.model.borrow().work(id), &outcome);
                let work = self.model.borrow().work(id);
                let expected = self
                    .model
                    .borrow()
                    .works
                    .get(&work)
                    .and_then(|work| work.outcome.clone());
                let delivered = match &outcome {
                    Ok(output) => Some(Outcome::Value(self.model.borrow().original(output.id))),
                    Err(_) => expected,
                };
                if let Some(delivered) = delivered {
                    self.model.borrow_mut().delivered(id, &delivered);
                }
                self.put_back(id, slot);
                self.drop_outcome(id, outcome);
                return ready;
            }
            Err(thrown) => {
                let passing = number(&thrown).is_some_and(|id| self.model.borrow_mut().passing.remove(&id));
                let outcome = match number(&thrown) {
                    Some(id) => Outcome::Panic(id),
                    None => self.text_of(id, &thrown),
                };
                let mut model = self.model.borrow_mut();
                if number(&thrown).is_some_and(|id| model.unclonable.remove(&id)) {
                    model.clone_panicked(id);
                } else if passing {
                    model.poll_passed(id);
                } else {
                    model.delivered(id, &outcome);
                }
                Poll::Ready(Caught(Err(thrown)))
            }
        };
        self.put_back(id, slot);
        result
    }

    /// A panic of the crate's own: work that was cancelled.
    pub(super) fn text_of(&self, id: Id, thrown: &Thrown) -> Outcome {
        let text = thrown
            .downcast_ref::<String>()
            .map(String::as_str)
            .or_else(|| thrown.downcast_ref::<&str>().copied())
            .unwrap_or_default();
        let model = self.model.borrow();
        let expected = model.works.get(&model.work(id)).and_then(|work| work.outcome.clone());
        match expected {
            // Waiters of a shared shield get the text of the error.
            Some(panic @ Outcome::Panic(_)) if model.sharers.contains_key(&id) && text.contains("panicked") => panic,
            Some(cancelled @ Outcome::Cancelled { .. }) if text.contains("cancelled") => cancelled,
            _ => Outcome::Text,
        }
    }

    /// What was delivered is ours, and so is the panic of its drop.
    pub(super) fn drop_outcome(&self, id: Id, outcome: Result<Token, Failure>) {
        match outcome {
            Ok(output) => drop_calmly(output),
            Err(Failure::Own(error)) if error.is_panic() => {
                let payload = error.into_panic();
                let expected = self.model.borrow().works.get(&id).and_then(|work| work.outcome.clone());
                let delivered = number(&payload).map_or(Outcome::Text, Outcome::Panic);
                if expected.is_some_and(|expected| expected != delivered) {
                    self.fail(format!("{id} delivered {delivered:?}"));
                }
                discard(payload);
            }
            Err(error) => drop_calmly(error),
        }
    }

    pub fn drop_handle(&self, id: Id, owner: bool) {
        self.let_go(id, owner, drop);
    }

    pub(super) fn let_go(&self, id: Id, owner: bool, how: fn(Box<dyn Held>)) {
        let Some(Slot { held, .. }) = self.take(id, owner) else {
            return;
        };
        if self.model.borrow().depth > 0 {
            cover("handle dropped inside foreign code");
        }
        self.model.borrow_mut().leaving(id);
        self.spawning.borrow_mut().push(id);
        let dropped = self.caught(|| how(held));
        self.spawning.borrow_mut().pop();
        if let Err(thrown) = dropped {
            self.fail(format!("the drop of {id} panicked"));
            discard(thrown);
        }
    }

    pub(super) fn set_hook(&self, id: Id, spec: &HookSpec) {
        let Some(Slot { held, owned }) = self.take(id, false) else {
            return;
        };
        if held.location().is_none() || self.model.borrow().sharers.contains_key(&id) {
            // A cleanup that runs, or a shared shield, takes no hook.
            self.put_back(id, Slot { held, owned });
            return;
        }
        self.when_dropped(Kind::Hook, spec.id, &spec.drop);
        self.when_dropped(Kind::Closure, spec.id, &spec.run);
        let hook = Hook {
            token: Token::new(self, Kind::Hook, spec.id),
        };
        if let Some(work) = self.model.borrow_mut().works.get_mut(&id) {
            if !work.terminated {
                work.hook = Some(spec.id);
            }
        }
        match catch_unwind(AssertUnwindSafe(|| held.hook(hook))) {
            Ok(held) => self.put_back(id, Slot { held, owned }),
            Err(thrown) => {
                self.fail(format!("giving {id} a hook panicked"));
                discard(thrown);
            }
        }
    }

    pub(super) fn convert(&self, id: Id, into: fn(Box<dyn Held>) -> Box<dyn Held>) {
        let Some(Slot { held, owned }) = self.take(id, false) else {
            return;
        };
        match catch_unwind(AssertUnwindSafe(|| into(held))) {
            Ok(held) => self.put_back(id, Slot { held, owned }),
            Err(thrown) => {
                self.fail(format!("converting {id} panicked"));
                discard(thrown);
            }
        }
    }

    pub(super) fn share(&self, id: Id) {
        let eager = self
            .model
            .borrow()
            .works
            .get(&id)
            .is_some_and(|work| !work.mode.is_inline());
        let shared = self.model.borrow().sharers.contains_key(&id);
        let running = |slot: &Slot| slot.held.is_terminated() == Some(false) && !slot.owned;
        if eager && !shared && self.handles.borrow().get(&id).is_some_and(running) {
            self.model.borrow_mut().share(id, id);
            self.convert(id, Held::share);
        }
    }

    pub(super) fn clone_shared(&self, id: Id, handle: Id) {
        let Some(slot) = self.take(handle, false) else { return };
        let work = self.model.borrow().work(handle);
        if let Some(held) = slot.held.another() {
            self.model.borrow_mut().share(id, work);
            self.put_back(id, Slot { held, owned: false });
        }
        self.put_back(handle, slot);
    }

    pub(super) fn disarm(&self, id: Id) {
        let Some(Slot { held, owned }) = self.take(id, false) else {
            return;
        };
        if held.is_terminated().is_some() {
            self.put_back(id, Slot { held, owned });
            return;
        }
        if let Some(work) = self.model.borrow_mut().works.get_mut(&id) {
            work.fate = Some(Fate::NeverRan);
            work.present = false;
            work.stage = Stage::Ended;
            work.terminated = true;
        }
        match catch_unwind(AssertUnwindSafe(|| held.disarm())) {
            Ok(Ok(value)) => drop_calmly(value),
            Ok(Err(held)) => self.put_back(id, Slot { held, owned }),
            Err(thrown) => {
                self.fail(format!("disarming {id} panicked"));
                discard(thrown);
            }
        }
    }
}
