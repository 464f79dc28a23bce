//! A checkout service whose customers hang up after they have paid.
//!
//! Placing an order is two steps, charge and record, and an HTTP server drops a request's future when its client hangs
//! up. Whoever hangs up between the two steps has paid and has no order, unless the two are shielded.
//!
//! [`shop`] is the service and the place where the shield stands; start reading there. [`demo`] lets customers hang up at
//! the worst moment and counts what is lost; [`serve`] puts the same shop on a port and shuts it down in order. The rest
//! is the world around it: an SQLite file, a payment gateway behind HTTP, clients on TCP.

#![allow(
    clippy::print_stdout,
    reason = "a program for the terminal: what it prints is what it is for"
)]

pub mod args;
pub mod counter;
pub mod customer;
pub mod demo;
pub mod gateway;
pub mod hang_up;
pub mod mode;
pub mod payments;
pub mod report;
pub mod serve;
pub mod server;
pub mod shop;
pub mod signals;
pub mod store;
pub mod within;

/// Any failure, for a program that prints it and ends.
pub type Error = Box<dyn std::error::Error + Send + Sync>;

/// What can fail with any [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;
