//! The eager mode: work that runs as a task of its own.

mod basics;
mod composition;
mod conformance;
mod drops_that_panic;
mod panics;
mod polling;
mod runtime;
mod stress;
mod threads;
