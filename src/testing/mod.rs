//! Tests of code that may be cancelled: drop a future at every suspension and check what is left.
//!
//! A future can be dropped at each of its `.await`s: by a `select!`, a `timeout` or a client that
//! hangs up. [`cancel_at_every_await`] does that in a test, at one suspension after the other, and
//! calls your check after each. [`caller`] is for unit tests of work that takes a
//! [`Caller`](crate::Caller).
//!
//! # Find a hole, fix it, keep the test
//!
//! An order charges a card and then records the sale. Is there a moment at which a customer who
//! hangs up has been charged, and nothing is recorded?
//!
//! **1. Find it.** Put the invariant into `check`: at every suspension, as many sales are recorded
//! as cards are charged.
//!
//! ```should_panic
//! use futures_shield::testing::cancel_at_every_await;
//! use std::sync::Arc;
//! use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
//! use std::time::Duration;
//! use tokio::time::sleep;
//!
//! #[derive(Default)]
//! struct Shop {
//!     charged: AtomicU32,
//!     recorded: AtomicU32,
//! }
//!
//! async fn order(shop: Arc<Shop>) {
//!     charge(&shop).await;
//!     record(&shop).await;
//! }
//!
//! async fn charge(shop: &Shop) {
//!     shop.charged.fetch_add(1, SeqCst); // the bank has the request ..
//!     sleep(Duration::from_millis(1)).await; // .. and takes a while to answer
//! }
//!
//! async fn record(shop: &Shop) {
//!     sleep(Duration::from_millis(1)).await;
//!     shop.recorded.fetch_add(1, SeqCst);
//! }
//!
//! # /*
//! #[tokio::test(start_paused = true)]
//! # */
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() { test().await }
//! async fn test() {
//!     let shop = Arc::new(Shop::default());
//!     let check = async |_| {
//!         let (charged, recorded) = (shop.charged.load(SeqCst), shop.recorded.load(SeqCst));
//!         assert_eq!(charged, recorded, "charged, but not recorded");
//!     };
//!     cancel_at_every_await(|| order(Arc::clone(&shop)), check).await;
//! }
//! ```
//!
//! The test fails. Its message names the `.await` at which the order was dropped:
//!
//! ```text
//! cancelled at suspension 1 (src/shop.rs:20:37), at once, of the future made at src/shop.rs:35: assertion `left == right` failed: charged, but not recorded
//!   left: 1
//!  right: 0
//! ```
//!
//! (`at once` is the first of the [two ways to drop](#both-ways-to-drop).)
//!
//! **2. Fix it.** Shield the order. It then runs to completion even if its caller is gone. So
//! `check` first waits for it, with the [`Tracker`](crate::Tracker) that also drains orphans at
//! shutdown.
//!
//! **3. Keep the test.** The call returns the number of suspensions: here one, the `.await` of the
//! shield. Assert that number, so that the test fails if it covers less than before.
//!
//! ```
//! # #[cfg(feature = "tokio")]
//! # mod example {
//! # use std::sync::Arc;
//! # use std::sync::atomic::{AtomicU32, Ordering::SeqCst};
//! # use std::time::Duration;
//! # use tokio::time::sleep;
//! #
//! # #[derive(Default)]
//! # struct Shop {
//! #     charged: AtomicU32,
//! #     recorded: AtomicU32,
//! # }
//! #
//! # async fn order(shop: Arc<Shop>) {
//! #     charge(&shop).await;
//! #     record(&shop).await;
//! # }
//! #
//! # async fn charge(shop: &Shop) {
//! #     shop.charged.fetch_add(1, SeqCst); // the bank has the request ..
//! #     sleep(Duration::from_millis(1)).await; // .. and takes a while to answer
//! # }
//! #
//! # async fn record(shop: &Shop) {
//! #     sleep(Duration::from_millis(1)).await;
//! #     shop.recorded.fetch_add(1, SeqCst);
//! # }
//! use futures_shield::testing::cancel_at_every_await;
//! use futures_shield::{ShieldExt, Tokio, Tracker};
//!
//! # /*
//! #[tokio::test(start_paused = true)]
//! # */
//! # #[tokio::main(flavor = "current_thread")]
//! # pub(crate) async fn main() { test().await }
//! async fn test() {
//!     let shop = Arc::new(Shop::default());
//!     let tracker = Tracker::new(Tokio::current());
//!     let check = async |_| {
//!         tracker.wait().await;
//!         let (charged, recorded) = (shop.charged.load(SeqCst), shop.recorded.load(SeqCst));
//!         assert_eq!(charged, recorded, "charged, but not recorded");
//!     };
//!     let make = || order(Arc::clone(&shop)).shield(&tracker);
//!     assert_eq!(cancel_at_every_await(make, check).await, 1);
//! }
//! # }
//! # #[cfg(feature = "tokio")]
//! # fn main() { example::main() }
//! # #[cfg(not(feature = "tokio"))]
//! # fn main() {}
//! ```
//!
//! # Both ways to drop
//!
//! Each suspension is tried twice. First the future is dropped at once, as by a timeout that fires
//! while it waits. Then it is dropped after its waker was called and before it is polled again, as
//! by a `select!` whose other branch is ready, too. Messages and permits get lost in the second
//! way: the channel has handed the message over, and nobody takes it.
//!
//! # What it covers
//!
//! It covers the suspensions that happen in this test, with the wakes of the runtime that the test
//! runs on. To cover a branch, make the future take it. To cover a suspension that depends on
//! others (a full channel, a lock that is held), let the test fill the channel or hold the lock. If
//! an `.await` does not suspend, for example that of a channel which holds a message already,
//! nothing can be cancelled there; the [guide](crate::guide#an-await-that-is-ready) shows how to
//! make each `.await` of a Tokio type suspend.
//!
//! If the number of suspensions varies, because of threads or of real input and output, one run of
//! the test can miss some of them: repeat it.
//!
//! To check that an operation can be repeated after it was cancelled, repeat it in `check`.
//!
//! # Compared with
//!
//! - hyperactor's `assert_cancel_safe` also drops a future at each suspension, but in the first of
//!   the two ways only. It polls with a waker that does nothing, so the test drives the clock, and
//!   it checks the output of a fresh future.
//! - dev-async's `check_cancel_safe` drops a future once, after a given time.

mod caller;
mod cancel;
mod failure;
mod place;
mod run;
mod waker;

pub use self::caller::{CallerGuard, caller};
pub use self::cancel::{CancelAtEveryAwait, cancel_at_every_await};
