//! Executors that the tests drive, and the list of all spawners with an executor behind each.

mod crank;
mod local_rig;
mod rig;
#[macro_use]
mod rigs;
#[macro_use]
mod local_rigs;
#[macro_use]
mod any_rig;

pub(crate) use self::any_rig::*;
pub(crate) use self::crank::{Crank, CrankSpawner};
pub(crate) use self::local_rig::*;
pub(crate) use self::local_rigs::*;
pub(crate) use self::rig::*;
pub(crate) use self::rigs::*;
