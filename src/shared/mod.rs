//! Shields with any number of waiters.

mod hub;

use std::fmt;
use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::sync::Arc as StdArc;
use std::task::{Context, Poll, ready};

use futures_core::FusedFuture;

use self::hub::Hub;
use crate::error::ShieldError;
use crate::relay::Awaiter;
use crate::util::polled_after_completion;
use crate::util::sync::Arc;
use crate::util::wait::{Condition, WaitFor};

/// Future for the [`Shield::shared`](crate::Shield::shared) method.
///
/// # Examples
///
/// One load for all callers that need the same key:
///
/// ```
/// use std::collections::HashMap;
/// use futures_shield::{SharedShield, ShieldExt, Spawn};
///
/// struct Prices<S> {
///     spawner: S,
///     loads: HashMap<u32, SharedShield<u32>>,
/// }
///
/// impl<S: Spawn> Prices<S> {
///     fn price(&mut self, item: u32) -> SharedShield<u32> {
///         let load = || load(item).shield(&self.spawner).shared();
///         self.loads.entry(item).or_insert_with(load).clone()
///     }
/// }
///
/// async fn load(item: u32) -> u32 {
///     item * 100
/// }
/// ```
#[must_use = "the work runs whether or not this is awaited, but its outcome is dropped with the last clone: `.await` it"]
pub struct SharedShield<T> {
    waiter: Waiter<T>,
}

/// Future for the [`FallibleShield::shared`](crate::FallibleShield::shared) method.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "tokio")]
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// use futures_shield::{SharedFallibleShield, ShieldExt, Tokio};
///
/// let work = async { panic!("out of paper") };
/// let one: SharedFallibleShield<()> = work.shield(Tokio::current()).fallible().shared();
/// let other = one.clone();
/// assert!(one.await.unwrap_err().is_panic());
/// assert!(other.await.unwrap_err().is_panic());
/// # }
/// # #[cfg(not(feature = "tokio"))]
/// # fn main() {}
/// ```
#[must_use = "the work runs whether or not this is awaited, but its outcome is dropped with the last clone: `.await` it"]
pub struct SharedFallibleShield<T> {
    waiter: Waiter<T>,
}

/// One of the waiters for an outcome.
struct Waiter<T> {
    wait: WaitFor<Hub<T>>,
}

impl<T> Waiter<T> {
    fn new(awaiter: Awaiter<T>) -> Self {
        Self {
            wait: WaitFor::new(Arc::new(Hub::new(awaiter))),
        }
    }

    fn poll(&mut self, name: &str, cx: &mut Context<'_>) -> Poll<Result<T, StdArc<ShieldError>>>
    where
        T: Clone,
    {
        if self.wait.is_completed() {
            polled_after_completion(name, Some(self.wait.condition().location()));
        }
        ready!(self.wait.poll(name, cx));
        Poll::Ready(self.wait.condition().deliver(name))
    }
}

/// What the two shared shields have in common.
macro_rules! shared {
    ($name:ident) => {
        impl<T> $name<T> {
            const NAME: &str = stringify!($name);

            pub(crate) fn new(awaiter: Awaiter<T>) -> Self {
                Self {
                    waiter: Waiter::new(awaiter),
                }
            }

            /// Returns `true` if the work has ended, in whichever way.
            #[must_use]
            pub fn is_finished(&self) -> bool {
                self.waiter.wait.condition().holds()
            }

            /// Returns the location of the call that shielded the work.
            #[must_use]
            pub fn location(&self) -> &'static Location<'static> {
                self.waiter.wait.condition().location()
            }
        }

        /// A clone waits for the same outcome, even if this one has completed.
        impl<T> Clone for $name<T> {
            fn clone(&self) -> Self {
                Self {
                    waiter: Waiter {
                        wait: WaitFor::new(Arc::clone(self.waiter.wait.condition())),
                    },
                }
            }
        }

        // Nothing in it is pinned.
        impl<T> Unpin for $name<T> {}

        impl<T: Clone> FusedFuture for $name<T> {
            fn is_terminated(&self) -> bool {
                self.waiter.wait.is_completed() || self.waiter.wait.condition().is_empty()
            }
        }

        impl<T> fmt::Debug for $name<T> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                let work = self.waiter.wait.condition().state_name();
                f.debug_struct(Self::NAME)
                    .field("location", &format_args!("{}", self.location()))
                    .field("work", &format_args!("{work}"))
                    .finish()
            }
        }
    };
}

shared!(SharedShield);
shared!(SharedFallibleShield);

impl<T: Clone> Future for SharedShield<T> {
    type Output = T;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        match ready!(self.waiter.poll(Self::NAME, cx)) {
            Ok(output) => Poll::Ready(output),
            Err(error) => panic!("{error}"),
        }
    }
}

impl<T: Clone> Future for SharedFallibleShield<T> {
    type Output = Result<T, StdArc<ShieldError>>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.waiter.poll(Self::NAME, cx)
    }
}
