//! Large futures, handed unboxed to every adapter in every mode (scenarios 8 and 81).

use std::future::Future;
use std::task::Poll;

use futures_shield::{ShieldExt, Spawn, SpawnLocal, Tracker, cleanup, shield_with};
use tokio::sync::oneshot;

use crate::support::*;

const SIZE: usize = 256 * 1024;

const SUM: usize = 7 * SIZE;

/// What a cleanup's closure moves on the stack of a runtime's thread, which is small: a debug build
/// copies it at each call.
const MOVED_BY_A_RUNTIME: usize = if cfg!(debug_assertions) { 16 * 1024 } else { SIZE };

on_every_spawner! {
    typed:
    shielded,
    shielded_with_its_caller,
    inside_its_caller,
    inline_as_an_orphan,
    cleanup_as_an_orphan,
    spawned_cleanup,
    tracked,
    spawned_without_a_shield,
}

fn large(gate: oneshot::Receiver<u32>) -> impl Future<Output = usize> + Send + 'static {
    let block = [7_u8; SIZE];
    let work = async move {
        gate.await.unwrap();
        block.iter().map(|byte| usize::from(*byte)).sum::<usize>()
    };
    assert!(size_of_val(&work) >= SIZE);
    work
}

/// Runs `test` with room on the stack for what a caller moves.
fn with_room<R: TypedRig>(test: impl FnOnce(&R, oneshot::Receiver<u32>, oneshot::Sender<u32>) + Send + 'static) {
    let body = || {
        let (open, gate) = oneshot::channel();
        test(&R::new(), gate, open);
    };
    Thread::with_stack(32 << 20, body).join();
}

fn shielded<R: TypedRig>(_: R) {
    with_room(|rig: &R, gate, open| {
        let shield = large(gate).shield(rig.spawner());
        open.send(7).unwrap();
        assert_eq!(rig.run(shield), SUM);
    });
}

fn shielded_with_its_caller<R: TypedRig>(_: R) {
    with_room(|rig: &R, gate, open| {
        let shield = shield_with(rig.spawner(), |_| large(gate));
        open.send(7).unwrap();
        assert_eq!(rig.run(shield), SUM);
    });
}

fn tracked<R: TypedRig>(_: R) {
    with_room(|rig: &R, gate, open| {
        let tracker = Tracker::new(rig.spawner());
        let (hook, call) = hook();
        large(gate).shield(&tracker).on_orphan(hook).detach();
        open.send(7).unwrap();
        assert_eq!(rig.run(call).unwrap().unwrap(), SUM);
        rig.run(tracker.wait());
    });
}

/// A shield boxes a large future before it is handed over. This one reaches the adapter as it is.
fn spawned_without_a_shield<R: TypedRig>(_: R) {
    with_room(|rig: &R, gate, open| {
        let (tell, told) = oneshot::channel();
        let work = large(gate);
        rig.spawner()
            .spawn_detached(async move { tell.send(work.await).unwrap() });
        open.send(7).unwrap();
        assert_eq!(rig.run(told), Ok(SUM));
    });
}

fn inside_its_caller<R: TypedRig>(_: R) {
    with_room(|rig: &R, gate, open| {
        let mut shield = large(gate).shield_on_drop(rig.spawner());
        assert!(poll(&mut shield).is_pending());
        open.send(7).unwrap();
        assert_eq!(poll(&mut shield), Poll::Ready(SUM));
    });
}

fn inline_as_an_orphan<R: TypedRig>(_: R) {
    with_room(|rig: &R, gate, open| {
        let (hook, call) = hook();
        let mut shield = large(gate).shield_on_drop(rig.spawner()).on_orphan(hook);
        assert!(poll(&mut shield).is_pending());
        drop(shield);
        open.send(7).unwrap();
        assert_eq!(rig.run(call).unwrap().unwrap(), SUM);
    });
}

fn cleanup_as_an_orphan<R: TypedRig>(_: R) {
    with_room(|rig: &R, gate, open| {
        let (hook, call) = hook();
        let mut run = cleanup(rig.spawner(), gate, large).on_orphan(hook).run();
        assert!(poll(&mut run).is_pending());
        drop(run);
        open.send(7).unwrap();
        assert_eq!(rig.run(call).unwrap().unwrap(), SUM);
    });
}

fn spawned_cleanup<R: TypedRig>(_: R) {
    with_room(|rig: &R, gate, open| {
        let (hook, call) = hook();
        let value = ([7_u8; MOVED_BY_A_RUNTIME], gate);
        let guard = cleanup(rig.spawner(), value, async |(block, gate)| {
            gate.await.unwrap();
            block.iter().map(|byte| usize::from(*byte)).sum::<usize>()
        });
        drop(guard.on_orphan(hook));
        open.send(7).unwrap();
        assert_eq!(rig.run(call).unwrap().unwrap(), 7 * MOVED_BY_A_RUNTIME);
    });
}

mod local {
    use super::*;

    on_every_local_spawner! {
        typed:
        shielded,
        inline_as_an_orphan,
        spawned_without_a_shield,
    }

    /// Runs `test` on its executor, with room on the stack for what a caller moves.
    fn with_room<R: TypedLocalRig>(
        test: impl AsyncFnOnce(R::Spawner, oneshot::Receiver<u32>, oneshot::Sender<u32>) + Send + 'static,
    ) {
        let body = || {
            let (open, gate) = oneshot::channel();
            let rig = R::new();
            rig.run(async { test(rig.spawner(), gate, open).await });
        };
        Thread::with_stack(32 << 20, body).join();
    }

    fn shielded<R: TypedLocalRig>(_: R) {
        with_room::<R>(async |spawner, gate, open| {
            let shield = large(gate).shield_local(spawner);
            open.send(7).unwrap();
            assert_eq!(shield.await, SUM);
        });
    }

    fn inline_as_an_orphan<R: TypedLocalRig>(_: R) {
        with_room::<R>(async |spawner, gate, open| {
            let (hook, call) = hook();
            let mut shield = large(gate).shield_on_drop_local(spawner).on_orphan(hook);
            assert!(poll(&mut shield).is_pending());
            drop(shield);
            open.send(7).unwrap();
            assert_eq!(call.await.unwrap().unwrap(), SUM);
        });
    }

    fn spawned_without_a_shield<R: TypedLocalRig>(_: R) {
        with_room::<R>(async |spawner, gate, open| {
            let (tell, told) = oneshot::channel();
            let work = large(gate);
            spawner.spawn_local_detached(async move { tell.send(work.await).unwrap() });
            open.send(7).unwrap();
            assert_eq!(told.await, Ok(SUM));
        });
    }
}
