//! Waiting for a tracker to have nothing left.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::task::{Context, Poll};

use crate::api;
use crate::program::Id;
use crate::world::{AnyWait, World, discard, drop_calmly};

use super::*;

impl World {
    pub(super) fn poll_wait(&self, id: Id, waker: usize) {
        if self.model.borrow().waits.get(&id).is_none_or(|wait| wait.ended) {
            return;
        }
        let Some(mut wait) = self.waits.borrow_mut().remove(&id) else {
            return;
        };
        let current = self.current.replace(waker);
        self.model.borrow_mut().begin_wait(id, waker);
        let mut cx = Context::from_waker(&self.wakers[waker]);
        let polled = catch_unwind(AssertUnwindSafe(|| match &mut wait {
            AnyWait::Wait(wait) => Pin::new(wait).poll(&mut cx).map(Ok),
            AnyWait::Drain(drain) => drain.as_mut().poll(&mut cx),
        }));
        self.current.set(current);
        match polled {
            Ok(polled) => {
                let result = match polled {
                    Poll::Pending => None,
                    Poll::Ready(result) => Some(result.map_err(|unfinished| api::lines(&unfinished))),
                };
                self.model.borrow_mut().end_wait(id, result);
                self.waits.borrow_mut().insert(id, wait);
            }
            Err(thrown) => {
                let passing = number(&thrown).is_some_and(|id| self.model.borrow_mut().passing.remove(&id));
                self.model.borrow_mut().wait_passed(id);
                discard(thrown);
                if passing {
                    self.waits.borrow_mut().insert(id, wait);
                } else {
                    // The deadline panicked: it is not polled again.
                    drop_calmly(wait);
                    self.model.borrow_mut().wait_dropped(id);
                }
            }
        }
    }

    pub fn drop_wait(&self, id: Id) {
        let wait = self.waits.borrow_mut().remove(&id);
        if let Some(wait) = wait {
            // Before the drop of its waker, which may look around.
            self.model.borrow_mut().wait_dropped(id);
            drop_calmly(wait);
        }
    }
}
