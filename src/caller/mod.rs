//! Work that can see whether its caller is still there.

mod gone;
mod run_until_gone;
mod run_with_grace;

use std::fmt;
use std::future::Future;
use std::panic::Location;

pub use self::gone::Gone;
pub use self::run_until_gone::RunUntilGone;
pub use self::run_with_grace::RunWithGrace;
use crate::relay::launch;
use crate::shield::Shield;
use crate::spawn::{Spawn, SpawnLocal};
use crate::util::flag::{Flag, SetOnDrop};
use crate::util::sync::Arc;

/// Shields the future that `work` makes of its [`Caller`], so that it can see whether its caller is still there.
///
/// So an operation can be completed, or taken back, by its own choice. The future is made at once, in this call, and is
/// then shielded as by [`ShieldExt::shield`](crate::ShieldExt::shield).
///
/// # Cancel safety
///
/// As [`ShieldExt::shield`](crate::ShieldExt::shield).
///
/// # Panics
///
/// As [`ShieldExt::shield`](crate::ShieldExt::shield). A panic of `work` itself passes through this call.
///
/// # Examples
///
/// Either the order is recorded, or its charge is refunded:
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use futures_shield::{Tokio, shield_with};
/// # async fn charge() {}
/// # async fn confirmed_by_customer() {}
/// # async fn refund() {}
/// # async fn record() {}
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let order = shield_with(Tokio::current(), async move |caller| -> Result<(), &str> {
///     charge().await;
///     // The one place where this work may be cut off.
///     match caller.run_until_gone(confirmed_by_customer()).await {
///         Some(()) => Ok(record().await),
///         None => {
///             refund().await;
///             Err("refunded")
///         }
///     }
/// });
/// assert_eq!(order.await, Ok(()));
/// # });
/// # }
/// ```
#[track_caller]
pub fn shield_with<S, W, F>(spawner: S, work: W) -> Shield<F::Output>
where
    S: Spawn,
    W: FnOnce(Caller) -> F,
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let (caller, on_gone) = Caller::new();
    let awaiter = launch(Location::caller(), work(caller), Some(on_gone), |work| {
        spawner.spawn_detached(work);
    });
    Shield::new(awaiter)
}

/// The same as [`shield_with`] for futures and outputs that are not `Send`.
///
/// # Cancel safety
///
/// As [`ShieldExt::shield`](crate::ShieldExt::shield).
///
/// # Panics
///
/// As [`shield_with`].
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use std::rc::Rc;
/// use futures_shield::shield_with_local;
///
/// let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// let local = tokio::task::LocalSet::new();
/// let shield = shield_with_local(&local, |caller| async move { Rc::new(caller.is_gone()) });
/// assert!(!*local.block_on(&runtime, shield));
/// # }
/// ```
#[track_caller]
pub fn shield_with_local<S, W, F>(spawner: S, work: W) -> Shield<F::Output>
where
    S: SpawnLocal,
    W: FnOnce(Caller) -> F,
    F: Future + 'static,
    F::Output: 'static,
{
    let (caller, on_gone) = Caller::new();
    let awaiter = launch(Location::caller(), work(caller), Some(on_gone), |work| {
        spawner.spawn_local_detached(work);
    });
    Shield::new(awaiter)
}

/// The caller as its work sees it: still there, or gone.
///
/// A caller is gone once its shield was dropped or detached, or has delivered. It does not come back. Any number of
/// clones may ask and wait; those that stop waiting leave nothing behind.
///
/// # Examples
///
/// See [`shield_with`].
#[derive(Clone)]
pub struct Caller {
    flag: Arc<Flag>,
}

impl Caller {
    fn new() -> (Self, SetOnDrop) {
        let flag = Arc::new(Flag::new());
        let caller = Self {
            flag: Arc::clone(&flag),
        };
        (caller, SetOnDrop(flag))
    }

    /// Whether the caller has gone. Once true, it stays true.
    ///
    /// `false` may be out of date a moment later. To undo work exactly where its outcome reached nobody, use
    /// [`on_orphan`](Shield::on_orphan).
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use futures_shield::{Tokio, shield_with};
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let shield = shield_with(Tokio::current(), |caller| async move { caller.is_gone() });
    /// assert!(!shield.await);
    /// # });
    /// # }
    /// ```
    #[must_use]
    pub fn is_gone(&self) -> bool {
        self.flag.is_gone()
    }

    /// Waits until the caller has gone.
    ///
    /// The future owns what it needs: it is `'static` and `Unpin`, and may be moved to a task of its own.
    ///
    /// # Cancel safety
    ///
    /// A [`Gone`] that is dropped leaves nothing behind; another may be asked for at any time.
    ///
    /// # Panics
    ///
    /// Polling it after it has completed panics.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use futures_shield::{Tokio, shield_with};
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let (tell, told) = tokio::sync::oneshot::channel();
    /// let shield = shield_with(Tokio::current(), |caller| async move {
    ///     caller.gone().await;
    ///     tell.send("alone").unwrap();
    /// });
    /// drop(shield);
    /// assert_eq!(told.await, Ok("alone"));
    /// # });
    /// # }
    /// ```
    pub fn gone(&self) -> Gone {
        Gone::new(Arc::clone(&self.flag))
    }

    /// Opens a window in which the work may be cut off: runs `future` until it ends, or until the caller has gone.
    ///
    /// The answer is `None` where the caller has gone first; `future` has been dropped then. Where it had gone before,
    /// `future` is not polled at all. After that, each poll tries `future` first, so a value is not lost to a tie.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops `future`.
    ///
    /// # Panics
    ///
    /// Polling it after it has completed panics.
    ///
    /// # Examples
    ///
    /// See [`shield_with`].
    pub fn run_until_gone<F: Future>(&self, future: F) -> RunUntilGone<F> {
        RunUntilGone::new(self.gone(), future)
    }

    /// Runs `future` for as long as the caller waits, and for a bounded time after it has left.
    ///
    /// `timer` makes the clock, on any runtime, and is called when the caller has gone: while it waits no clock runs.
    /// The answer is `None` where the clock ended first; `future` has been dropped then. Each poll tries `future`
    /// first.
    ///
    /// # Cancel safety
    ///
    /// Dropping it drops `future` and the clock.
    ///
    /// # Panics
    ///
    /// A panic of `timer` unwinds from the poll. Polling it after it has completed panics.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use std::time::Duration;
    /// use futures_shield::{Tokio, shield_with};
    /// use tokio::time::sleep;
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let (tell, told) = tokio::sync::oneshot::channel();
    /// let shield = shield_with(Tokio::current(), |caller| async move {
    ///     let endless = std::future::pending::<()>();
    ///     let ended = caller.run_with_grace(endless, || sleep(Duration::from_millis(10))).await;
    ///     tell.send(ended).unwrap();
    /// });
    /// drop(shield);
    /// assert_eq!(told.await, Ok(None));
    /// # });
    /// # }
    /// ```
    pub fn run_with_grace<F, M, T>(&self, future: F, timer: M) -> RunWithGrace<F, M, T>
    where
        F: Future,
        M: FnOnce() -> T,
        T: Future,
    {
        RunWithGrace::new(self.gone(), future, timer)
    }
}

impl fmt::Debug for Caller {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Caller").field("is_gone", &self.is_gone()).finish()
    }
}
