//! How to shield: which mode when, how to come from what you have, what composes, and what to look out for. Docs only.
//!
//! # Which mode when
//!
//! Take [`.shield()`](crate::ShieldExt::shield) unless you have a reason not to. The work is a task of its own,
//! whatever its caller does: it cannot be starved, paused or futurelocked by whoever holds the shield. It costs one
//! spawn, and runs beside its caller.
//!
//! Take [`.shield_on_drop()`](crate::ShieldExt::shield_on_drop) on hot paths that are seldom cancelled, and where the
//! work must see its caller's task-locals. It costs one box, and runs inside its caller: on the same task, and only
//! while it is polled.
//!
//! Take [`cleanup()`](crate::cleanup()) where not the work but its *end* must not be lost: a connection given back, a
//! lease released, a transaction rolled back. Work inside the guard is cancelled as ever, and then cleaned up after.
//!
//! Take [`shield_with()`](crate::shield_with()) where the work is to decide by itself what becomes of it when its
//! caller leaves: to finish, to take back what it did, or to be cut off in the one place where that is safe.
//!
//! Put `#[shield]` on a function that must never be cut off, whoever calls it, and `ShieldLayer` around a service whose
//! handlers must not stop when a client hangs up.
//!
//! # Migrating
//!
//! ## From `tokio::spawn(..).await.unwrap()`
//!
//! The unwrap goes, panics pass through with their own payload, and a shutdown is told in words. Where the `JoinError`
//! was looked at, `.fallible()` gives a [`ShieldError`](crate::ShieldError) with the same questions to ask.
//!
//! ```
//! # #[cfg(feature = "tokio")] {
//! use futures_shield::{ShieldExt, Tokio};
//!
//! # async fn record() -> u32 { 7 }
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! // before
//! let order = tokio::spawn(record()).await.unwrap();
//! // after
//! let order = record().shield(Tokio::current()).await;
//! # assert_eq!(order, 7);
//! # });
//! # }
//! ```
//!
//! A `JoinHandle` can abort its task, and a shield cannot: see [abort](#abort-from-outside).
//!
//! ## From tokio-shield
//!
//! `use futures_shield::ShieldExt`, and name the runtime: `f.shield()` becomes `f.shield(Tokio::current())`. Its
//! `try_shield()` becomes `f.shield(Tokio::current()).fallible()`.
//!
//! ## From asyncio
//!
//! `await asyncio.shield(f())` is `f().shield(..).await`. Two things differ. Nothing is raised in a caller that is
//! dropped, so there is no `CancelledError` to catch: code after an `.await` simply does not run. And the task needs no
//! other reference to stay alive. `finally: await asyncio.shield(close())` is [`cleanup()`](crate::cleanup()), which
//! holds against a second cancellation, too.
//!
//! # Recipes
//!
//! ## Abort from outside
//!
//! The work's own code may be made abortable, inside the shield: then only who has the handle can cut it off.
//!
//! ```
//! # #[cfg(feature = "tokio")] {
//! use futures_shield::{ShieldExt, Tokio};
//! use futures_util::future::{Aborted, abortable};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let (work, handle) = abortable(std::future::pending::<()>());
//! let shield = work.shield(Tokio::current());
//! handle.abort();
//! assert_eq!(shield.await, Err(Aborted));
//! # });
//! # }
//! ```
//!
//! ## Many waiters
//!
//! ```
//! # #[cfg(feature = "tokio")] {
//! use std::sync::Arc;
//! use futures_shield::{ShieldExt, Tokio};
//! use futures_util::{FutureExt, TryFutureExt};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let one = async { 7 }.shield(Tokio::current()).shared();
//! let other = one.clone();
//! assert_eq!((one.await, other.await), (7, 7));
//!
//! // A `ShieldError` is not `Clone`; in an `Arc` it is.
//! let fallible = async { 7 }.shield(Tokio::current()).fallible().map_err(Arc::new).shared();
//! assert_eq!(fallible.await.unwrap(), 7);
//! # });
//! # }
//! ```
//!
//! ## A deadline for the caller, and one for the work
//!
//! The one outside bounds the wait, and the one inside bounds the work. By reference, the first leaves a shield that
//! can be awaited again.
//!
//! ```
//! # #[cfg(feature = "tokio")] {
//! use std::time::Duration;
//! use futures_shield::{ShieldExt, Tokio};
//! use tokio::time::{sleep, timeout};
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let work = async {
//!     sleep(Duration::from_millis(30)).await;
//!     "receipt"
//! };
//! let mut shield = timeout(Duration::from_secs(60), work).shield(Tokio::current());
//!
//! assert!(timeout(Duration::from_millis(1), &mut shield).await.is_err());
//! assert_eq!(shield.await, Ok("receipt"));
//! # });
//! # }
//! ```
//!
//! [`Caller::run_with_grace`](crate::Caller::run_with_grace) bounds the work only from when its caller has left.
//!
//! ## A limit on orphans
//!
//! What matters is that the work *holds* the permit: it is given back when the work ends, not when its caller leaves.
//! Taken before and moved in, as here, a caller that leaves while it waits for one is not served; taken inside, orphans
//! queue for it, too. With tower, put the limit inside the shield, in one `ServiceBuilder`: the docs of `ShieldLayer`
//! show how.
//!
//! ```
//! # #[cfg(feature = "tokio")] {
//! use std::sync::Arc;
//! use futures_shield::{ShieldExt, Tokio};
//! use tokio::sync::Semaphore;
//!
//! # async fn record() {}
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let limit = Arc::new(Semaphore::new(100));
//! let permit = limit.clone().acquire_owned().await.unwrap(); // still cancellable here
//! async move {
//!     record().await;
//!     drop(permit);
//! }
//! .shield(Tokio::current())
//! .await;
//! # });
//! # }
//! ```
//!
//! ## Several futures at once
//!
//! Shield the join, not its parts. A shield that has delivered to a `join!` has delivered: what a combinator does with
//! the output then is the caller's, and is dropped with the caller.
//!
//! ## Errors of the application
//!
//! An orphan's own error is a value, and the hook sees it as one: `Ok(Err(error))`. `Err(_)` is a panic or a
//! cancellation.
//!
//! ## BoxTask-locals, spans, OpenTelemetry contexts
//!
//! A spawned future starts with none of its caller's context. Wrap what it is to carry around it, inside the shield:
//!
//! ```
//! # #[cfg(all(feature = "tokio", feature = "tracing"))] {
//! use futures_shield::{ShieldExt, Tokio};
//! use tracing::Instrument;
//!
//! tokio::task_local! { static TENANT: u32; }
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(TENANT.scope(7, async {
//! let work = async { TENANT.get() };
//! let tenant = TENANT
//!     .scope(TENANT.get(), work)
//!     .in_current_span()
//!     .shield(Tokio::current())
//!     .await;
//! assert_eq!(tenant, 7);
//! # }));
//! # }
//! ```
//!
//! The event that tells of an orphan's end is outside of such a span, for the work is gone by then; it names the file
//! and line instead.
//!
//! With OpenTelemetry it is `work.with_current_context()`, of `opentelemetry::trace::FutureExt`. `.shield_on_drop()`
//! has its caller's context while the caller is there; wrap it too, for the rest of the way.
//!
//! ## Results in `shield_with`
//!
//! Give the closure its output where `?` leaves the error open: `shield_with(rt, async move |caller| -> Result<_,
//! Error> { .. })`.
//!
//! ## Events
//!
//! With the feature `tracing`, and the target `futures_shield`: DEBUG when a caller leaves work that still runs
//! (`location`); when that orphan ends, DEBUG where it finished, and ERROR where it panicked or was cancelled
//! (`location`, `orphaned_for`, `error`). A hook does not silence them. Work whose caller stays records nothing.
//! `RUST_LOG=futures_shield=debug` shows them.
//!
//! # Shutting down
//!
//! 1. Stop taking work: close the listener.
//! 2. Drain: [`tracker.drain(deadline).await`](crate::Tracker::drain) waits for what was shielded through the tracker,
//!    and says by file and line what is left.
//! 3. Drop the runtime. What is left is cancelled, and its hooks are told so, with
//!    [`was_started`](crate::ShieldError::was_started).
//!
//! ```
//! # #[cfg(feature = "tokio")] {
//! use std::time::Duration;
//! use futures_shield::{ShieldExt, Tokio, Tracker};
//! use tokio::time::sleep;
//!
//! # tokio::runtime::Runtime::new().unwrap().block_on(async {
//! let tracker = Tracker::new(Tokio::current());
//! async { /* an order */ }.shield(&tracker).detach();
//!
//! if let Err(unfinished) = tracker.drain(sleep(Duration::from_secs(30))).await {
//!     eprintln!("{unfinished}"); // 1 unfinished: 1 shielded at src/main.rs:8:27
//! }
//! # });
//! # }
//! ```
//!
//! Where the executor keeps what it will never run, a shield never ends. Tokio's runtimes and smol's executors drop it
//! when they are dropped; smol's and async-std's global executors are never dropped, and end with the process.
//!
//! # Pitfalls
//!
//! - **Retries.** A client that hung up and tries again meets its first attempt, still running. Give orders an
//!   idempotency key.
//! - **Locks.** An orphan holds what it holds until it ends, and so does an undelivered output that is a guard, until
//!   its shield is polled or dropped. Do not wait for a lock that your own shield's output holds.
//! - **Current-thread runtimes.** Orphans stop when `block_on` returns. Drain first.
//! - **The early return out of `main`.** A cleanup that it spawns meets a runtime that is being dropped. Wait for a
//!   [`Tracker`](crate::Tracker) there.
//! - **An executor inside itself.** An inline shield that holds `Arc<Executor>` and lives in that executor keeps it
//!   alive, and so does a [`cleanup()`](crate::cleanup()). Give it a spawner that does not own the executor:
//!   `spawn_fn(move |task| if let Some(executor) = weak.upgrade() { executor.spawn(task).detach() })`.
//! - **Loops.** `.shield(runtime)` moves the spawner, `.shield(&runtime)` does not. `.shield_on_drop()` and `cleanup()`
//!   keep theirs: give them a clone where they are to be `'static`.
//! - **Names.** futures-task has a trait `Spawn`, too: import it `as _`. The methods do not collide, for ours is
//!   `spawn_detached`.
//! - **Two runtimes.** The work runs where its spawner says: a Tokio timer inside `.shield(Smol)` panics. Give
//!   `.shield_on_drop()` the spawner of the runtime that it is polled in, for the rest goes on there.
