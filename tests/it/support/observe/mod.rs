//! Values, hooks and wakers that record what is done to them.

mod drops;
mod hooks;
mod locations;
#[cfg(any(feature = "tower", all(feature = "macros", any(feature = "smol", feature = "tokio"))))]
mod log;
mod panics;
mod wakers;

pub(crate) use self::drops::{Bomb, Drops, HoldsUntilDrop, OnDrop};
pub(crate) use self::hooks::{HookCall, Outcome, hook, hook_that_panics, hook_whose_drop_panics};
pub(crate) use self::locations::lines;
#[cfg(any(feature = "tower", all(feature = "macros", any(feature = "smol", feature = "tokio"))))]
pub(crate) use self::log::Log;
pub(crate) use self::panics::{
    PANIC_HOOK, does_not_panic, drop_unwinding_or_not, drop_while_unwinding, message, panics_with,
};
pub(crate) use self::wakers::{CloneCounter, Wakes, callback_waker};
