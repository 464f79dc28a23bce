//! Futures, outputs, hooks and wakers that record what is done to them.

pub(crate) mod orphans;
mod things;
mod wakers;

pub(crate) use self::things::{Bomb, DropTeller, Drops, Holding, hook, message, panics_with, telling_hook};
pub(crate) use self::wakers::{Spy, Wakes, act};
