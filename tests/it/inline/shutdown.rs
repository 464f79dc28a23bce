//! Inline work that lives in a task of the runtime that is shut down, and spawns its rest on that
//! same runtime from the drop of that task. Nothing may panic, hang or get lost: the hook gets the
//! cancellation.

use std::future::{Future, pending};
use std::pin::pin;

use futures_shield::{ShieldExt, Spawn, SpawnLocal, cleanup};
use tokio::sync::oneshot;

use crate::support::*;

on_every_spawner! {
    every: ;
    if_it_shuts_down:
        task_with_inline_shield,
        task_with_guard,
        task_with_running_guard,
        task_with_nested_inline_shields;
}

/// Polls `future` once in a task of the executor, and shuts that down around it.
fn shut_down_around(rig: Rig, future: impl Future + Send + 'static) {
    let (start, started) = oneshot::channel();
    let (wake, woken) = oneshot::channel::<()>();
    rig.spawner().spawn_detached(async move {
        let mut future = pin!(future);
        assert!(futures_util::poll!(future.as_mut()).is_pending());
        start.send(()).unwrap();
        let _: Result<(), _> = woken.await;
        future.await;
    });
    rig.run(started).unwrap();
    rig.shut_down();
    // An executor that drops its tasks when they are woken does so now.
    let _ = wake.send(());
}

#[track_caller]
fn assert_cancelled<T>(call: HookCall<T>, started: bool) {
    let Some(Err(error)) = block_on(call) else {
        panic!("the hook was dropped uncalled, or called with a value");
    };
    assert!(error.is_cancelled() && !error.is_panic(), "{error}");
    assert_eq!(error.was_started(), started, "{error}");
}

fn task_with_guard(Rig { new, .. }: Rig) {
    on_a_thread(move || {
        let rig = new();
        let drops = Drops::new();
        let (hook, call) = hook();
        let guard = cleanup(rig.spawner_without_executor(), drops.one(), async |_held| {
            pending::<()>().await;
        });
        let guard = guard.on_orphan(hook);
        shut_down_around(rig, async move {
            let _guard = guard;
            pending::<()>().await;
        });
        assert_cancelled(call, false);
        assert_eq!(drops.count(), 1);
    });
}

fn task_with_running_guard(Rig { new, .. }: Rig) {
    on_a_thread(move || {
        let rig = new();
        let drops = Drops::new();
        let (hook, call) = hook();
        let guard = cleanup(rig.spawner_without_executor(), drops.one(), async |_held| {
            pending::<()>().await;
        });
        shut_down_around(rig, guard.on_orphan(hook).run());
        assert_cancelled(call, true);
        assert_eq!(drops.count(), 1);
    });
}

/// The tests of inline shields, which are the same for rigs of both kinds.
macro_rules! inline_shields {
    ($kind:ident, $shield_on_drop:ident) => {
        fn task_with_inline_shield($kind { new, .. }: $kind) {
            on_a_thread(move || {
                let rig = new();
                let drops = Drops::new();
                let (hook, call) = hook();
                let shield = HoldsUntilDrop::new(drops.one(), pending::<()>())
                    .$shield_on_drop(rig.spawner_without_executor())
                    .on_orphan(hook);
                shut_down_around(rig, shield);
                assert_cancelled(call, true);
                assert_eq!(drops.count(), 1);
            });
        }

        fn task_with_nested_inline_shields($kind { new, .. }: $kind) {
            on_a_thread(move || {
                let rig = new();
                let drops = Drops::new();
                let (inner_hook, inner_call) = hook();
                let (outer_hook, outer_call) = hook();
                let outer = HoldsUntilDrop::new(drops.one(), pending::<()>())
                    .$shield_on_drop(rig.spawner_without_executor())
                    .on_orphan(inner_hook)
                    .$shield_on_drop(rig.spawner_without_executor())
                    .on_orphan(outer_hook);
                shut_down_around(rig, outer);
                assert_cancelled(outer_call, true);
                assert_cancelled(inner_call, true);
                assert_eq!(drops.count(), 1);
            });
        }
    };
}

inline_shields!(Rig, shield_on_drop);

/// The guide warns of it: an inline shield that holds its executor, and lives in it, keeps it alive.
/// A spawner that holds a `Weak` does not.
#[cfg(feature = "smol")]
#[test]
fn executor_inside_itself() {
    use std::sync::Arc;

    let keeps = |strong: bool| {
        let rig = SmolExecutorByHand::new();
        let executor = Arc::downgrade(&rig.spawner());
        let (start, started) = oneshot::channel();
        let shielded = async move {
            start.send(()).unwrap();
            pending::<()>().await;
        };
        if strong {
            let shield = shielded.shield_on_drop(rig.spawner());
            rig.spawner().spawn_detached(shield);
        } else {
            let shield = shielded.shield_on_drop(rig.spawner_without_executor());
            rig.spawner().spawn_detached(shield);
        }
        rig.run(started).unwrap();
        drop(rig);
        executor.upgrade().is_some()
    };
    assert_eq!((keeps(true), keeps(false)), (true, false));
}

mod local {
    use super::*;

    on_every_local_spawner! {
        task_with_inline_shield,
        task_with_nested_inline_shields,
    }

    inline_shields!(LocalRig, shield_on_drop_local);

    fn shut_down_around(rig: LocalRig, future: impl Future + 'static) {
        let (start, started) = oneshot::channel();
        rig.run(async {
            rig.spawner().spawn_local_detached(async move {
                let mut future = pin!(future);
                assert!(futures_util::poll!(future.as_mut()).is_pending());
                start.send(()).unwrap();
                future.await;
            });
            started.await.unwrap();
        });
        drop(rig);
    }
}
