//! Which requests a layer shields.

use std::fmt;

/// Which requests' answers are shielded. Implemented by [`Always`] and [`OnlyIf`], and by nothing else.
///
/// # Examples
///
/// See [`ShieldLayer`](crate::ShieldLayer).
pub trait Predicate<R>: sealed::Sealed {
    #[doc(hidden)]
    fn is_chosen(&self, request: &R) -> bool;
}

/// Predicates every request: what a [`ShieldLayer`](crate::ShieldLayer) does without [`only_if`](crate::ShieldLayer::only_if).
///
/// # Examples
///
/// See [`ShieldLayer`](crate::ShieldLayer).
#[derive(Clone, Copy, Debug, Default)]
pub struct Always;

/// Predicates what the predicate given to [`ShieldLayer::only_if`](crate::ShieldLayer::only_if) is true for.
///
/// # Examples
///
/// See [`ShieldLayer`](crate::ShieldLayer).
#[derive(Clone, Copy)]
pub struct OnlyIf<F>(F);

impl<F> OnlyIf<F> {
    pub(super) fn new(predicate: F) -> Self {
        Self(predicate)
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
        (self.0)(request)
    }
}

mod sealed {
    #[expect(unnameable_types, reason = "so that nobody else implements `Predicate`")]
    pub trait Sealed {}
    impl Sealed for super::Always {}
    impl<F> Sealed for super::OnlyIf<F> {}
}
