//! The methods that every future gets.

use std::future::Future;
use std::panic::Location;

use crate::inline::ShieldOnDrop;
use crate::shield::{self, Shield};
use crate::spawn::{Spawn, SpawnLocal};
use crate::util::contain::Contained;
use crate::util::is_large;

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
    /// Runs this future as a task of its own, from now on and to completion, even if the shield is
    /// dropped.
    ///
    /// When this returns, the work has been handed to the executor. Awaiting the shield returns the
    /// work's output as if it had been awaited directly. The work is dropped before its outcome is
    /// delivered, so the locks, permits and connections inside the work have been released by then.
    ///
    /// The work needs an executor that runs it. If an executor keeps it forever and never polls it,
    /// the shield never ends. A current-thread runtime stops its orphans when its `block_on`
    /// returns.
    ///
    /// # Cancel safety
    ///
    /// Dropping, leaking or never polling the [`Shield`] changes nothing for the work. If the
    /// shield is dropped or detached before it has delivered, the outcome goes to
    /// [`on_orphan`](Shield::on_orphan). A shield that is held keeps the outcome until it is polled
    /// or dropped, and one that is leaked keeps it forever. So the work never waits for its shield
    /// to be polled, and cannot be caught in a futurelock. But if the output is a guard, it stays
    /// held until the shield is polled or dropped.
    ///
    /// # Panics
    ///
    /// Awaiting the shield panics with the work's own payload if the work panicked, and with the
    /// message of [`ShieldError`](crate::ShieldError) if the executor dropped the work before
    /// completion; [`Shield::fallible`] returns an error instead. Panics if the shield is polled
    /// after completion. A panic of the spawner passes through this call; a panic of the spawner's
    /// drop is caught.
    ///
    /// # Examples
    ///
    /// The branch with the shield loses the `select!`, and the order is recorded nevertheless:
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
        // Boxed here, and not only in `shield`: in a debug build each call copies its arguments.
        if const { is_large::<Self>() } {
            return shield::shield(spawner, Box::pin(self));
        }
        shield::shield(spawner, self)
    }

    /// Like [`shield`](Self::shield), for futures and outputs that are not `Send`: they stay on
    /// this thread.
    ///
    /// # Cancel safety
    ///
    /// See [`shield`](Self::shield).
    ///
    /// # Panics
    ///
    /// See [`shield`](Self::shield).
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
        if const { is_large::<Self>() } {
            return shield::shield_local(spawner, Box::pin(self));
        }
        shield::shield_local(spawner, self)
    }

    /// Runs this future inside its caller. If it is dropped after the first poll and before
    /// completion, the rest is spawned and runs to completion.
    ///
    /// The future is boxed, once. Until it is dropped, it runs as a part of its caller: without a
    /// task of its own or a switch to another thread, and with its caller's task-locals and spans.
    ///
    /// This method costs a box, and [`shield`](Self::shield) costs a spawn. Use `.shield()` if the
    /// caller may hold the future and stop polling it, as `select!` on `&mut shield` does, or a
    /// stream that buffers futures. Work that runs inside its caller then stands still, and so does
    /// every task that waits for a lock that the work holds. That is a
    /// [futurelock](https://rfd.shared.oxide.computer/rfd/0609), and work under `.shield()` cannot
    /// be caught in one.
    ///
    /// # Cancel safety
    ///
    /// If it is never polled, the future never runs: futures are lazy. If it is dropped after the
    /// first poll, the work continues, and its outcome goes to
    /// [`on_orphan`](ShieldOnDrop::on_orphan). A future that panicked is not spawned again.
    ///
    /// # Panics
    ///
    /// A panic of the future unwinds in the caller, as if it had been awaited directly. Panics if
    /// it is polled after completion. If the spawner panics when the rest is spawned, that panic is
    /// caught, and the hook is called with a cancellation error.
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
        ShieldOnDrop::new(Location::caller(), Box::pin(self), Contained::new(spawner))
    }

    /// Like [`shield_on_drop`](Self::shield_on_drop), for futures and outputs that are not `Send`.
    ///
    /// Drop it on the thread of its spawner: the rest is spawned by the thread that drops it.
    ///
    /// # Cancel safety
    ///
    /// See [`shield_on_drop`](Self::shield_on_drop).
    ///
    /// # Panics
    ///
    /// See [`shield_on_drop`](Self::shield_on_drop).
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
        ShieldOnDrop::new_local(Location::caller(), Box::pin(self), Contained::new(spawner))
    }
}

impl<F: Future + ?Sized> ShieldExt for F {}
