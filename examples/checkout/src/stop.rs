//! The order in which a service with shielded work ends: connections, work, database, exit code.

use std::time::Duration;

use futures_shield::{Tokio, Tracker};
use futures_util::FutureExt;
use tokio::time;

use crate::hang_up::Clients;
use crate::intents::Intent;
use crate::server::Server;
use crate::store::{Order, Store};
use crate::{Result, say};

/// How long to wait at the end for a database that is locked.
const MOMENT: Duration = Duration::from_millis(500);

/// Ends the service in order, at the latest a moment after `time_is_up`, whose output says why.
pub async fn stop(
    server: Server,
    tracker: &Tracker<Tokio>,
    store: &Store,
    clients: &Clients,
    time_is_up: impl Future<Output = String>,
) -> Result<()> {
    let time_is_up = time_is_up.shared();
    // 1. Accept no more connections, and end those that are open. If they are cut off, their orders
    //    lose their clients, and run on.
    let connections = server.stop(time_is_up.clone()).await?;
    // 2. Wait for the orders that have no client any more.
    let drained = tracker.drain(time_is_up.clone()).await;
    // 3. Close the database, so that nothing changes any more. An order that still runs may hold a
    //    connection, so do not wait for that without a limit.
    let _ = time::timeout(MOMENT, store.close()).await;
    // 4. Name what is left. The exit code says whether something was cut off.
    name_open_intents(store).await;
    let why = time_is_up.peek().map_or("", String::as_str);
    let requests = clients.cut_off.get();
    let mut left = Vec::new();
    if requests > 0 {
        left.push(format!("clients are still connected, requests cut off: {requests}"));
    }
    if let Err(unfinished) = drained {
        left.push(unfinished.to_string());
    }
    if !left.is_empty() {
        return Err(format!("{why}; {}", left.join("; ")).into());
    }
    if connections > 0 {
        say!("{why}; connections cut off that had not sent a whole request: {connections}");
    }
    say!("nothing is left running");
    Ok(())
}

/// Each intent that is open at the end may have been charged, and has no order yet.
pub async fn name_open_intents(store: &Store) {
    match time::timeout(MOMENT, store.open_intents()).await {
        Ok(Ok(open)) => {
            for Intent { key, order, .. } in open {
                let Order { item, cents } = order;
                say!("intent {key} is left open: {item:?}, {cents} cents");
            }
        }
        Ok(Err(error)) => say!("the open intents cannot be read: {error}"),
        Err(_) => say!("the open intents cannot be read in time"),
    }
}
