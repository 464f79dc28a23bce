//! Wakers are cloned, woken and dropped.

use crate::cover::cover;
use crate::foreign::panic_with;
use crate::program::{Op, React, WakerEvent};

use super::*;

impl World {
    pub(super) fn waker_event(&self, waker: usize, event: WakerEvent) {
        let react = std::mem::take(&mut self.armed.borrow_mut()[waker][event as usize]);
        if self.calm.get() {
            return;
        }
        self.operate(&react);
        if react.panics() {
            let payload = self.payload(false);
            cover(match event {
                WakerEvent::Clone => "panic in the clone of a waker",
                WakerEvent::Wake => "panic in the wake of a waker",
                WakerEvent::Drop => "panic in the drop of a waker",
            });
            match event {
                WakerEvent::Clone => {
                    self.model.borrow_mut().passing.insert(payload.token.id);
                }
                // Its drop follows in the unwinding, where a second panic would abort whatever
                // anybody does.
                WakerEvent::Wake => {
                    let drops = &mut self.armed.borrow_mut()[waker][WakerEvent::Drop as usize];
                    if drops.panics() {
                        *drops = React::Nothing;
                    }
                }
                WakerEvent::Drop => {}
            }
            panic_with(payload);
        }
    }

    pub fn waker_cloned(&self, waker: usize) {
        let _call = self.call(|| format!("the clone of waker {waker}"));
        self.waker_event(waker, WakerEvent::Clone);
        self.model.borrow_mut().cloned(waker);
    }

    pub fn waker_woken(&self, waker: usize) {
        let empty = [0, 1, 2].map(|tracker| self.trackers.borrow().as_ref().is_none_or(|all| all.is_empty(tracker)));
        let emptied = !self.ours.take() && self.model.borrow_mut().woken(waker, empty);
        let spawns = matches!(
            self.armed.borrow()[waker][WakerEvent::Wake as usize].op(),
            Some(Op::Spawn(_) | Op::Direct { .. })
        );
        if emptied && spawns {
            cover("spawned where a wait is woken");
        }
        let _call = self.call(|| format!("the wake of waker {waker}"));
        self.waker_event(waker, WakerEvent::Wake);
    }

    pub fn waker_dropped(&self, waker: usize) {
        self.model.borrow_mut().waker_dropped(waker);
        let _call = self.call(|| format!("the drop of waker {waker}"));
        self.waker_event(waker, WakerEvent::Drop);
    }
}
