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
const MOVED_BY_A_RUNTIME: usize = if cfg!(debug_assertions) { 96 * 1024 } else { SIZE };

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
    sized::<SIZE>(gate)
}

fn sized<const N: usize>(gate: oneshot::Receiver<u32>) -> impl Future<Output = usize> + Send + 'static {
    let block = [7_u8; N];
    let work = async move {
        gate.await.unwrap();
        block.iter().map(|byte| usize::from(*byte)).sum::<usize>()
    };
    assert!(size_of_val(&work) >= N);
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

/// Futures of 192 KiB fit on the stack that a thread has by default, even in a debug build. If they
/// do not, the process is killed. The spawner makes no difference: it gets a box.
mod on_a_default_stack {
    use super::*;

    const SIZE: usize = 192 * 1024;

    fn protected<F>(protect: impl FnOnce(CrankSpawner, oneshot::Receiver<u32>) -> F + Send + 'static)
    where
        F: Future<Output = usize> + Unpin,
    {
        let body = || {
            let (open, gate) = oneshot::channel();
            let crank = Crank::new();
            let mut caller = protect(crank.spawner(), gate);
            assert!(poll(&mut caller).is_pending());
            crank.run();
            open.send(7).unwrap();
            crank.run();
            assert_eq!(poll(&mut caller), Poll::Ready(7 * SIZE));
        };
        Thread::with_stack(2 << 20, body).join();
    }

    #[test]
    fn shielded() {
        protected(|spawner, gate| sized::<SIZE>(gate).shield(spawner));
    }

    #[test]
    fn shielded_with_its_caller() {
        protected(|spawner, gate| shield_with(spawner, |_| sized::<SIZE>(gate)));
    }

    #[test]
    fn inside_its_caller() {
        protected(|spawner, gate| sized::<SIZE>(gate).shield_on_drop(spawner));
    }

    #[test]
    fn cleanup_made_by_its_closure() {
        protected(|spawner, gate| cleanup(spawner, gate, sized::<SIZE>).run());
    }

    #[test]
    fn cleanup_captured_by_its_closure() {
        protected(|spawner, gate| {
            let work = sized::<SIZE>(gate);
            cleanup(spawner, (), |()| work).run()
        });
    }

    #[cfg(feature = "tower")]
    mod layered {
        use std::convert::Infallible;

        use futures_shield::ShieldLayer;
        use futures_util::FutureExt;
        use tower::{Layer, Service, service_fn};

        use super::*;

        fn layered(layer: fn(CrankSpawner) -> ShieldLayer<CrankSpawner>) {
            protected(move |spawner, gate| {
                let handler = service_fn(async |gate| Ok::<_, Infallible>(sized::<SIZE>(gate).await));
                layer(spawner).layer(handler).call(gate).map(Result::unwrap)
            });
        }

        #[test]
        fn eager() {
            layered(ShieldLayer::new);
        }

        #[test]
        fn on_drop() {
            layered(|spawner| ShieldLayer::new(spawner).on_drop());
        }

        #[test]
        fn not_shielded() {
            protected(|spawner, gate| {
                let handler = service_fn(async |gate| Ok::<_, Infallible>(sized::<SIZE>(gate).await));
                let layer = ShieldLayer::new(spawner).only_if(|_: &oneshot::Receiver<u32>| false);
                layer.layer(handler).call(gate).map(Result::unwrap)
            });
        }
    }
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
