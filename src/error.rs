//! The error of a shield that has no value.

use std::any::Any;
use std::error::Error;
use std::fmt;
use std::io;
use std::panic::{Location, resume_unwind};

use crate::util::CallLocation;
use crate::util::contain::{Contained, Payload};
use crate::util::exclusive::Exclusive;

/// How shielded work ended: with its value, or without one.
pub(crate) type Outcome<T> = Result<T, ShieldError>;

/// The error of shielded work that ended without a value: it panicked, or its executor dropped it.
///
/// Returned by [`Shield::fallible`](crate::Shield::fallible) and given to
/// [`Shield::on_orphan`](crate::Shield::on_orphan). `Display` names the ending, the message of the
/// panic if its payload is text, and the location of the call that shielded the work. It converts
/// into an [`io::Error`].
///
/// If you retry work that was cancelled before it started, retry on another runtime, or later, and
/// yield in between: on a runtime that is gone, each attempt fails at once, and a loop of ready
/// futures never yields to the timeout around it.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use futures_shield::{ShieldExt, Tokio};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let shield = async { panic!("out of paper") }.shield(Tokio::current());
/// let error = shield.fallible().await.unwrap_err();
///
/// assert!(error.is_panic());
/// assert!(error.to_string().ends_with("panicked: out of paper"));
/// assert_eq!(error.location().file(), file!());
/// # });
/// # }
/// ```
pub struct ShieldError {
    /// Boxed, because an outcome is moved several times and most carry no error.
    inner: Box<Inner>,
}

struct Inner {
    location: CallLocation,
    ending: Ending,
}

/// The two endings that have no value.
enum Ending {
    /// The work panicked, in its poll or in its drop after it had finished.
    Panicked(Panic),
    /// The executor dropped the work before completion. `started` is `true` if it had been polled.
    Cancelled { started: bool },
}

/// A caught panic. Its text is taken when it is caught, while nothing else can have changed the
/// payload.
struct Panic {
    message: Option<Box<str>>,
    payload: Contained<Exclusive<Payload>>,
}

impl Panic {
    fn new(payload: Payload) -> Self {
        Self {
            message: text(&*payload).map(Box::from),
            payload: Contained::new(Exclusive::new(payload)),
        }
    }
}

/// Returns the text of a panic, if its payload is text.
pub(crate) fn text(payload: &(dyn Any + Send)) -> Option<&str> {
    payload
        .downcast_ref::<&'static str>()
        .copied()
        .or_else(|| payload.downcast_ref::<String>().map(String::as_str))
}

impl ShieldError {
    pub(crate) fn panicked(location: CallLocation, payload: Payload) -> Self {
        Self::new(location, Ending::Panicked(Panic::new(payload)))
    }

    pub(crate) fn cancelled(location: CallLocation, started: bool) -> Self {
        Self::new(location, Ending::Cancelled { started })
    }

    fn new(location: CallLocation, ending: Ending) -> Self {
        Self {
            inner: Box::new(Inner { location, ending }),
        }
    }

    /// Panics with the work's payload, or with the error's message if the work was cancelled.
    pub(crate) fn raise(self) -> ! {
        match self.try_into_panic() {
            Ok(payload) => resume_unwind(payload),
            Err(cancelled) if cancelled.was_started() => panic!("{cancelled}"),
            Err(cancelled) => panic!(
                "{cancelled}. Its runtime may be gone already, for example that of an earlier test if the spawner is in a \
                 `static`"
            ),
        }
    }

    /// Returns `true` if the work panicked.
    #[must_use]
    pub fn is_panic(&self) -> bool {
        matches!(self.inner.ending, Ending::Panicked(_))
    }

    /// Returns `true` if the executor dropped the work before completion, as runtimes do at
    /// shutdown.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_shield::{ShieldExt, spawn_fn};
    ///
    /// // An executor that takes no more work.
    /// let closed = spawn_fn(|task| drop(task));
    /// # futures_executor::block_on(async {
    /// let error = async { 1 }.shield(closed).fallible().await.unwrap_err();
    /// assert!(error.is_cancelled());
    /// assert!(!error.was_started());
    /// # });
    /// ```
    #[must_use]
    pub fn is_cancelled(&self) -> bool {
        matches!(self.inner.ending, Ending::Cancelled { .. })
    }

    /// Returns `true` if the work was polled at least once, inside its caller or as a task. Work
    /// that never started has done nothing and is safe to retry.
    #[must_use]
    pub fn was_started(&self) -> bool {
        match self.inner.ending {
            Ending::Panicked(_) => true,
            Ending::Cancelled { started } => started,
        }
    }

    /// Returns the location of the call that shielded the work.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.inner.location
    }

    /// Returns the payload of the work's panic.
    ///
    /// # Panics
    ///
    /// Panics if the work did not panic but was cancelled. [`try_into_panic`](Self::try_into_panic)
    /// returns the error instead.
    ///
    /// # Examples
    ///
    /// ```
    /// # #[cfg(feature = "tokio")] {
    /// # use futures_shield::{ShieldExt, Tokio};
    /// # tokio::runtime::Runtime::new().unwrap().block_on(async {
    /// let shield = async { std::panic::panic_any(42) }.shield(Tokio::current());
    /// let payload = shield.fallible().await.unwrap_err().into_panic();
    /// assert_eq!(payload.downcast_ref(), Some(&42));
    /// # });
    /// # }
    /// ```
    #[must_use]
    #[track_caller]
    pub fn into_panic(self) -> Box<dyn Any + Send + 'static> {
        match self.try_into_panic() {
            Ok(payload) => payload,
            Err(cancelled) => panic!("there is no panic to take: {cancelled}"),
        }
    }

    /// Returns the payload of the work's panic.
    ///
    /// # Errors
    ///
    /// Returns the error itself if the work did not panic but was cancelled.
    ///
    /// # Examples
    ///
    /// ```
    /// use futures_shield::{ShieldError, ShieldExt, spawn_fn};
    ///
    /// /// Resumes a panic. Returns whether work that was cancelled may be retried.
    /// fn may_retry(error: ShieldError) -> bool {
    ///     match error.try_into_panic() {
    ///         Ok(payload) => std::panic::resume_unwind(payload),
    ///         Err(cancelled) => !cancelled.was_started(),
    ///     }
    /// }
    ///
    /// # futures_executor::block_on(async {
    /// let closed = spawn_fn(|task| drop(task));
    /// let error = async { 1 }.shield(closed).fallible().await.unwrap_err();
    /// assert!(may_retry(error));
    /// # });
    /// ```
    pub fn try_into_panic(self) -> Result<Box<dyn Any + Send + 'static>, Self> {
        let Inner { location, ending } = *self.inner;
        match ending {
            Ending::Panicked(panic) => Ok(panic.payload.into_inner().into_inner()),
            Ending::Cancelled { started } => Err(Self::cancelled(location, started)),
        }
    }
}

impl fmt::Display for ShieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the work shielded at {} ", self.inner.location)?;
        match &self.inner.ending {
            Ending::Panicked(panic) => match &panic.message {
                Some(message) => write!(f, "panicked: {message}"),
                None => f.write_str("panicked with a payload that is not text"),
            },
            Ending::Cancelled { started: true } => f.write_str("was cancelled by its executor after it had started"),
            Ending::Cancelled { started: false } => f.write_str("was cancelled by its executor before it started"),
        }
    }
}

impl fmt::Debug for ShieldError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ShieldError({self})")
    }
}

impl Error for ShieldError {}

impl From<ShieldError> for io::Error {
    fn from(error: ShieldError) -> Self {
        Self::other(error)
    }
}
