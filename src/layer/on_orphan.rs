//! What makes the hook of each shielded request.

use std::fmt;
use std::marker::PhantomData;

use crate::error::ShieldError;
use crate::util::contain::Contained;

/// Makes a hook for a request. Implemented by [`NoHook`] and [`OnOrphan`], and sealed.
///
/// `T` is the output of the response future, a `Result`. The hook is called with a
/// `Result<T, ShieldError>`.
///
/// # Examples
///
/// A function that returns a layer with any such hook names it by this trait:
///
/// ```
/// use futures_shield::layer::{Always, MakeHook, NoCaller};
/// use futures_shield::{ShieldLayer, Spawn};
///
/// type Output = Result<u32, std::io::Error>;
///
/// fn shield<S: Spawn>(spawner: S) -> ShieldLayer<S, Always, NoCaller, impl MakeHook<String, Output> + Clone> {
///     ShieldLayer::new(spawner).on_orphan(|order: &String| {
///         let order = order.clone();
///         move |outcome| if let Err(error) = outcome { eprintln!("{order}: {error}") }
///     })
/// }
/// # shield(futures_shield::spawn_fn(|task| drop(task)));
/// ```
#[diagnostic::on_unimplemented(
    message = "the `on_orphan` closure of this `ShieldLayer` does not take the service's request, `{R}`, or its hook \
               does not take a `Result<{T}, ShieldError>`",
    note = "`on_orphan` takes `|request: &{R}| move |outcome: Result<{T}, ShieldError>| {{ .. }}`"
)]
pub trait MakeHook<R, T>: sealed::Sealed {
    #[doc(hidden)]
    type Hook: FnOnce(Result<T, ShieldError>) + Send + 'static;

    #[doc(hidden)]
    fn make(&self, request: &R) -> Option<Self::Hook>;
}

/// Makes no hook. The default of a [`ShieldLayer`](crate::ShieldLayer).
#[derive(Clone, Copy, Debug, Default)]
pub struct NoHook;

/// Makes hooks with the closure given to [`ShieldLayer::on_orphan`](crate::ShieldLayer::on_orphan).
pub struct OnOrphan<F, T> {
    make: Contained<F>,
    // Named here, so that `outcome` needs no type in `|request: &R| move |outcome| ..`: it is known
    // once the layer is applied to a service. `fn(T)`, because no `T` is stored.
    outcome: PhantomData<fn(T)>,
}

impl<F, T> OnOrphan<F, T> {
    pub(super) fn new(make: F) -> Self {
        Self {
            make: Contained::new(make),
            outcome: PhantomData,
        }
    }
}

impl<F: Clone, T> Clone for OnOrphan<F, T> {
    fn clone(&self) -> Self {
        Self {
            make: self.make.clone(),
            outcome: PhantomData,
        }
    }
}

impl<F, T> fmt::Debug for OnOrphan<F, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("OnOrphan").finish_non_exhaustive()
    }
}

impl<R, T: 'static> MakeHook<R, T> for NoHook {
    // None is made, so any type will do.
    type Hook = fn(Result<T, ShieldError>);

    fn make(&self, _request: &R) -> Option<Self::Hook> {
        None
    }
}

impl<R, T, F, K> MakeHook<R, T> for OnOrphan<F, T>
where
    F: Fn(&R) -> K,
    K: FnOnce(Result<T, ShieldError>) + Send + 'static,
{
    type Hook = K;

    fn make(&self, request: &R) -> Option<K> {
        Some((*self.make)(request))
    }
}

mod sealed {
    #[expect(unnameable_types, reason = "so that nobody else implements `MakeHook`")]
    pub trait Sealed {}
    impl Sealed for super::NoHook {}
    impl<F, T> Sealed for super::OnOrphan<F, T> {}
}
