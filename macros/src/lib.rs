//! The `#[shield]` attribute of futures-shield.

use proc_macro::TokenStream;
use syn::Error;

use crate::args::Args;
use crate::input::Input;

mod args;
mod check;
mod expand;
mod input;
mod pattern;
mod spawner;

/// Shields the body of an `async fn`: once a call has begun, it runs to its end, whatever becomes of the caller.
///
/// The fn stays the `async fn` that it was, with the signature that was written. From the first poll of the call's
/// future, its body runs as a task of its own.
///
/// | | |
/// | --- | --- |
/// | `#[shield(spawner)]` | on this spawner |
/// | `#[shield]` | on `futures_shield::current_runtime()` |
/// | `#[shield(spawner, on_drop)]`, `#[shield(on_drop)]` | the body runs inside the caller, as with `.shield_on_drop()`, and the rest of it is spawned where the call is dropped half-way |
/// | `#[shield(.., crate = path)]` | for a crate that has futures-shield under another name than `::futures_shield` |
///
/// The spawner comes first, what follows comes in any order. A spawner whose name is `on_drop` goes in parentheses.
///
/// # The spawner
///
/// Any expression, evaluated at the first poll and before the arguments move, so it may use them. What it names is
/// cloned: `self.spawner`, `&state.tracker`, or a method that returns a reference. What it makes is taken:
/// `Tokio::current()`. In a generic fn, the bound for what is cloned is `S: Spawn + Clone + Send + Sync + 'static`.
///
/// # What can be shielded
///
/// Free fns, associated fns, and methods with `self`, `self: Arc<Self>` and the like, also in an impl of a trait with
/// `async fn`s. Generics, `impl Trait`, patterns, `?` and early `return` are as in any `async fn`. Arguments, generics
/// among them, and the output are `Send + 'static`.
///
/// All arguments move into the task, used or not, and drop at the end of the body, in the order of a plain `async fn`.
///
/// What borrows from the caller cannot be shielded, for the caller may be gone: `&self`, `&str`, `Foo<'_>`. Nor can an
/// `unsafe fn`, whose caller vouches for things that may be gone along with it. A fn under `#[async_trait]` is no
/// longer an `async fn` when this attribute sees it: there, shield a future in the body.
///
/// # Other attributes
///
/// They stack, in either order. Above `#[shield]`, `#[tracing::instrument]` makes its span inside the task, a root
/// unless it is given a parent; below, the span is the caller's, and the body runs outside of it. `#[tokio::main]` goes
/// below. Above `#[shield]`, `#[tokio::test]` leaves nothing that could be cut off, and the attribute does nothing.
///
/// # Cancel safety
///
/// A call whose future was never polled never runs. Dropped after that, it goes on to its end, and its output is
/// dropped. For an outcome that must be seen, use `.shield(..).on_orphan(..)` in the body.
///
/// # Panics
///
/// A panic of the body reaches the caller with its payload. Awaiting the call panics, with the words of `ShieldError`,
/// where the executor dropped the task unfinished, as it does when it shuts down. The call site of the shield, in those
/// words as in a `Tracker`'s report, is the attribute.
///
/// # Errors
///
/// What cannot be shielded is a compile error at the token that is in the way.
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
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let (pay, payment) = oneshot::channel();
/// let (book, booked) = oneshot::channel();
/// tokio::select! {
///     biased;
///     () = charge(payment, book) => unreachable!("nobody has paid yet"),
///     () = async {} => println!("the client hung up"),
/// }
/// pay.send(30).unwrap();
/// assert_eq!(booked.await, Ok(30));
/// # });
/// ```
///
/// A method, on a spawner of its own:
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
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let orders = Arc::new(Orders { tracker: Tracker::new(Tokio::current()) });
/// assert_eq!(orders.clone().place("tea").await.unwrap(), 1);
/// assert!(orders.place("").await.is_err());
/// # });
/// ```
#[proc_macro_attribute]
pub fn shield(args: TokenStream, item: TokenStream) -> TokenStream {
    match try_shield(args.into(), item.clone().into()) {
        Ok(expanded) => expanded.into(),
        // With the item as it was written, so that what uses it gives no errors of its own.
        Err(error) => {
            let mut tokens = TokenStream::from(error.into_compile_error());
            tokens.extend(item);
            tokens
        }
    }
}

fn try_shield(
    args: proc_macro2::TokenStream,
    item: proc_macro2::TokenStream,
) -> Result<proc_macro2::TokenStream, Error> {
    let input = Input::parse(item.clone())?;
    if input.is_sync_test() {
        // `#[tokio::test]` has expanded first, and the body now stands in a `block_on`, which nothing cuts off.
        return Ok(item);
    }
    let args = Args::parse(args);
    match (check::check(&input), args) {
        (Ok(()), Ok(args)) => Ok(expand::expand(&args, input)),
        (Err(error), Ok(_)) | (Ok(()), Err(error)) => Err(error),
        (Err(mut errors), Err(error)) => {
            errors.combine(error);
            Err(errors)
        }
    }
}
