//! **`f.shield(&tracker).await`, from 100 locations in turn**

use std::cell::Cell;

use futures_shield::{Shield, ShieldExt, Tokio, Tracker};

#[track_caller]
fn shield<F>(tracker: &Tracker<Tokio>, work: impl FnOnce() -> F) -> Shield<F::Output>
where
    F: Future<Output: Send + 'static> + Send + 'static,
{
    work().shield(tracker)
}

thread_local! {
    static TURN: Cell<usize> = const { Cell::new(0) };
}

/// A call from here: each use of the macro is a location of its own.
macro_rules! here {
    () => {
        |tracker, work| shield(tracker, work)
    };
}

type Call<F, W> = fn(&Tracker<Tokio>, W) -> Shield<<F as Future>::Output>;

futures_shield_contenders::contender!(Tracker<Tokio>, |tracker, work| {
    #[rustfmt::skip]
    let locations: [Call<F, W>; 100] = [
        here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(),
        here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(),
        here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(),
        here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(),
        here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(),
        here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(),
        here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(),
        here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(),
        here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(),
        here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(), here!(),
    ];
    let turn = TURN.get();
    TURN.set((turn + 1) % locations.len());
    locations[turn](tracker, work)
});
