//! What the rest of the crate is built from, and what knows nothing of it.

pub(crate) mod contain;
pub(crate) mod exclusive;
pub(crate) mod flag;
pub(crate) mod polled;
pub(crate) mod sync;
pub(crate) mod waiters;
