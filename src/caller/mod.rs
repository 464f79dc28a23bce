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
use crate::util::contain::Contained;
use crate::util::flag::{Flag, SetOnDrop};
use crate::util::is_large;
use crate::util::sync::Arc;

/// Shields the future that `work` returns, and gives `work` a [`Caller`] to see whether its caller
/// is still there.
///
/// The work can then decide whether to finish or to roll back. `work` is called immediately, inside
/// this call, and its future is then shielded as by
/// [`ShieldExt::shield`](crate::ShieldExt::shield).
///
/// # Cancel safety
///
/// See [`ShieldExt::shield`](crate::ShieldExt::shield).
///
/// # Panics
///
/// See [`ShieldExt::shield`](crate::ShieldExt::shield). A panic of `work` itself passes through
/// this call.
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
    let spawner = Contained::new(spawner);
    let (caller, gone) = Caller::new();
    let location = Location::caller();
    // `work` is called before the call to the spawner begins: what `work` itself spawns is other
    // work.
    Shield::new(if const { is_large::<F>() } {
        let future = Box::pin(work(caller));
        launch!(spawner, spawn_work, location, future, Some(gone))
    } else {
        let future = work(caller);
        launch!(spawner, spawn_work, location, future, Some(gone))
    })
}

/// Like [`shield_with`], for futures and outputs that are not `Send`.
///
/// # Cancel safety
///
/// See [`ShieldExt::shield`](crate::ShieldExt::shield).
///
/// # Panics
///
/// See [`shield_with`].
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
    let spawner = Contained::new(spawner);
    let (caller, gone) = Caller::new();
    let location = Location::caller();
    Shield::new(if const { is_large::<F>() } {
        let future = Box::pin(work(caller));
        launch!(spawner, spawn_local_work, location, future, Some(gone))
    } else {
        let future = work(caller);
        launch!(spawner, spawn_local_work, location, future, Some(gone))
    })
}

/// The caller as its work sees it: still there, or gone.
///
/// A caller is gone once its shield was dropped or detached, or has delivered. It does not come
/// back. Any number of clones may query it and wait for it; a clone that stops waiting holds no
/// memory.
///
/// See [`shield_with`] for an example.
#[derive(Clone)]
pub struct Caller {
    flag: Arc<Flag>,
}

impl Caller {
    /// Returns a caller that is gone once the other value is dropped.
    pub(crate) fn new() -> (Self, SetOnDrop) {
        let (flag, gone) = Flag::new();
        (Self { flag }, gone)
    }

    /// Returns `true` if the caller is gone. Once true, it stays true.
    ///
    /// `false` may be out of date a moment later. To undo something if, and only if, the outcome
    /// reaches nobody, use [`on_orphan`](Shield::on_orphan).
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
        self.flag.is_set()
    }

    /// Waits until the caller is gone.
    ///
    /// The future owns what it needs: it is `'static` and `Unpin`, and may be moved to another
    /// task.
    ///
    /// # Cancel safety
    ///
    /// Dropping a [`Gone`] has no effect on anything else. Call `gone` again at any time.
    ///
    /// # Panics
    ///
    /// Panics if the future is polled after completion.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use futures_shield::{Tokio, shield_with};
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let (sender, receiver) = tokio::sync::oneshot::channel();
    /// let shield = shield_with(Tokio::current(), |caller| async move {
    ///     caller.gone().await;
    ///     sender.send("alone").unwrap();
    /// });
    /// drop(shield);
    /// assert_eq!(receiver.await, Ok("alone"));
    /// # });
    /// # }
    /// ```
    pub fn gone(&self) -> Gone {
        Gone::new(Arc::clone(&self.flag))
    }

    /// Runs `future` until it completes or the caller is gone.
    ///
    /// Returns `None` if the caller is gone first, after dropping `future`. If the caller is
    /// already gone at the first poll, `future` is never polled. Otherwise each poll tries `future`
    /// first: if it is ready and the caller is gone, its value is returned.
    ///
    /// # Cancel safety
    ///
    /// Dropping the returned future drops `future`.
    ///
    /// # Panics
    ///
    /// Panics if it is polled after completion.
    ///
    /// # Examples
    ///
    /// The work does not queue for a caller that is gone, but finishes what it has begun:
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use std::sync::Arc;
    /// use futures_shield::{Tokio, shield_with};
    /// use tokio::sync::Semaphore;
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let connections = Arc::new(Semaphore::new(1));
    /// let busy = connections.clone().acquire_owned().await;
    /// let shield = shield_with(Tokio::current(), async move |caller| {
    ///     let permit = caller.run_until_gone(connections.acquire()).await?;
    ///     // .. from here on the work is not cut off
    ///     drop(permit);
    ///     Some("recorded")
    /// });
    /// # let (sender, receiver) = tokio::sync::oneshot::channel();
    /// # let shield = shield.on_orphan(|outcome| sender.send(outcome.unwrap()).unwrap());
    /// drop(shield); // leaves the queue at once
    /// # assert_eq!(receiver.await, Ok(None));
    /// # drop(busy);
    /// # });
    /// # }
    /// ```
    pub fn run_until_gone<F: Future>(&self, future: F) -> RunUntilGone<F> {
        RunUntilGone::new(self.gone(), future)
    }

    /// Runs `future` while the caller waits, and for a bounded time after the caller is gone.
    ///
    /// `timer` creates the timer, for example a sleep of the runtime. It is called once the caller
    /// is gone: until then there is no timer. Returns `None` if the timer completes first, after
    /// dropping `future`. Each poll tries `future` first.
    ///
    /// # Cancel safety
    ///
    /// Dropping the returned future drops `future` and the timer.
    ///
    /// # Panics
    ///
    /// A panic of `timer` unwinds from the poll. Panics if it is polled after completion.
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
    /// let (sender, receiver) = tokio::sync::oneshot::channel();
    /// let shield = shield_with(Tokio::current(), |caller| async move {
    ///     let endless = std::future::pending::<()>();
    ///     let ended = caller.run_with_grace(endless, || sleep(Duration::from_millis(10))).await;
    ///     sender.send(ended).unwrap();
    /// });
    /// drop(shield);
    /// assert_eq!(receiver.await, Ok(None));
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
