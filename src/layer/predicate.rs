//! Which requests a layer shields.

use std::fmt;

use crate::util::contain::Contained;

/// Decides which requests a [`ShieldLayer`](crate::ShieldLayer) shields. Implemented by [`Always`]
/// and [`OnlyIf`], and sealed.
///
/// # Examples
///
/// A function that returns a layer with any predicate names it by this trait:
///
/// ```
/// use futures_shield::layer::{OnlyIf, Predicate};
/// use futures_shield::{ShieldLayer, Spawn};
///
/// fn orders_only<S: Spawn>(spawner: S) -> ShieldLayer<S, impl Predicate<String> + Clone> {
///     ShieldLayer::new(spawner).only_if(|path: &String| path.starts_with("/orders"))
/// }
/// # orders_only(futures_shield::spawn_fn(|task| drop(task)));
/// ```
pub trait Predicate<R>: sealed::Sealed {
    #[doc(hidden)]
    fn is_chosen(&self, request: &R) -> bool;
}

/// Chooses every request. The default of a [`ShieldLayer`](crate::ShieldLayer).
#[derive(Clone, Copy, Debug, Default)]
pub struct Always;

/// Chooses the requests for which the closure given to
/// [`ShieldLayer::only_if`](crate::ShieldLayer::only_if) returns `true`.
#[derive(Clone)]
pub struct OnlyIf<F>(Contained<F>);

impl<F> OnlyIf<F> {
    pub(super) fn new(predicate: F) -> Self {
        Self(Contained::new(predicate))
    }
}

impl<F> fmt::Debug for OnlyIf<F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnlyIf").finish_non_exhaustive()
    }
}

impl<R> Predicate<R> for Always {
    fn is_chosen(&self, _request: &R) -> bool {
        true
    }
}

impl<R, F: Fn(&R) -> bool> Predicate<R> for OnlyIf<F> {
    fn is_chosen(&self, request: &R) -> bool {
        (*self.0)(request)
    }
}

mod sealed {
    #[expect(unnameable_types, reason = "so that nobody else implements `Predicate`")]
    pub trait Sealed {}
    impl Sealed for super::Always {}
    impl<F> Sealed for super::OnlyIf<F> {}
}
