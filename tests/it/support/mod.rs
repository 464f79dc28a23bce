//! What the tests share: executors, gates, and values that record what is done to them.
//!
//! Order is made by gates and by cranking, never by sleeping. Whatever waits has a deadline.

#[macro_use]
mod executors;
mod observe;
mod spawners;
mod wait;
mod work;

pub(crate) use self::executors::*;
pub(crate) use self::observe::*;
pub(crate) use self::spawners::{BombSpawner, Nowhere, at_once, closed};
pub(crate) use self::wait::{DEADLINE, Thread, block_on, locked, on_a_thread, poll, poll_with, timely};
pub(crate) use self::work::{caller_by_hand, gated, shield_and_caller};
