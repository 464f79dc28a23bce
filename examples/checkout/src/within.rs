//! A limit on every wait, so that a bug is a message and never a hang.

use std::time::Duration;

use tokio::time;

use crate::Result;

/// Much more than anything here takes, even on a busy machine.
const LIMIT: Duration = Duration::from_secs(30);

/// Returns the output of `future`, or after half a minute an error that says what was waited for.
pub async fn within<T>(what: &str, future: impl Future<Output = T>) -> Result<T> {
    time::timeout(LIMIT, future)
        .await
        .map_err(|_| format!("gave up after {LIMIT:?}: still waiting for {what}").into())
}
