//! The methods every future gets.

use std::future::Future;
use std::panic::Location;

use crate::inline::ShieldOnDrop;
use crate::shield::{self, Shield};
use crate::spawn::{Spawn, SpawnLocal};

/// Adds `.shield(spawner)` to every future.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use futures_shield::{ShieldExt, Tokio};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let receipt = async { "charged and recorded" }.shield(Tokio::current()).await;
/// assert_eq!(receipt, "charged and recorded");
/// # });
/// # }
/// ```
pub trait ShieldExt: Future {
    /// Runs this future as a task of its own, at once, and to its end: also where the shield is dropped.
    ///
    /// When this returns, the work has been handed to the executor. Awaiting the shield gives the work's output as if
    /// it had been awaited directly. The work is dropped before its outcome is delivered, so whoever has the outcome
    /// can count on the locks, permits and connections inside the work being free.
    ///
    /// The work needs an executor that runs it: one that keeps it for ever and never polls it is out of a shield's
    /// hands, and a current-thread runtime stops its orphans when its `block_on` returns.
    ///
    /// # Cancel safety
    ///
    /// Dropping, leaking or never polling the [`Shield`] changes nothing for the work. Where it is dropped or detached
    /// before it has delivered, the outcome goes to [`on_orphan`](Shield::on_orphan). A shield that is held keeps the
    /// outcome until it is polled or dropped, and one that is leaked keeps it for ever. So a shield that is not polled
    /// cannot futurelock the work, but an output that is a guard stays held until its shield is polled or dropped.
    ///
    /// # Panics
    ///
    /// Awaiting the shield panics with the work's own payload where the work panicked, and with the words of
    /// [`ShieldError`](crate::ShieldError) where its executor dropped the work unfinished. [`Shield::fallible`] does
    /// not. Polling it again after that panics, too. A panic of the spawner passes through this call.
    ///
    /// # Examples
    ///
    /// The caller loses a `select!`, and the order is recorded all the same:
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use futures_shield::{ShieldExt, Tokio};
    /// use tokio::sync::oneshot;
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let (charged, payment) = oneshot::channel::<&str>();
    /// let (record, recorded) = oneshot::channel();
    /// let order = async move {
    ///     let receipt = payment.await.unwrap();
    ///     record.send(receipt).unwrap();
    /// };
    ///
    /// tokio::select! {
    ///     biased;
    ///     _ = async {} => println!("the client hung up"),
    ///     () = order.shield(Tokio::current()) => unreachable!(),
    /// }
    /// charged.send("receipt 7").unwrap();
    /// assert_eq!(recorded.await, Ok("receipt 7"));
    /// # });
    /// # }
    /// ```
    #[inline]
    #[track_caller]
    fn shield<S>(self, spawner: S) -> Shield<Self::Output>
    where
        Self: Sized + Send + 'static,
        Self::Output: Send + 'static,
        S: Spawn,
    {
        shield::shield(spawner, self)
    }

    /// The same as [`shield`](Self::shield) for futures and outputs that are not `Send`: they stay on this thread.
    ///
    /// # Cancel safety
    ///
    /// As [`shield`](Self::shield).
    ///
    /// # Panics
    ///
    /// As [`shield`](Self::shield).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use std::rc::Rc;
    /// use futures_shield::ShieldExt;
    ///
    /// let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// let local = tokio::task::LocalSet::new();
    /// let shield = async { Rc::new(5) }.shield_local(&local);
    /// assert_eq!(*local.block_on(&runtime, shield), 5);
    /// # }
    /// ```
    #[inline]
    #[track_caller]
    fn shield_local<S>(self, spawner: S) -> Shield<Self::Output>
    where
        Self: Sized + 'static,
        Self::Output: 'static,
        S: SpawnLocal,
    {
        shield::shield_local(spawner, self)
    }

    /// Runs this future inside its caller, and hands what is left of it to the spawner where it is dropped half-way.
    ///
    /// The future is boxed, once. While nobody cancels there is no task and no hop to another thread; task-locals and
    /// spans are the caller's. Dropped after its first poll and before its end, the rest is spawned and goes on to its
    /// end.
    ///
    /// Which of the two: this one costs a box where [`shield`](Self::shield) costs a spawn. Take `.shield()` where the
    /// caller may hold the future and stop polling it, as `select!` on `&mut shield` does, or a stream that buffers
    /// futures: what runs inside its caller stands still with it, and whatever lock it holds is held meanwhile. That is
    /// a [futurelock](https://rfd.shared.oxide.computer/rfd/0609), and `.shield()` cannot be caught in one.
    ///
    /// # Cancel safety
    ///
    /// Never polled, it never runs: futures are lazy. Dropped half-way, the rest goes on, and its outcome goes to
    /// [`on_orphan`](ShieldOnDrop::on_orphan). A future that panicked is not spawned again.
    ///
    /// # Panics
    ///
    /// A panic of the future unwinds in the caller, as if it had been awaited directly. Polling it after it has
    /// completed panics. A panic of the spawner, when the rest is spawned, ends there, and the hook is told that the
    /// work was cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use futures_shield::{ShieldExt, Tokio};
    /// use tokio::{sync::oneshot, task::yield_now};
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let (record, recorded) = oneshot::channel();
    /// let order = async {
    ///     yield_now().await;
    ///     record.send("receipt 7").unwrap();
    /// };
    ///
    /// tokio::select! {
    ///     biased;
    ///     () = order.shield_on_drop(Tokio::current()) => unreachable!("it yields once"),
    ///     _ = async {} => println!("the client hung up"),
    /// }
    /// assert_eq!(recorded.await, Ok("receipt 7"));
    /// # });
    /// # }
    /// ```
    #[inline]
    #[track_caller]
    fn shield_on_drop<S>(self, spawner: S) -> ShieldOnDrop<Self, S>
    where
        Self: Sized + Send + 'static,
        Self::Output: Send + 'static,
        S: Spawn,
    {
        ShieldOnDrop::new(Location::caller(), self, spawner)
    }

    /// The same as [`shield_on_drop`](Self::shield_on_drop) for futures and outputs that are not `Send`.
    ///
    /// Drop it on the thread of its spawner: the rest is spawned from where it is dropped.
    ///
    /// # Cancel safety
    ///
    /// As [`shield_on_drop`](Self::shield_on_drop).
    ///
    /// # Panics
    ///
    /// As [`shield_on_drop`](Self::shield_on_drop).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use std::rc::Rc;
    /// use futures_shield::ShieldExt;
    ///
    /// let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    /// let local = tokio::task::LocalSet::new();
    /// let shield = async { Rc::new(5) }.shield_on_drop_local(&local);
    /// assert_eq!(*local.block_on(&runtime, shield), 5);
    /// # }
    /// ```
    #[inline]
    #[track_caller]
    fn shield_on_drop_local<S>(self, spawner: S) -> ShieldOnDrop<Self, S>
    where
        Self: Sized + 'static,
        Self::Output: 'static,
        S: SpawnLocal,
    {
        ShieldOnDrop::new_local(Location::caller(), self, spawner)
    }
}

impl<F: Future + ?Sized> ShieldExt for F {}
