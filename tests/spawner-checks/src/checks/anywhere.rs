//! A spawner can be called from anywhere.

use std::cell::RefCell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::thread;

use crate::bench::{Bench, Skip};
use crate::hand::{Hand, When};
use crate::probe::Probe;

/// Calls something when it is dropped.
struct OnDrop<C: FnOnce()>(Option<C>);

impl<C: FnOnce()> Drop for OnDrop<C> {
    fn drop(&mut self) {
        if let Some(call) = self.0.take() {
            call();
        }
    }
}

pub(crate) fn any_thread<H: Hand + Send>(mut bench: Bench<H>) -> Result<(), Skip> {
    bench.expect("a future that was spawned on another thread, with the runtime idle, to be run to its end");
    let spawner = bench.spawner().clone();
    let (probe, watch) = Probe::gated(0);
    thread::spawn(move || spawner.call(probe))
        .join()
        .expect("the panic is caught");
    bench.run(async move { watch.until_ended().await });

    bench.expect("a future that was spawned on another thread, while the runtime runs, to be run to its end");
    let spawner = bench.spawner().clone();
    let (probe, watch) = Probe::gated(0);
    bench.run(async move {
        let caller = thread::spawn(move || spawner.call(probe));
        watch.until_ended().await;
        caller.join().expect("the panic is caught");
    });
    Ok(())
}

pub(crate) fn outside_the_runtime<H: Hand>(mut bench: Bench<H>) -> Result<(), Skip> {
    bench.expect("a future that was spawned before the runtime ran to be run to its end");
    let watch = bench.spawn(0);
    bench.run(async move { watch.until_ended().await });
    bench.expect("a future that was spawned after the runtime ran to be run to its end");
    let watch = bench.spawn(0);
    bench.run(async move { watch.until_ended().await });
    Ok(())
}

pub(crate) fn inside_the_runtime<H: Hand>(mut bench: Bench<H>) -> Result<(), Skip> {
    bench.expect("a future that was spawned by a caller that the runtime runs to be run to its end");
    let spawner = bench.spawner().clone();
    let (probe, watch) = Probe::gated(0);
    bench.run(async move {
        spawner.call(probe);
        watch.until_ended().await;
    });

    bench.expect("a future that was spawned in another one's poll to be run to its end");
    chain(bench, When::InItsFirstPoll);
    Ok(())
}

pub(crate) fn in_drop<H: Hand>(mut bench: Bench<H>) -> Result<(), Skip> {
    bench.expect("a future that was spawned in `Drop` to be run to its end");
    let spawner = bench.spawner().clone();
    let (probe, watch) = Probe::gated(0);
    bench.run(async move {
        drop(OnDrop(Some(|| spawner.call(probe))));
        watch.until_ended().await;
    });

    bench.expect("a future that was spawned in the drop of another one that has completed to be run to its end");
    chain(bench, When::InItsDrop);
    Ok(())
}

/// Has a future spawn another one, and waits for both.
fn chain<H: Hand>(mut bench: Bench<H>, when: When) {
    let spawner = bench.spawner().clone();
    bench.run(async move {
        let ((first, first_watch), (next, next_watch)) = (Probe::gated(0), Probe::gated(0));
        spawner.hand_chain(first, when, next);
        first_watch.until_ended().await;
        next_watch.until_ended().await;
    });
}

pub(crate) fn while_unwinding<H: Hand>(mut bench: Bench<H>) -> Result<(), Skip> {
    bench.expect("a future that was spawned while unwinding to be run to its end");
    let spawner = bench.spawner().clone();
    let (probe, watch) = Probe::gated(0);
    bench.run(async move {
        let unwound = catch_unwind(AssertUnwindSafe(|| {
            let _spawns = OnDrop(Some(|| {
                assert!(thread::panicking());
                spawner.call(probe);
            }));
            // Not `panic!`, which would print.
            resume_unwind(Box::new("unwinding"));
        }));
        assert!(unwound.is_err());
        watch.until_ended().await;
    });
    Ok(())
}

pub(crate) fn as_the_thread_ends<H: Hand + Send>(mut bench: Bench<H>) -> Result<(), Skip> {
    thread_local! {
        static FIRST: RefCell<Option<Box<dyn std::any::Any>>> = const { RefCell::new(None) };
        static LAST: RefCell<Option<Box<dyn std::any::Any>>> = const { RefCell::new(None) };
    }

    bench.expect("futures that were spawned by thread-locals of a thread that ends to be run to their end");
    let [one, two, three] = [(); 3].map(|()| bench.spawner().clone());
    let [(early, early_watch), (usual, usual_watch), (late, late_watch)] = [(); 3].map(|()| Probe::gated(0));
    let ends = thread::spawn(move || {
        // One is dropped before the thread-locals of the runtime, and one after them, whatever the
        // order is.
        FIRST.set(Some(Box::new(OnDrop(Some(move || one.call(early))))));
        two.call(usual);
        LAST.set(Some(Box::new(OnDrop(Some(move || three.call(late))))));
    });
    ends.join().expect("the panics are caught");
    bench.run(async move {
        usual_watch.until_ended().await;
        early_watch.until_ended().await;
        late_watch.until_ended().await;
    });
    Ok(())
}
