//! The inline modes: work that runs inside its caller until that drops it.

mod cleanup;
mod on_drop;
mod shutdown;
