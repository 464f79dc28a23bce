//! Futures that run to completion even if their caller is dropped: `asyncio.shield()` for every
//! runtime.
//!
//! Dropping a future cancels it. If a branch of `select!` loses, a `timeout` fires or a client
//! hangs up, the work stops at whichever `.await` it has reached: the card is charged, and the
//! order is not recorded. Shielded work runs to its end, and its outcome is delivered exactly once:
//! to its caller, or to a hook if the caller is gone.
//!
//! ```
//! # #[cfg(feature = "tokio")]
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() {
//! use std::time::Duration;
//! use futures_shield::{ShieldExt, Tokio};
//! use tokio::{sync::oneshot, time::{sleep, timeout}};
//!
//! let (lost, found) = oneshot::channel();
//! let order = async {
//!     sleep(Duration::from_millis(20)).await; // the card is charged ..
//!     "order 7" //                               .. and the order is recorded
//! };
//! let order = order.shield(Tokio::current()).on_orphan(|outcome| lost.send(outcome.unwrap()).unwrap());
//!
//! assert!(timeout(Duration::from_millis(1), order).await.is_err()); // the client hangs up
//! assert_eq!(found.await, Ok("order 7"));
//! # }
//! # #[cfg(not(feature = "tokio"))]
//! # fn main() {}
//! ```
//!
//! `Tokio::current()` is a *spawner*: a value that can hand a future to an executor. An *orphan* is
//! work whose caller is gone. When a runtime is dropped, it drops its orphans, too: spawn through a
//! [`Tracker`], and [`drain`](Tracker::drain) it before `main` returns.
//!
//! # Which one
//!
#![doc = include_str!("../docs/modes.md")]
//!
//! [`.shield_local()`](ShieldExt::shield_local),
//! [`.shield_on_drop_local()`](ShieldExt::shield_on_drop_local) and [`shield_with_local`] are for
//! futures that are not `Send`. The [`guide`] says which one to use when, how to migrate from what
//! you have, and what to look out for. The package also contains programs to run (`examples/`), and
//! `ARCHITECTURE.md`, which explains the source and names the tests of each promise.
//!
//! # Features
//!
//! None is on by default, and without one this crate depends on `futures-core` and
//! `pin-project-lite` only.
//!
#![doc = include_str!("../docs/features.md")]
//!
//! Any other executor becomes a spawner with a closure ([`spawn_fn`], [`spawn_local_fn`]) or with
//! five lines of `impl` [`Spawn`] or [`SpawnLocal`]. [`DynSpawner`] keeps any of them without a
//! type parameter. A library should take `impl Spawn`, so that its user chooses the runtime; to
//! keep the spawner, the bound is `S: Spawn + Clone + Send + Sync + 'static`.
//!
//! # Semantics
//!
#![doc = include_str!("../docs/semantics.md")]
//!
#![doc = include_str!("../docs/promises.md")]
//!
//! # Compared with
//!
#![doc = include_str!("../docs/compared.md")]
//!
//! futures' `RemoteHandle` is not a shield: dropping it cancels the work.
//!
//! # What it is not
//!
#![doc = include_str!("../docs/limits.md")]
#![forbid(unsafe_code)]
#![cfg_attr(docsrs, feature(doc_cfg))]
#![warn(missing_docs)]
// The pages above link to items behind features. The documentation is built with all of them.
#![cfg_attr(
    not(all(
        feature = "tokio",
        feature = "smol",
        feature = "async-std",
        feature = "async-task",
        feature = "futures",
        feature = "macros",
        feature = "tower",
        feature = "testing"
    )),
    allow(rustdoc::broken_intra_doc_links)
)]

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
