//! Futures and outputs that are not `Send`: they stay on their thread, in each mode (scenario 61).
//! What is the same for all futures is tested with `on_every_rig`.

use std::cell::Cell;
use std::future::pending;
use std::rc::Rc;
use std::thread::{self, ThreadId};

use futures_shield::{Caller, ShieldExt, shield_with_local};
use tokio::sync::oneshot;

use crate::support::*;

on_every_local_spawner! {
    awaited_work,
    orphaned_output,
    work_that_sees_its_caller,
    orphaned_inline_work,
}

/// Asserts that it is dropped on its own thread. Not `Send`.
struct Here(Rc<Cell<u32>>, ThreadId);

impl Here {
    fn new(drops: &Rc<Cell<u32>>) -> Self {
        Self(Rc::clone(drops), thread::current().id())
    }
}

impl Drop for Here {
    fn drop(&mut self) {
        assert_eq!(self.1, thread::current().id());
        self.0.set(self.0.get() + 1);
    }
}

fn awaited_work(rig: LocalRig) {
    let drops = Rc::new(Cell::new(0));
    let (captured, output) = (Here::new(&drops), Here::new(&drops));
    let here = thread::current().id();
    rig.run(async {
        let work = async move {
            let captured = captured;
            tokio::task::yield_now().await;
            assert_eq!(thread::current().id(), here);
            drop(captured);
            output
        };
        let output = work.shield_local(rig.spawner()).await;
        assert_eq!(drops.get(), 1);
        drop(output);
    });
    assert_eq!(drops.get(), 2);
}

/// Scenario 62.
fn orphaned_output(rig: LocalRig) {
    let drops = Rc::new(Cell::new(0));
    let output = Here::new(&drops);
    let (tell, told) = oneshot::channel();
    rig.run(async {
        let shield = async { output }.shield_local(rig.spawner());
        drop(shield.on_orphan(move |outcome| {
            drop(outcome);
            tell.send(thread::current().id()).unwrap();
        }));
        assert_eq!(told.await, Ok(thread::current().id()));
    });
    assert_eq!(drops.get(), 1);
}

fn work_that_sees_its_caller(rig: LocalRig) {
    rig.run(async {
        let seen = Rc::new(Cell::new(None));
        let sees = Rc::clone(&seen);
        let (tell, told) = oneshot::channel::<()>();
        let (begins, begun) = oneshot::channel();
        let shield = shield_with_local(rig.spawner(), async move |caller: Caller| {
            begins.send(()).unwrap();
            sees.set(Some(caller.run_until_gone(pending::<()>()).await));
            drop(tell);
            sees
        });
        begun.await.unwrap();
        assert_eq!(seen.get(), None);
        drop(shield);
        assert!(told.await.is_err());
        assert_eq!(seen.get(), Some(None));
    });
}

fn orphaned_inline_work(rig: LocalRig) {
    let drops = Rc::new(Cell::new(0));
    let (captured, output) = (Here::new(&drops), Here::new(&drops));
    rig.run(async {
        let (work, open) = gated();
        let (tell, told) = oneshot::channel();
        let work = async move {
            let _captured = captured;
            work.await;
            output
        };
        let shield = work.shield_on_drop_local(rig.spawner());
        let mut shield = shield.on_orphan(move |outcome| {
            drop(outcome);
            tell.send(thread::current().id()).unwrap();
        });
        assert!(poll(&mut shield).is_pending());
        drop(shield);
        open.send(7).unwrap();
        assert_eq!(told.await, Ok(thread::current().id()));
    });
    assert_eq!(drops.get(), 2);
}
