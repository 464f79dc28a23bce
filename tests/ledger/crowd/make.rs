//! Shielding work, in each mode and on each spawner.

use std::future::Future;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use futures_shield::{Caller, DynSpawner, ShieldExt, Spawn, cleanup, shield_with};

use super::foreign::{Scripted, Token, Unit, calmly};
use super::handle::Handle;
use super::record::locked;
use crate::model::Kind;
use crate::program::{self, Mode, Route, WindowSpec};

use super::run::*;
use super::tasks::Windowed;

impl Crowd {
    /// A window around a future, with or without grace.
    pub(super) fn window(
        self: &Arc<Self>,
        spec: &WindowSpec,
        caller: Caller,
    ) -> impl Future<Output = ()> + Send + use<> {
        let future = Scripted::new(self, spec.id, &spec.future);
        let clock = spec.clock.clone();
        let crowd = Arc::clone(self);
        async move {
            let output = match clock {
                None => caller.run_until_gone(future).await,
                Some(clock) => {
                    let token = Token::new(&crowd, Kind::Clock, clock.future.id, &clock.make_drop);
                    let make = move || {
                        calmly(|| drop(token));
                        Unit(Scripted::new(&crowd, clock.future.id, &clock.future))
                    };
                    caller.run_with_grace(future, make).await
                }
            };
            if let Some(mut output) = output {
                output.settled = true;
                calmly(|| drop(output));
            }
        }
    }

    pub(super) fn spawn(self: &Arc<Self>, spec: &program::Spawn) {
        let executor = |executor: usize| {
            DynSpawner::new(Moody {
                spawner: self.executors.spawner(executor),
                mood: Arc::clone(&self.moods[executor]),
            })
        };
        let made = catch_unwind(AssertUnwindSafe(|| match spec.route {
            Route::Plain(at) | Route::Closure(at) | Route::Erased(at) => self.shield(spec, executor(at)),
            Route::Tracked(tracker) | Route::TrackedByReference(tracker) => {
                self.shield(spec, self.trackers[tracker].clone())
            }
            Route::ErasedTracker(tracker) => self.shield(spec, DynSpawner::new(self.trackers[tracker].clone())),
        }));
        match made {
            Ok(handle) => {
                // Its layer has given it a hook.
                let served = matches!(handle, Handle::Response(_));
                let eager = !spec.mode.is_inline() || spec.mode == Mode::Cleanup;
                self.record.fate(spec.id, |fate| fate.began |= eager);
                self.put_back(spec.id, handle);
                if let Some(hook) = spec.hook.as_ref().filter(|_| !served) {
                    self.hook(spec.id, hook);
                }
            }
            Err(thrown) => {
                self.record.fate(spec.id, |fate| fate.unmade = true);
                calmly(|| drop(thrown));
            }
        }
    }

    pub(super) fn shield<S: Spawn + Clone + Send + Sync + 'static>(
        self: &Arc<Self>,
        spec: &program::Spawn,
        spawner: S,
    ) -> Handle {
        let awaits = spec.future.awaits.and_then(|id| Some((id, self.handle(id)?)));
        let work = |crowd: &Arc<Self>| Scripted::new(crowd, spec.id, &spec.future);
        // Two of the local modes, which threads cannot have, stand for the layer's.
        if matches!(spec.mode, Mode::Local | Mode::InlineLocal) {
            return Handle::Response(Some(super::served::serve(self, spec, spawner)));
        }
        match spec.mode {
            Mode::Eager | Mode::Local => Handle::Shield(work(self).awaiting(awaits).shield(&spawner)),
            Mode::With | Mode::WithLocal => Handle::Shield(shield_with(spawner, |caller: Caller| {
                self.react(&spec.closure, false);
                locked(&self.callers).insert(spec.id, caller.clone());
                let window = spec.window.as_ref().map(|window| self.window(window, caller));
                let work = work(self).awaiting(awaits);
                Windowed {
                    window: window.map(|window| Box::pin(window) as Waiting),
                    work: Box::pin(work),
                }
            })),
            Mode::Inline | Mode::InlineLocal => {
                let shield = work(self).awaiting(awaits).shield_on_drop(DynSpawner::new(spawner));
                Handle::Inline(Box::new(shield))
            }
            Mode::Cleanup => {
                let value = Token::new(self, Kind::Value, spec.id, &spec.value_drop);
                let token = Token::new(self, Kind::Closure, spec.id, &spec.closure_drop);
                let (crowd, spec) = (Arc::clone(self), spec.clone());
                let guard = cleanup(DynSpawner::new(spawner), value, move |value: Token| {
                    calmly(|| drop(value));
                    let reacted = catch_unwind(AssertUnwindSafe(|| crowd.react(&spec.closure, false)));
                    let future = reacted.map(|()| Scripted::new(&crowd, spec.id, &spec.future).awaiting(awaits));
                    // Last: as long as there is a token, the program is not over.
                    calmly(|| drop(token));
                    future.unwrap_or_else(|thrown| resume_unwind(thrown))
                });
                Handle::Guard(Box::new(guard))
            }
        }
    }
}

/// A spawner that now and then panics.
pub struct Moody {
    pub spawner: DynSpawner,
    pub mood: Arc<AtomicU8>,
}

impl Spawn for Moody {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        let mood = self.mood.swap(0, Ordering::SeqCst);
        if mood == 1 {
            resume_unwind(Box::new("a spawner, before"));
        }
        self.spawner.spawn_detached(future);
        if mood == 2 {
            resume_unwind(Box::new("a spawner, after"));
        }
    }
}
