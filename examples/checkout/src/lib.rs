//! A checkout service whose customers hang up after they have paid.
//!
//! Placing an order takes two steps, charge and record, and an HTTP server drops a request's future
//! when its client hangs up. A customer who hangs up between the two steps has paid and has no
//! order, unless the two are shielded.
//!
//! [`shop`] is the service, with the shield around its orders; start reading there. [`demo`] lets
//! customers hang up at the worst moment and counts what is lost; [`serve`] puts the same shop on a
//! port and shuts it down in order ([`stop`]); [`intents`] covers what a shield cannot, the death
//! of the process. The rest is the world around it: an SQLite file, a payment gateway behind HTTP,
//! clients on TCP.

pub mod args;
pub mod counter;
pub mod customer;
pub mod demo;
pub mod gateway;
pub mod hang_up;
pub mod intents;
pub mod mode;
pub mod payments;
pub mod progress;
pub mod report;
pub mod say;
pub mod serve;
pub mod server;
pub mod shop;
pub mod signals;
pub mod stop;
pub mod store;
pub mod whole;
pub mod within;

/// Any failure, for a program that prints it and ends.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// A result that can fail with any [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
