//! Allocations and bytes, for whoever has [`Counting`](crate::counting::Counting) as its global allocator.

use std::future::{self, Future};
use std::hint::black_box;

use futures::FutureExt;
use futures_shield::{ShieldExt, Tokio};
use tokio::runtime::{Builder, Runtime};

use crate::counting::count;

/// What an operation takes of the heap.
#[derive(Clone, Copy, Debug)]
pub struct Figure {
    /// The operation, as a user would write it.
    pub code: &'static str,
    /// How often it allocates.
    pub allocations: f64,
    /// How many bytes it holds for as long as its work is pending and its caller waits.
    pub live: f64,
}

/// How many operations a figure is the mean of.
const OPERATIONS: usize = 1_000;

fn runtime() -> Runtime {
    Builder::new_current_thread()
        .build()
        .expect("a runtime without drivers")
}

async fn ready() -> u64 {
    black_box(7)
}

/// A `u64`, never, from a future of some 100 bytes.
pub async fn pending() -> u64 {
    let kept = black_box([7_u64; 12]);
    future::pending::<()>().await;
    kept[0]
}

/// The allocations of one operation that ends.
fn allocations<F: Future>(mut operation: impl FnMut(&'static Tokio) -> F) -> f64 {
    runtime().block_on(async {
        let tokio: &Tokio = Box::leak(Box::new(Tokio::current()));
        // What the runtime allocates once.
        for _ in 0..OPERATIONS {
            black_box(operation(tokio).await);
        }
        let before = count().allocations;
        for _ in 0..OPERATIONS {
            black_box(operation(tokio).await);
        }
        (count().allocations - before) as f64 / OPERATIONS as f64
    })
}

/// The bytes that one operation holds once it was polled and is pending.
fn live<F: Future + Unpin>(mut operation: impl FnMut(&'static Tokio) -> F) -> f64 {
    let runtime = runtime();
    let mut held = Vec::with_capacity(OPERATIONS);
    let bytes = runtime.block_on(async {
        let tokio: &Tokio = Box::leak(Box::new(Tokio::current()));
        let mut round = async |held: &mut Vec<_>| {
            let before = count().live;
            for _ in 0..OPERATIONS {
                let mut pending = operation(tokio);
                assert!((&mut pending).now_or_never().is_none());
                held.push(pending);
            }
            // So that each was polled as a task, too.
            for _ in 0..OPERATIONS {
                yield_now().await;
            }
            count().live - before
        };
        // The runtime's queue grows in the first round.
        round(&mut held).await;
        held = Vec::with_capacity(OPERATIONS);
        round(&mut held).await
    });
    drop(held);
    bytes as f64 / OPERATIONS as f64
}

async fn yield_now() {
    let mut yielded = false;
    future::poll_fn(|cx| {
        if yielded {
            return std::task::Poll::Ready(());
        }
        yielded = true;
        cx.waker().wake_by_ref();
        std::task::Poll::Pending
    })
    .await;
}

/// `Box::pin(f).await`
pub fn box_pin() -> Figure {
    Figure {
        code: "Box::pin(f).await",
        allocations: allocations(|_| Box::pin(ready())),
        live: live(|_| Box::pin(pending())),
    }
}

/// `f.shield_on_drop(&tokio).await`
pub fn shield_on_drop() -> Figure {
    Figure {
        code: "f.shield_on_drop(&tokio).await",
        allocations: allocations(|tokio| ready().shield_on_drop(tokio)),
        live: live(|tokio| pending().shield_on_drop(tokio)),
    }
}

/// `f.shield_on_drop(&tokio).on_orphan(|_| {}).await`
pub fn shield_on_drop_on_orphan() -> Figure {
    Figure {
        code: "f.shield_on_drop(&tokio).on_orphan(|_| {}).await",
        allocations: allocations(|tokio| ready().shield_on_drop(tokio).on_orphan(|_| {})),
        live: live(|tokio| pending().shield_on_drop(tokio).on_orphan(|_| {})),
    }
}

/// `tokio::spawn(f).await`
pub fn tokio_spawn() -> Figure {
    Figure {
        code: "tokio::spawn(f).await",
        allocations: allocations(|_| tokio::spawn(ready())),
        live: live(|_| tokio::spawn(pending())),
    }
}

/// `f.shield().await`, of tokio-shield
pub fn tokio_shield() -> Figure {
    Figure {
        code: "f.shield().await (tokio-shield)",
        allocations: allocations(|_| tokio_shield::Shield::shield(ready())),
        live: live(|_| tokio_shield::Shield::shield(pending())),
    }
}

/// `f.shield(&tokio).await`
pub fn shield() -> Figure {
    Figure {
        code: "f.shield(&tokio).await",
        allocations: allocations(|tokio| ready().shield(tokio)),
        live: live(|tokio| pending().shield(tokio)),
    }
}

/// `f.shield(&tokio).on_orphan(|_| {}).await`
pub fn shield_on_orphan() -> Figure {
    Figure {
        code: "f.shield(&tokio).on_orphan(|_| {}).await",
        allocations: allocations(|tokio| ready().shield(tokio).on_orphan(|_| {})),
        live: live(|tokio| pending().shield(tokio).on_orphan(|_| {})),
    }
}

/// All of them, as they stand in the table.
pub fn figures() -> Vec<Figure> {
    vec![
        box_pin(),
        shield_on_drop(),
        shield_on_drop_on_orphan(),
        tokio_spawn(),
        tokio_shield(),
        shield(),
        shield_on_orphan(),
    ]
}
