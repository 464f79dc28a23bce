//! Every test that needs no process of its own. See tests/README.md for the scenarios and their
//! places.
#![cfg(not(shield_loom))]

#[macro_use]
mod support;

mod caller;
mod contract;
mod faults;
mod inline;
mod large;
mod ledger_finds;
mod local;
mod location;
#[cfg(feature = "macros")]
mod macros;
mod metrics;
mod readme;
mod shared;
mod shield;
#[cfg(feature = "testing")]
mod testing;
#[cfg(feature = "tower")]
mod tower;
mod tracker;
mod traits;
