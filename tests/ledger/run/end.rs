//! The end of a program.

use crate::program::Id;
use crate::world::{World, drop_calmly};

impl World {
    /// Ends the program: everybody leaves, the executors shut down, and nothing may be left.
    pub fn finish(&self) {
        self.note(|| "the end".to_owned());
        for waiting in self.ids(|world| world.waits.borrow().keys().copied().collect()) {
            self.drop_wait(waiting);
        }
        for window in self.ids(|world| world.windows.borrow().keys().copied().collect()) {
            self.drop_window(window, false);
        }
        self.quiesce();
        for _ in 0..8 {
            for handle in self.ids(|world| world.handles.borrow().keys().copied().collect()) {
                // Those that are owned by a future go with it; those that leaked, below.
                self.drop_handle(handle, false);
            }
            for executor in 0..self.executors.len() {
                self.shut_down(executor);
            }
            self.quiesce();
        }
        // What was leaked on purpose.
        for handle in self.ids(|world| world.handles.borrow().keys().copied().collect()) {
            self.drop_handle(handle, true);
        }
        self.calm.set(true);
        for handle in self.ids(|world| world.handles.borrow().keys().copied().collect()) {
            self.drop_handle(handle, false);
        }
        for waiting in self.ids(|world| world.waits.borrow().keys().copied().collect()) {
            self.drop_wait(waiting);
        }
        for window in self.ids(|world| world.windows.borrow().keys().copied().collect()) {
            self.drop_window(window, false);
        }
        for executor in 0..self.executors.len() {
            self.shut_down(executor);
        }
        for handle in self.ids(|world| world.handles.borrow().keys().copied().collect()) {
            self.drop_handle(handle, true);
        }
        for executor in 0..self.executors.len() {
            self.shut_down(executor);
        }
        let kept: Vec<_> = self
            .scripts
            .borrow_mut()
            .values_mut()
            .filter_map(|script| script.kept.take())
            .collect();
        drop_calmly(kept);
        self.quiesce();
        self.forget_the_ended();
        let trackers = self.trackers.borrow_mut().take();
        drop(trackers);
        self.callers.borrow_mut().clear();
        let mut model = self.model.borrow_mut();
        if let Some((kind, id)) = model.alive.first() {
            let text = format!("{kind:?} {id} never ended");
            model.fail(text);
        }
        if let Some((id, work)) = model.works.first_key_value() {
            let text = format!("{id} never ended: {work:?}");
            model.fail(text);
        }
    }

    pub(super) fn ids(&self, list: impl FnOnce(&Self) -> Vec<Id>) -> Vec<Id> {
        list(self)
    }
}
