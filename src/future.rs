//! Named futures, to keep in a struct or to return from a function.
//!
//! Each is returned by the method that its documentation names. The handles that a program keeps
//! ([`Shield`](crate::Shield), [`ShieldOnDrop`](crate::ShieldOnDrop)) are at the root of the crate.

pub use crate::caller::{Gone, RunUntilGone, RunWithGrace};
pub use crate::inline::CleanupRun;
pub use crate::tracker::{Drain, Wait};
