//! A tower layer that shields the response futures of a service, and its named parts.
//!
//! Programs use [`ShieldLayer`], at the root of the crate, whose documentation explains the whole
//! layer. The types here are for signatures and struct fields:
//!
//! ```
//! use axum::extract::Request;
//! use futures_shield::Spawn;
//! use futures_shield::layer::{OnlyIf, ResponseFuture, ShieldService};
//! use tower::Service;
//!
//! struct Orders<I: Service<Request>, S> {
//!     service: ShieldService<I, S, OnlyIf<fn(&Request) -> bool>>,
//!     response: Option<ResponseFuture<I::Future, S>>,
//! }
//!
//! impl<I, S> Orders<I, S>
//! where
//!     I: Service<Request, Response: Send + 'static, Error: Send + 'static, Future: Send + 'static>,
//!     S: Spawn + Clone,
//! {
//!     fn accept(&mut self, request: Request) {
//!         self.response = Some(self.service.call(request));
//!     }
//! }
//! ```

mod future;
mod on_orphan;
mod predicate;
mod service;
mod shield_layer;
#[cfg(feature = "tracing")]
mod span;
#[cfg(not(feature = "tracing"))]
#[path = "span_off.rs"]
mod span;
mod with_caller;

pub use self::future::ResponseFuture;
pub use self::on_orphan::{MakeHook, NoHook, OnOrphan};
pub use self::predicate::{Always, OnlyIf, Predicate};
pub use self::service::ShieldService;
// Hidden here, so that the documentation shows it once: at the root.
#[doc(hidden)]
pub use self::shield_layer::ShieldLayer;
pub use self::with_caller::{NoCaller, PassCaller, WithCaller};
