//! The `#[shield]` attribute: what it accepts, and that it changes nothing but what happens when the
//! caller is gone. The suite runs on each runtime.

#![forbid(unsafe_code)]
// Lints that a user's crate may have enabled ignore the expansion. (Lints on the signatures are the tests' own.)
#![deny(warnings, clippy::pedantic)]
#![allow(
    clippy::duplicate_mod,
    clippy::items_after_statements,
    clippy::many_single_char_names,
    clippy::trivially_copy_pass_by_ref,
    clippy::unused_async
)]

#[cfg(feature = "smol")]
mod on_smol;
#[cfg(feature = "tokio")]
mod on_tokio;

/// Another path of the crate, for `crate = path`.
#[cfg(any(feature = "smol", feature = "tokio"))]
mod renamed {
    pub(crate) mod deeply {
        pub(crate) use futures_shield::*;
    }
}
