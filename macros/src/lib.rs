//! The `#[shield]` attribute of futures-shield.

mod arguments;
mod attr;
mod check;
mod expand;
mod input;
mod rejected;
mod spawner;

use proc_macro::TokenStream;
use syn::Error;

use crate::attr::Attr;
use crate::input::Input;

/// Shields the body of an `async fn`: after the first poll of a call, the body runs to completion
/// even if its caller is gone.
///
/// The fn stays an `async fn` with the signature that was written. From the first poll of the
/// call's future, its body runs as a task of its own.
///
/// | attribute | effect |
/// | --- | --- |
/// | `#[shield(spawner)]` | spawns the body on this spawner |
/// | `#[shield]` | spawns the body on `futures_shield::current_runtime()` |
/// | `#[shield(spawner, on_drop)]`, `#[shield(on_drop)]` | runs the body inside the caller, as `.shield_on_drop()` does; if the call is dropped partway, the rest is spawned |
/// | `#[shield(.., crate = path)]` | for a crate in which futures-shield has another path than `::futures_shield` |
///
/// The spawner comes first, the other arguments in any order. A spawner with the name `on_drop`
/// goes in parentheses.
///
/// # Features
///
/// `#[shield]` needs the feature `macros` of futures-shield. Without a spawner, it also needs the
/// feature of a runtime: `tokio`, `smol` or `async-std`; if none of them is enabled, that is a
/// compile error at the attribute. With a spawner it needs whichever feature the spawner needs:
/// `futures_shield::spawn_fn` and your own implementations of `Spawn` need none.
///
/// If the compiler "cannot find attribute `shield`" although `shield` is imported from
/// futures-shield, the feature `macros` is not enabled: the import then names the function
/// `futures_shield::shield` only.
///
/// # The spawner
///
/// The spawner is an expression. It is evaluated at the first poll, before the arguments move, so
/// it may use them. If it names a place, the spawner is cloned: `self.spawner`, `&state.tracker`,
/// or a method that returns a reference. If it makes a value, that value is used:
/// `Tokio::current()`. In a generic fn, a spawner that is cloned has the bound `S: Spawn + Clone +
/// Send + Sync + 'static`.
///
/// # What can be shielded
///
/// Free fns, associated fns, and methods with `self`, `self: Arc<Self>` and similar receivers, also
/// in an impl of a trait with `async fn`s. Generics, `impl Trait`, patterns, `?` and early `return`
/// work as in any `async fn`. The arguments, generic arguments and the output must be
/// `Send + 'static`.
///
/// All arguments move into the task, used or not, and drop at the end of the body, in the order of
/// a plain `async fn`.
///
/// # What cannot be shielded
///
/// Each of these is a compile error, at the token that prevents it.
///
/// - A fn that borrows from its caller, because the caller may be gone: `&self`, `&str`, `Foo<'_>`.
/// - An `unsafe fn`, because the body may still run when the guarantees of its caller no longer
///   hold.
/// - A sync fn. A fn under `#[async_trait]` is no longer an `async fn` when this attribute expands:
///   shield a future in its body instead.
/// - A fn that awaits itself, even through `Box::pin`. The task requires a `Send` future, and rustc
///   cannot check that for a future inside its own definition. Break the cycle with a sync fn whose
///   return type states it:
///
/// ```
/// use std::{future::Future, pin::Pin};
/// use futures_shield::{Tokio, shield};
///
/// #[shield(Tokio::current())]
/// async fn countdown(from: u32) -> u32 {
///     if from == 0 { 0 } else { 1 + boxed_countdown(from - 1).await }
/// }
///
/// fn boxed_countdown(from: u32) -> Pin<Box<dyn Future<Output = u32> + Send>> {
///     Box::pin(countdown(from))
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// assert_eq!(countdown(3).await, 3);
/// # }
/// ```
///
/// # Other attributes
///
/// Other attributes can be above or below `#[shield]`. If `#[tracing::instrument]` is above it, the
/// span is created inside the task, as a root unless it is given a parent. If it is below, the span
/// is created in the caller, and the body runs outside of it. `#[tokio::main]` goes below. If
/// `#[tokio::test]` is above `#[shield]`, the attribute has no effect: the test body runs in
/// `block_on` and cannot be cancelled.
///
/// # Cancel safety
///
/// If the call's future is never polled, the body never runs. If it is dropped after its first
/// poll, the body runs to completion and its output is dropped. To handle the outcome in that case,
/// use `.shield(..).on_orphan(..)` in the body.
///
/// # Panics
///
/// A panic of the body reaches the caller with its payload. Awaiting the call panics with the
/// message of `ShieldError` if the executor dropped the task before it completed, for example at
/// shutdown. The location of the shield, in that message and in the report of a `Tracker`, is the
/// attribute.
///
/// # Examples
///
/// ```
/// use futures_shield::{Tokio, shield};
/// use tokio::sync::oneshot;
///
/// #[shield(Tokio::current())]
/// async fn charge(payment: oneshot::Receiver<u32>, book: oneshot::Sender<u32>) {
///     let amount = payment.await.unwrap();
///     book.send(amount).unwrap();
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let (pay, payment) = oneshot::channel();
/// let (book, booked) = oneshot::channel();
/// tokio::select! {
///     biased;
///     () = charge(payment, book) => unreachable!("nobody has paid yet"),
///     () = async {} => println!("the client hung up"),
/// }
/// pay.send(30).unwrap();
/// assert_eq!(booked.await, Ok(30));
/// # }
/// ```
///
/// A method, with a spawner from its receiver:
///
/// ```
/// use std::{io, sync::Arc};
/// use futures_shield::{Spawn, Tokio, Tracker, shield};
///
/// struct Orders<S> {
///     tracker: Tracker<S>,
/// }
///
/// impl<S: Spawn + Clone + Send + Sync + 'static> Orders<S> {
///     /// Runs on the tracker, which counts it until it has ended.
///     #[shield(self.tracker)]
///     async fn place(self: Arc<Self>, item: impl Into<String> + Send + 'static) -> io::Result<usize> {
///         let item = item.into();
///         if item.is_empty() {
///             return Err(io::ErrorKind::InvalidInput.into());
///         }
///         Ok(self.tracker.len())
///     }
/// }
///
/// # #[tokio::main(flavor = "current_thread")]
/// # async fn main() {
/// let orders = Arc::new(Orders { tracker: Tracker::new(Tokio::current()) });
/// assert_eq!(orders.clone().place("tea").await.unwrap(), 1);
/// assert!(orders.place("").await.is_err());
/// # }
/// ```
#[proc_macro_attribute]
pub fn shield(attr: TokenStream, item: TokenStream) -> TokenStream {
    match try_shield(attr.clone().into(), item.clone().into()) {
        Ok(expanded) => expanded.into(),
        Err(error) => {
            let mut tokens = error.into_compile_error();
            tokens.extend(rejected::keep(attr.into(), item.into()));
            tokens.into()
        }
    }
}

fn try_shield(
    attr: proc_macro2::TokenStream,
    item: proc_macro2::TokenStream,
) -> Result<proc_macro2::TokenStream, Error> {
    let input = Input::parse(item.clone())?;
    if input.is_sync_test() {
        // `#[tokio::test]` has expanded already: the body is in a `block_on`, which nothing
        // cancels.
        return Ok(item);
    }
    let attr = Attr::parse(attr);
    match (check::check(&input), attr) {
        (Ok(()), Ok(attr)) => Ok(expand::expand(&attr, input)),
        (Err(error), Ok(_)) | (Ok(()), Err(error)) => Err(error),
        (Err(mut errors), Err(error)) => {
            errors.combine(error);
            Err(errors)
        }
    }
}
