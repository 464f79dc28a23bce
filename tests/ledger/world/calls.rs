//! Calls to foreign code: futures, hooks, outputs, payloads and whatever else is dropped.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::task::{Context, Poll};

use crate::api;
use crate::cover::cover;
use crate::foreign::{Payload, Second, Token, panic_with};
use crate::held::Failure;
use crate::model::{Kind, Outcome, Tri};
use crate::program::{Id, React};

use super::*;

impl World {
    /// Foreign code is called: every query must return what the model says now.
    pub fn call(&self, what: impl FnOnce() -> String) -> Call<'_> {
        let place = if self.by_the_spawner.take() {
            self.published.get()
        } else {
            None
        };
        self.call_at(place, what)
    }

    /// The same, where `spawn_location` must return `place`.
    pub(super) fn call_at(&self, place: Option<api::Line>, what: impl FnOnce() -> String) -> Call<'_> {
        let call = Call {
            world: self,
            published: self.published.replace(place),
        };
        {
            let mut model = self.model.borrow_mut();
            model.events += 1;
            model.depth += 1;
        }
        let mut text = None;
        if self.trace {
            text = Some(what());
            self.note(|| text.clone().unwrap_or_default());
        }
        let had_failed = self.model.borrow().failure.is_some();
        self.check();
        let mut model = self.model.borrow_mut();
        if !had_failed {
            if let Some(failure) = model.failure.take() {
                model.failure = Some(match text {
                    Some(text) => format!("in {text}: {failure}"),
                    None => failure,
                });
            }
        }
        drop(model);
        call
    }

    pub(super) fn operate(&self, react: &React) {
        if let Some(op) = react.op() {
            if self.nested.get() < 4 {
                cover("operation inside foreign code");
                self.nested.set(self.nested.get() + 1);
                self.run(op);
                self.nested.set(self.nested.get() - 1);
            }
        }
    }

    /// Reacts, and panics if that is part of it.
    pub fn react(&self, react: &React, payload_panics: bool) {
        if self.calm.get() {
            return;
        }
        self.operate(react);
        if react.panics() {
            panic_with(self.payload(payload_panics));
        }
    }

    /// A new payload.
    pub fn payload(&self, panics: bool) -> Payload {
        let id = self.fresh();
        if panics {
            self.reacts.borrow_mut().insert((Kind::Payload, id), React::Panic);
        }
        self.note(|| format!("panics with {id}"));
        Payload {
            token: Token::new(self, Kind::Payload, id),
        }
    }

    /// Ends a call of several parts: each runs, the first panic goes on, and the others are
    /// dropped.
    pub fn in_turn<const N: usize>(&self, first: Result<(), Thrown>, rest: [Box<dyn FnOnce() + '_>; N]) {
        let mut panic = first.err();
        for part in rest {
            if let Err(thrown) = catch_unwind(AssertUnwindSafe(part)) {
                match panic {
                    None => panic = Some(thrown),
                    Some(_) => discard(thrown),
                }
            }
        }
        if let Some(thrown) = panic {
            resume_unwind(thrown);
        }
    }

    pub fn caught(&self, f: impl FnOnce()) -> Result<(), Thrown> {
        catch_unwind(AssertUnwindSafe(f))
    }

    /// Something of ours is dropped.
    pub fn token_dropped(&self, kind: Kind, id: Id) {
        {
            let mut model = self.model.borrow_mut();
            if !model.alive.remove(&(kind, id)) {
                model.fail(format!("{kind:?} {id} was dropped twice"));
            }
            match kind {
                Kind::Future => model.future_dropping(id),
                Kind::Output => model.output_dropping(id),
                Kind::Payload => model.payload_dropping(id),
                Kind::Hook => model.hook_dropping(id),
                Kind::Closure | Kind::Value => model.cleanup_cancelled(id),
                Kind::Clock | Kind::Spawner | Kind::Driver => {}
            }
        }
        let call = self.call(|| format!("the drop of {kind:?} {id}"));
        let react = self.reacts.borrow_mut().remove(&(kind, id)).unwrap_or_default();
        let script = match kind {
            Kind::Future => self.scripts.borrow_mut().remove(&id),
            _ => None,
        };
        let mut payload_panics = false;
        if let Some(script) = script {
            payload_panics = script.spec.payload_panics;
            if let Some(handle) = script.spec.awaits {
                self.drop_handle(handle, true);
            }
            if let Some(window) = script.window {
                self.drop_window(window, true);
            }
            drop_calmly(script.kept);
        }
        let calm = self.calm.get();
        if !calm {
            self.operate(&react);
        }
        let panics = !calm && react.panics();
        if panics {
            cover(match kind {
                Kind::Future => "panic in the drop of a future",
                Kind::Output => "panic in the drop of an output",
                Kind::Payload => "panic in the drop of a payload",
                Kind::Hook => "panic in the drop of a hook",
                Kind::Closure => "panic in the drop of a closure",
                Kind::Value => "panic in the drop of a value",
                Kind::Clock => "panic in the drop of a clock's maker",
                Kind::Spawner => "panic in the drop of a spawner",
                Kind::Driver => "panic in the drop of a task",
            });
            if std::thread::panicking() {
                cover("panic while unwinding");
            }
        }
        if kind == Kind::Payload && panics {
            let outcome = Outcome::Panic(id);
            self.model.borrow_mut().outcome_dropped(outcome);
            drop(call);
            resume_unwind(Box::new(Second));
        }
        let payload = panics.then(|| self.payload(payload_panics));
        {
            let thrown = payload.as_ref().map(|payload| payload.token.id);
            let mut model = self.model.borrow_mut();
            match kind {
                Kind::Future => model.future_dropped(id, thrown),
                Kind::Output => model.outcome_dropped(Outcome::Value(id)),
                Kind::Payload => model.outcome_dropped(Outcome::Panic(id)),
                Kind::Hook => model.hook_dropped(id),
                Kind::Spawner if thrown.is_some() => {
                    let making = self.spawning.borrow().last().copied();
                    if let Some(work) = making.and_then(|id| model.works.get_mut(&id)) {
                        if !work.mode.is_inline() && work.gone == Tri::No {
                            work.gone = Tri::Either;
                        }
                    }
                }
                _ => {}
            }
        }
        drop(call);
        if let Some(payload) = payload {
            panic_with(payload);
        }
    }

    /// A future of ours is polled.
    pub fn poll_future(&self, id: Id, cx: &mut Context<'_>) -> Poll<()> {
        self.model.borrow_mut().future_polled(id);
        let call = self.call(|| format!("the poll of future {id}"));
        let polled = catch_unwind(AssertUnwindSafe(|| self.script(id, cx)));
        let mut model = self.model.borrow_mut();
        let polled = match polled {
            Ok(Poll::Pending) => {
                model.future_pending(id);
                Poll::Pending
            }
            Ok(Poll::Ready(())) => {
                model.future_ended(id, Outcome::Value(id));
                Poll::Ready(())
            }
            Err(thrown) => {
                let outcome = thrown
                    .downcast_ref::<Payload>()
                    .map_or(Outcome::Text, |payload| Outcome::Panic(payload.token.id));
                model.passing.remove(&match outcome {
                    Outcome::Panic(payload) => payload,
                    _ => 0,
                });
                model.future_ended(id, outcome);
                drop(model);
                drop(call);
                resume_unwind(thrown);
            }
        };
        drop(model);
        self.note(|| format!("{polled:?}"));
        polled
    }

    pub(super) fn script(&self, id: Id, cx: &mut Context<'_>) -> Poll<()> {
        let (first, awaits, window, payload_panics) = {
            let mut scripts = self.scripts.borrow_mut();
            let Some(script) = scripts.get_mut(&id) else {
                return Poll::Ready(());
            };
            let first = !std::mem::replace(&mut script.polled, true);
            let first = if first {
                script.spec.first_poll.clone()
            } else {
                React::Nothing
            };
            (first, script.spec.awaits, script.window, script.spec.payload_panics)
        };
        self.react(&first, payload_panics);
        if let Some(handle) = awaits {
            match self.poll_handle(handle, true, cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Caught(result)) => {
                    if let Some(script) = self.scripts.borrow_mut().get_mut(&id) {
                        script.spec.awaits = None;
                    }
                    self.drop_handle(handle, true);
                    if let Err(thrown) = result {
                        resume_unwind(thrown);
                    }
                }
            }
        }
        if let Some(window) = window {
            match self.poll_window(window, true, cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(Caught(result)) => {
                    if let Some(script) = self.scripts.borrow_mut().get_mut(&id) {
                        script.window = None;
                    }
                    self.drop_window(window, true);
                    if let Err(thrown) = result {
                        resume_unwind(thrown);
                    }
                }
            }
        }
        let (pending, keeps, panics) = {
            let mut scripts = self.scripts.borrow_mut();
            let Some(script) = scripts.get_mut(&id) else {
                return Poll::Ready(());
            };
            let pends = script.pends > 0;
            script.pends = script.pends.saturating_sub(1);
            let pending = pends || script.spec.gated && !script.open;
            (pending && !self.calm.get(), script.spec.keeps_waker, script.spec.panics)
        };
        if pending {
            if keeps {
                let waker = cx.waker().clone();
                let kept = match self.scripts.borrow_mut().get_mut(&id) {
                    Some(script) => script.kept.replace(waker),
                    None => Some(waker),
                };
                drop_calmly(kept);
            }
            return Poll::Pending;
        }
        if panics {
            panic_with(self.payload(payload_panics));
        }
        Poll::Ready(())
    }

    /// A hook runs.
    pub fn hook_ran(&self, id: Id, outcome: &Result<Token, Failure>) -> Result<(), Thrown> {
        let work = self.model.borrow_mut().hook_runs(id);
        let _call = self.call(|| format!("hook {id} with {outcome:?}"));
        if let Some(work) = work {
            self.compare(work, outcome);
        }
        let react = self
            .reacts
            .borrow()
            .get(&(Kind::Closure, id))
            .cloned()
            .unwrap_or_default();
        if react.panics() {
            cover("panic in a hook");
        }
        self.caught(|| self.react(&react, false))
    }

    /// Compares an outcome with the model's.
    pub fn compare(&self, id: Id, outcome: &Result<Token, Failure>) {
        let model = self.model.borrow();
        let Some(work) = model.works.get(&id) else { return };
        let outcome = match outcome {
            Ok(output) => Ok(model.original(output.id)),
            Err(failure) => Err(failure.error()),
        };
        let right = match (outcome, &work.outcome) {
            (Ok(output), Some(Outcome::Value(expected))) => output == *expected,
            (Err(error), Some(Outcome::Panic(_) | Outcome::Text)) => error.is_panic() && !error.is_cancelled(),
            (Err(error), Some(Outcome::Cancelled { started })) => {
                error.is_cancelled() && !error.is_panic() && error.was_started() == *started
            }
            _ => false,
        };
        let placed = outcome
            .err()
            .is_none_or(|error| work.place == Some(api::line(error.location())));
        if !right || !placed {
            let text = format!("the outcome of {id} is {outcome:?}: {work:?}");
            drop(model);
            self.fail(text);
        }
    }

    /// The output of shared work is cloned, for one of its waiters.
    pub fn output_cloned(&self, id: Id) -> Token {
        let _call = self.call(|| format!("the clone of output {id}"));
        let original = self.model.borrow().original(id);
        let react = self.reacts.borrow_mut().remove(&(Kind::Closure, original));
        if let Some(react) = react.filter(|_| !self.calm.get()) {
            self.operate(&react);
            if react.panics() {
                cover("panic in the clone of an output");
                let payload = self.payload(false);
                self.model.borrow_mut().unclonable.insert(payload.token.id);
                panic_with(payload);
            }
        }
        let clone = self.fresh();
        self.model.borrow_mut().clones.insert(clone, original);
        Token::new(self, Kind::Output, clone)
    }
}
