//! Futures that are not cut off half-way: `asyncio.shield()` for Rust, on every runtime.
//!
//! Dropping a future cancels it. A `select!` that loses, a `timeout` that fires, a client that hangs up, and the work
//! stops at whichever `.await` it had reached: the card charged, the order not recorded. A shielded future runs to its
//! end, and its outcome is delivered once: to its caller, or to a hook where the caller has gone.
//!
//! ```
//! # #[cfg(feature = "tokio")] {
//! use std::time::Duration;
//! use futures_shield::{ShieldExt, Tokio};
//! use tokio::time::{sleep, timeout};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! # let (record, recorded) = tokio::sync::oneshot::channel();
//! let charge_and_record = async move {
//!     sleep(Duration::from_millis(20)).await; // the card is charged ..
//!     record.send("order 7").unwrap(); //        .. and the order recorded
//! };
//!
//! let order = charge_and_record
//!     .shield(Tokio::current())
//!     .on_orphan(|outcome| println!("the client had gone: {outcome:?}"));
//!
//! assert!(timeout(Duration::from_millis(1), order).await.is_err()); // the client hangs up
//! assert_eq!(recorded.await, Ok("order 7")); // it is recorded all the same
//! # });
//! # }
//! ```
//!
//! # Which one
//!
//! | | |
//! | --- | --- |
//! | [`.shield(spawner)`](ShieldExt::shield) | runs the future as a task of its own, at once |
//! | [`.shield_on_drop(spawner)`](ShieldExt::shield_on_drop) | runs it inside the caller; it becomes a task only if it is dropped half-way |
//! | [`cleanup(spawner, value, f)`](cleanup()) | guards a value by a cleanup that runs in the end, also where its scope is cancelled |
//! | [`shield_with(spawner, f)`](shield_with()) | as `.shield()`, and the work sees its [`Caller`] leave: complete it, or take it back |
//! | [`Tracker::new(spawner)`](Tracker) | a spawner that knows what still runs, by file and line: drain it at shutdown |
//! | `#[shield(spawner)]` | shields the body of an `async fn` whenever it is called (feature `macros`) |
//! | `ShieldLayer::new(spawner)` | shields each response future of a `tower::Service` (feature `tower`) |
//!
//! `.shield_local()`, `.shield_on_drop_local()` and [`shield_with_local`] are for futures that are not `Send`. The
//! [`guide`] says which to take when, how to migrate from what you have, and what to look out for.
//!
//! # Spawners
//!
//! A runtime is anything that implements [`Spawn`] (or [`SpawnLocal`]): one method that runs a unit future. No feature
//! is on by default, and without one this crate depends on `futures-core` and `pin-project-lite` alone.
//!
//! | feature | adds |
//! | --- | --- |
//! | `tokio` | `Tokio`, and Tokio's `Handle`; for the `_local` methods `LocalSet` and `TokioLocal` |
//! | `async-executor` | async-executor's `Executor`, which is also smol's; for the `_local` methods `LocalExecutor` |
//! | `smol` | `Smol`, and what `async-executor` adds |
//! | `async-std` | `AsyncStd`. async-std is discontinued (RUSTSEC-2025-0052): for those who still need it |
//! | `async-task` | `schedule_fn`: any executor that can run a closure |
//! | `futures` | `FuturesSpawner`: any executor with the futures crate's spawner traits |
//! | `tokio`, `smol` or `async-std` | `current_runtime()`: the Tokio runtime this thread is in, else smol's or async-std's executor; for applications |
//! | `macros` | `#[shield]` |
//! | `tower` | `ShieldLayer` |
//! | `tracing` | events when work is orphaned, and when an orphan ends |
//! | `testing` | `testing::cancel_at_every_await`: tests that drop a future at each of its suspensions |
//!
//! [`spawn_fn`] and [`spawn_local_fn`] make a spawner of a closure, and [`DynSpawner`] keeps any of them without a type
//! parameter. A library takes `impl Spawn`; to keep it, `S: Spawn + Clone + Send + Sync + 'static`.
//!
//! # Semantics
//!
//! | | `.shield()` | `.shield_on_drop()` | `cleanup()` | `#[shield]` |
//! | --- | --- | --- | --- | --- |
//! | runs | as its own task, at once | inside the caller, when polled | inside the caller, from `.run().await` | as its own task, from the first poll of the call's future |
//! | dropped before the first poll | runs anyway | never runs: futures are lazy | is spawned and runs | never runs |
//! | dropped half-way | goes on | the rest is spawned and goes on | the rest is spawned and goes on | goes on |
//! | the caller holds it, but stops polling | goes on | stands still: a [futurelock](https://rfd.shared.oxide.computer/rfd/0609) | stands still | goes on |
//! | panics while awaited | the payload resumes in the caller | unwinds in the caller, is not spawned again | the same | as `.shield()` |
//! | cost when nobody cancels | one spawn | one box | one box | one spawn |
//!
//! - Every outcome (a value, a panic, a cancellation by the executor) is delivered exactly once, to the caller or to
//!   the hook. A shield that is leaked keeps it.
//! - The work is dropped before its outcome is delivered: the locks, permits and connections inside it are free by
//!   then.
//! - Where the executor dropped the work, as at shutdown, a plain `.await` panics in words.
//!   [`fallible()`](Shield::fallible) gives an `Err` instead, which tells that from a panic of the work, and says
//!   whether the work had started.
//! - Nothing panics out of a `Drop`, and no foreign code runs under a lock.
//! - Errors, trackers and events name the file and line of your call.
//!
//! # Compared with
//!
//! - `tokio::spawn(f).await`: the same protection on one runtime; the output comes wrapped in a `JoinError`, and is
//!   lost with a handle that is dropped.
//! - asyncio's `shield()`: what becomes of an orphan is only logged, and a cancelled caller cannot be told from
//!   cancelled work.
//! - tokio-shield: `.shield()` on Tokio. An orphan's outcome is dropped, a panic's payload comes wrapped, and a
//!   shutdown is a panic.
//! - tokio-cancel-guard and guarden: shields on drop; an orphan's outcome is discarded.
//! - futures' `RemoteHandle`: cancels the work when it is dropped.
//!
//! # What it is not
//!
//! - Not a runtime. An orphan runs for as long as its executor does: a current-thread runtime stops it when `block_on`
//!   returns.
//! - Not durable. The process can still die.
//! - Not retries, nor idempotency keys. A client that tries again can now meet its first attempt still running.
//! - Not for borrowed futures: what outlives its caller is `'static`. Anything else would have to block in `Drop`.

#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(missing_docs)]

#[cfg(feature = "macros")]
#[doc(hidden)]
#[path = "private.rs"]
pub mod __private;
mod caller;
mod error;
mod ext;
pub mod future;
pub mod guide;
mod inline;
#[cfg(feature = "tower")]
pub mod layer;
mod ledger;
mod relay;
mod rt;
mod shared;
mod shield;
mod spawn;
#[cfg(feature = "testing")]
pub mod testing;
mod tracker;
mod util;

pub use crate::caller::{Caller, shield_with, shield_with_local};
pub use crate::error::ShieldError;
pub use crate::ext::ShieldExt;
pub use crate::inline::{Cleanup, ShieldOnDrop, cleanup};
#[cfg(feature = "tower")]
pub use crate::layer::ShieldLayer;
#[cfg(feature = "async-std")]
pub use crate::rt::AsyncStd;
#[cfg(feature = "futures")]
pub use crate::rt::FuturesSpawner;
#[cfg(feature = "smol")]
pub use crate::rt::Smol;
#[cfg(any(feature = "tokio", feature = "smol", feature = "async-std"))]
pub use crate::rt::{CurrentRuntime, current_runtime};
#[cfg(feature = "tokio")]
pub use crate::rt::{Tokio, TokioLocal};
pub use crate::shared::{SharedFallibleShield, SharedShield};
pub use crate::shield::{FallibleShield, Shield, shield, shield_local};
pub use crate::spawn::{
    BoxTask, DynSpawner, InlineEntry, LocalBoxTask, Spawn, SpawnFn, SpawnLocal, SpawnLocalFn, spawn_fn, spawn_local_fn,
    spawn_location,
};
#[cfg(feature = "async-task")]
pub use crate::spawn::{Runnable, ScheduleFn, schedule_fn};
pub use crate::tracker::{LocationMetrics, Tracker, TrackerMetrics, Unfinished, UnfinishedAt};
#[cfg(feature = "macros")]
pub use futures_shield_macros::shield;

/// The README's examples are doctests.
#[cfg(all(doctest, feature = "tokio"))]
#[doc = include_str!("../README.md")]
struct Readme;
