//! A subscriber that formats all events, and a span, as a server has them.

use std::io;

use tracing::Level;

pub(crate) fn with<T>(run: impl FnOnce() -> T) -> T {
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(Level::DEBUG)
        .with_writer(io::sink);
    tracing::subscriber::with_default(subscriber.finish(), || tracing::info_span!("request").in_scope(run))
}
