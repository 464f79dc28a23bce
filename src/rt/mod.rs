//! The adapters: each implements how one runtime runs a unit future, and nothing else.

#[cfg(feature = "async-executor")]
mod async_executor;
#[cfg(feature = "async-std")]
mod async_std;
#[cfg(any(feature = "tokio", feature = "smol", feature = "async-std"))]
mod current;
#[cfg(feature = "futures")]
mod futures;
#[cfg(feature = "smol")]
mod smol;
#[cfg(feature = "tokio")]
mod tokio;

#[cfg(feature = "async-std")]
pub use self::async_std::AsyncStd;
#[cfg(any(feature = "tokio", feature = "smol", feature = "async-std"))]
pub use self::current::{CurrentRuntime, current_runtime};
#[cfg(feature = "futures")]
pub use self::futures::FuturesSpawner;
#[cfg(feature = "smol")]
pub use self::smol::Smol;
#[cfg(feature = "tokio")]
pub use self::tokio::{Tokio, TokioLocal};
