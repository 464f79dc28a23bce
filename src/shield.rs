//! Eager shields: work that runs as a task of its own from the moment it is shielded.

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use futures_core::FusedFuture;

use crate::error::{Outcome, ShieldError};
use crate::relay::{Awaiter, launch};
use crate::shared::{SharedFallibleShield, SharedShield};
use crate::spawn::{Spawn, SpawnLocal};
use crate::util::contain::Contained;
use crate::util::is_large;

/// Like [`ShieldExt::shield`](crate::ShieldExt::shield), with the spawner as the first argument.
///
/// Use it if the spawner is cloned from something that the future captures by move.
///
/// The attribute `#[shield]` has the same name, and needs the feature `macros`. Without that
/// feature, `use futures_shield::shield` imports this function only, and the compiler reports at
/// `#[shield]` that it "cannot find attribute `shield`", because it "is a function". If the
/// attribute is written with its path, `#[futures_shield::shield]`, the compiler names the feature.
///
/// # Cancel safety
///
/// See [`ShieldExt::shield`](crate::ShieldExt::shield).
///
/// # Panics
///
/// See [`ShieldExt::shield`](crate::ShieldExt::shield).
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use futures_shield::{Tokio, shield};
///
/// struct Shop {
///     runtime: Tokio,
///     orders: u32,
/// }
///
/// async fn close(shop: Shop) -> u32 {
///     // Arguments are evaluated in order: the spawner is cloned before `shop` moves into the work.
///     shield(shop.runtime.clone(), async move { shop.orders }).await
/// }
///
/// # let runtime = tokio::runtime::Runtime::new().unwrap();
/// # runtime.block_on(async {
/// let shop = Shop { runtime: Tokio::current(), orders: 3 };
/// assert_eq!(close(shop).await, 3);
/// # });
/// # }
/// ```
#[inline]
#[track_caller]
pub fn shield<S, F>(spawner: S, future: F) -> Shield<F::Output>
where
    S: Spawn,
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let spawner = Contained::new(spawner);
    let location = Location::caller();
    Shield::new(if const { is_large::<F>() } {
        launch!(spawner, spawn_work, location, Box::pin(future), None)
    } else {
        launch!(spawner, spawn_work, location, future, None)
    })
}

/// Like [`ShieldExt::shield_local`](crate::ShieldExt::shield_local), with the spawner as the first
/// argument.
///
/// # Cancel safety
///
/// See [`ShieldExt::shield`](crate::ShieldExt::shield).
///
/// # Panics
///
/// See [`ShieldExt::shield`](crate::ShieldExt::shield).
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use std::rc::Rc;
/// use futures_shield::shield_local;
///
/// let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
/// let local = tokio::task::LocalSet::new();
/// let shield = shield_local(&local, async { Rc::new(5) });
/// assert_eq!(*local.block_on(&runtime, shield), 5);
/// # }
/// ```
#[inline]
#[track_caller]
pub fn shield_local<S, F>(spawner: S, future: F) -> Shield<F::Output>
where
    S: SpawnLocal,
    F: Future + 'static,
    F::Output: 'static,
{
    let spawner = Contained::new(spawner);
    let location = Location::caller();
    Shield::new(if const { is_large::<F>() } {
        launch!(spawner, spawn_local_work, location, Box::pin(future), None)
    } else {
        launch!(spawner, spawn_local_work, location, future, None)
    })
}

/// Future for the [`ShieldExt::shield`](crate::ShieldExt::shield) and
/// [`ShieldExt::shield_local`](crate::ShieldExt::shield_local) methods.
#[must_use = "the work runs whether or not this is awaited, but its outcome is dropped with it: `.await` it, give it a \
              hook with `.on_orphan(..)`, or say `.detach()`"]
pub struct Shield<T> {
    awaiter: Awaiter<T>,
}

/// Future for the [`Shield::fallible`] method.
#[must_use = "the work runs whether or not this is awaited, but its outcome is dropped with it: `.await` it, give it a \
              hook with `.on_orphan(..)`, or say `.detach()`"]
pub struct FallibleShield<T> {
    awaiter: Awaiter<T>,
}

impl<T> Shield<T> {
    #[inline]
    pub(crate) fn new(awaiter: Awaiter<T>) -> Self {
        Self { awaiter }
    }

    /// Returns a future whose output is a `Result`: an error instead of a panic if there is no
    /// value.
    ///
    /// # Cancel safety
    ///
    /// Dropping the [`FallibleShield`] is the same as dropping the shield: the work continues.
    ///
    /// # Panics
    ///
    /// Panics if the future is polled after completion.
    ///
    /// # Errors
    ///
    /// The future's output is a [`ShieldError`] if the work panicked, or if its executor dropped it
    /// before completion, as runtimes do at shutdown. The error distinguishes the two.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use futures_shield::{ShieldExt, Tokio};
    ///
    /// let runtime = tokio::runtime::Runtime::new().unwrap();
    /// let shield = std::future::pending::<()>().shield(runtime.handle()).fallible();
    /// drop(runtime);
    ///
    /// let error = futures_executor::block_on(shield).unwrap_err();
    /// assert!(error.is_cancelled());
    /// # }
    /// ```
    pub fn fallible(self) -> FallibleShield<T> {
        FallibleShield { awaiter: self.awaiter }
    }

    /// Returns a future that can be cloned: every clone gets the outcome.
    ///
    /// The end of the work wakes every waiter, and no waiter depends on another one being polled:
    /// if a clone is woken and then dropped, the others have been woken, too. A panic or a
    /// cancellation reaches each of them, as a panic with the message of [`ShieldError`]. The
    /// caller is gone once a clone has delivered or the last one was dropped. Set the hook before
    /// this call: the hook runs once, if the last clone is dropped before any has delivered.
    ///
    /// This method takes precedence over `FutureExt::shared` of futures-util, whose waiters may
    /// never be woken if one of them is dropped or panics
    /// ([futures-rs#2706](https://github.com/rust-lang/futures-rs/issues/2706)).
    ///
    /// # Cancel safety
    ///
    /// Dropping a clone changes nothing for the work or for the other clones.
    ///
    /// # Panics
    ///
    /// Awaiting a clone panics if the work panicked or was cancelled. Panics if a clone is polled
    /// after completion. A panic of the output's own `Clone` reaches that waiter only, and does not
    /// count as a delivery: the next waiter gets the output, and if there is none, the hook does.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// use futures_shield::{ShieldExt, Tokio};
    ///
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let price = async { /* fetched once .. */ 30 }.shield(Tokio::current()).shared();
    /// let (one, other) = futures_util::join!(price.clone(), price); // .. and returned to both
    /// assert_eq!((one, other), (30, 30));
    /// # });
    /// # }
    /// ```
    pub fn shared(self) -> SharedShield<T>
    where
        T: Clone,
    {
        SharedShield::new(self.awaiter)
    }
}

impl<T> FallibleShield<T> {
    /// Returns a future that can be cloned: every clone gets the outcome as a `Result`.
    ///
    /// The end of the work wakes every waiter, and no waiter depends on another one being polled:
    /// if a clone is woken and then dropped, the others have been woken, too. A panic or a
    /// cancellation reaches each of them, as the same error. The caller is gone once a clone has
    /// delivered or the last one was dropped. Set the hook before this call: the hook runs once, if
    /// the last clone is dropped before any has delivered.
    ///
    /// This method takes precedence over `FutureExt::shared` of futures-util, whose waiters may
    /// never be woken if one of them is dropped or panics
    /// ([futures-rs#2706](https://github.com/rust-lang/futures-rs/issues/2706)).
    ///
    /// # Cancel safety
    ///
    /// Dropping a clone changes nothing for the work or for the other clones.
    ///
    /// # Panics
    ///
    /// Panics if a clone is polled after completion. A panic of the output's own `Clone` has the same
    /// effect as with [`Shield::shared`].
    ///
    /// # Errors
    ///
    /// See [`Shield::fallible`].
    pub fn shared(self) -> SharedFallibleShield<T>
    where
        T: Clone,
    {
        SharedFallibleShield::new(self.awaiter)
    }
}

/// What a shield and its fallible form have in common, written once so that it stays the same.
macro_rules! handle {
    ($name:ident) => {
        impl<T> $name<T> {
            const NAME: &str = stringify!($name);

            /// Calls `hook` with the outcome if the caller does not take it, so that it is not
            /// lost.
            ///
            /// The hook is called at most once: after the work has ended, if the shield was dropped
            /// or detached before it had delivered the outcome. It is called with the value, or
            /// with the [`ShieldError`] if the work panicked or was cancelled by its executor. By
            /// then [`Caller::is_gone`](crate::Caller::is_gone) is `true`. An error of the work's
            /// own is a value: `Ok(Err(error))`.
            ///
            /// If the work ends after the shield was dropped, the hook runs on the thread on which
            /// the work ends: a thread of the executor, or the one that drops the work at the
            /// executor's shutdown. If the work had ended already, the hook runs on the thread that
            /// drops the shield. So the hook must be `Send`, even for local shields. A second hook
            /// replaces the first, and at delivery the hook is dropped. Without a hook, the outcome
            /// is dropped on the thread on which a hook would run.
            ///
            /// # Panics
            ///
            /// A panic of the hook, or of its drop, is caught: an assertion in a hook fails no
            /// test.
            ///
            /// # Examples
            ///
            /// ```
            /// # #[cfg(feature = "tokio")] {
            /// use futures_shield::{ShieldExt, Tokio};
            ///
            /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
            /// let (lost, found) = tokio::sync::oneshot::channel();
            /// let shield = async { "receipt" }
            ///     .shield(Tokio::current())
            ///     .on_orphan(|outcome| drop(lost.send(outcome.unwrap())));
            ///
            /// drop(shield);
            /// assert_eq!(found.await, Ok("receipt"));
            /// # });
            /// # }
            /// ```
            pub fn on_orphan<H>(mut self, hook: H) -> Self
            where
                H: FnOnce(Result<T, ShieldError>) + Send + 'static,
            {
                self.awaiter.set_hook(Box::new(hook));
                self
            }

            /// Returns `true` if the work has ended, in whichever way.
            ///
            /// # Examples
            ///
            /// ```
            /// # #[cfg(feature = "tokio")] {
            /// use futures_shield::{ShieldExt, Tokio};
            ///
            /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
            /// let shield = std::future::pending::<()>().shield(Tokio::current());
            /// assert!(!shield.is_finished());
            /// # });
            /// # }
            /// ```
            #[must_use]
            pub fn is_finished(&self) -> bool {
                self.awaiter.is_finished()
            }

            /// Returns the location of the call that shielded the work.
            #[must_use]
            pub fn location(&self) -> &'static Location<'static> {
                self.awaiter.location()
            }

            /// Lets the work continue without its caller. The same as dropping the shield, but
            /// explicit.
            ///
            /// The outcome goes to the hook, if there is [one](Self::on_orphan).
            ///
            /// # Examples
            ///
            /// ```
            /// # #[cfg(feature = "tokio")] {
            /// use futures_shield::{ShieldExt, Tokio};
            ///
            /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
            /// let (done, finished) = tokio::sync::oneshot::channel();
            /// async { done.send("mail sent") }.shield(Tokio::current()).detach();
            /// assert_eq!(finished.await, Ok("mail sent"));
            /// # });
            /// # }
            /// ```
            pub fn detach(self) {
                drop(self);
            }
        }

        // Only the awaiter is polled, and it is never pinned.
        impl<T> Unpin for $name<T> {}

        impl<T> FusedFuture for $name<T> {
            fn is_terminated(&self) -> bool {
                self.awaiter.is_delivered()
            }
        }

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.awaiter.fmt_as(Self::NAME, f)
            }
        }
    };
}

handle!(Shield);
handle!(FallibleShield);

impl<T> Future for Shield<T> {
    type Output = T;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match ready!(self.awaiter.poll(Self::NAME, cx)) {
            Ok(output) => Poll::Ready(output),
            Err(error) => error.raise(),
        }
    }
}

impl<T> Future for FallibleShield<T> {
    type Output = Outcome<T>;

    #[inline]
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Outcome<T>> {
        self.awaiter.poll(Self::NAME, cx)
    }
}
