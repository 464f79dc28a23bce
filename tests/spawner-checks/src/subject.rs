//! An executor that is checked, and its spawner.

use std::fmt;
use std::future::Future;
use std::pin::Pin;

/// A caller that an executor is to run to its end.
pub type BoxCaller<'a> = Pin<Box<dyn Future<Output = ()> + 'a>>;

pub(crate) type Run = Box<dyn FnMut(BoxCaller<'_>)>;

/// What an executor does with the futures that it holds when it is dropped.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum AtShutdown {
    /// It drops them.
    Drops,
    /// It drops those that are ready to run, and each of the others when that is woken.
    DropsWhenWoken,
    /// It cannot be dropped while it holds any.
    Never,
}

/// An executor and its spawner.
pub struct Subject<S> {
    pub(crate) spawner: S,
    pub(crate) run: Run,
    pub(crate) at_shutdown: AtShutdown,
    pub(crate) kept_by_spawner: bool,
}

impl<S> Subject<S> {
    /// Creates a subject from a spawner, and from a closure that runs a caller to its end.
    ///
    /// An executor without threads of its own runs only inside that closure. The closure owns the
    /// executor: dropping it shuts the executor down.
    pub fn new(spawner: S, run: impl FnMut(BoxCaller<'_>) + 'static) -> Self {
        Self {
            spawner,
            run: Box::new(run),
            at_shutdown: AtShutdown::Drops,
            kept_by_spawner: false,
        }
    }

    /// Returns the spawner.
    pub fn spawner(&self) -> &S {
        &self.spawner
    }

    /// Runs `caller` to its end.
    pub fn run(&mut self, caller: impl Future<Output = ()>) {
        (self.run)(Box::pin(caller));
    }

    /// States that the executor is never shut down while it holds futures.
    #[must_use]
    pub fn never_shut_down(mut self) -> Self {
        self.at_shutdown = AtShutdown::Never;
        self
    }

    /// States that the executor, when it is dropped, drops a pending future only when that is
    /// woken.
    #[must_use]
    pub fn drops_when_woken(mut self) -> Self {
        self.at_shutdown = AtShutdown::DropsWhenWoken;
        self
    }

    /// States that the spawner is the executor, so that there is none to call after the shutdown.
    #[must_use]
    pub fn kept_by_its_spawner(mut self) -> Self {
        self.kept_by_spawner = true;
        self
    }
}

impl<S> fmt::Debug for Subject<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subject")
            .field("at_shutdown", &self.at_shutdown)
            .field("kept_by_spawner", &self.kept_by_spawner)
            .finish_non_exhaustive()
    }
}
