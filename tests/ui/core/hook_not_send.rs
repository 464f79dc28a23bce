//! A hook is `Send`, for a local shield too: whichever thread ends the pair runs it.

use std::rc::Rc;

use futures_shield::{BoxTask, LocalBoxTask, ShieldExt, spawn_fn, spawn_local_fn};

fn main() {
    let (eager, local) = (Rc::new(1), Rc::new(2));
    async {}
        .shield(spawn_fn(drop::<BoxTask>))
        .on_orphan(move |_| drop(eager))
        .detach();
    async {}
        .shield_local(spawn_local_fn(drop::<LocalBoxTask>))
        .on_orphan(move |_| drop(local))
        .detach();
}
