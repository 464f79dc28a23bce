//! The shop on a port, until a signal; then an orderly end.

use std::path::PathBuf;
use std::time::Duration;

use futures_shield::{Tokio, Tracker};
use tempfile::tempdir;
use tokio::time;

use crate::Result;
use crate::counter::Counter;
use crate::gateway::{Answer, Gateway};
use crate::mode::Mode;
use crate::payments::Payments;
use crate::server::Server;
use crate::shop::Shop;
use crate::signals::Signals;
use crate::store::Store;

#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    pub port: u16,
    pub mode: Mode,
    /// How long to wait for running orders after a signal.
    pub deadline: Duration,
    /// How long the built-in gateway takes to answer.
    pub gateway_delay: Duration,
    /// A gateway elsewhere, in place of the built-in one.
    pub gateway: Option<String>,
    /// Where the orders are kept; without it, in a file that goes with the process.
    pub database: Option<PathBuf>,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 3000,
            mode: Mode::Shield,
            deadline: Duration::from_secs(10),
            gateway_delay: Duration::from_secs(3),
            gateway: None,
            database: None,
        }
    }
}

pub async fn run(options: Options) -> Result<()> {
    // Before the port opens: whoever can reach the service can also stop it.
    let mut signals = Signals::listen()?;

    let files = tempdir()?;
    let database = options.database.unwrap_or_else(|| files.path().join("orders.db"));
    let gateway = Gateway::new(Answer::After(options.gateway_delay));
    let gateway_server = Server::start(gateway.router(), 0).await?;
    let gateway_url = options.gateway.unwrap_or_else(|| gateway_server.url());
    let tracker = Tracker::new(Tokio::current());
    let shop = Shop {
        payments: Payments::new(&gateway_url),
        store: Store::open(&database).await?,
    };
    let shop = shop.router(options.mode, tracker.clone(), Counter::default());
    let server = Server::start(shop, options.port).await?;
    greet(&server.url(), &gateway_url, options.mode);

    let signal = signals.recv().await?;
    println!("{signal}: no more orders are taken");
    tokio::select! {
        result = finish(server, &tracker, options.deadline) => result,
        again = signals.recv() => Err(format!("{} again; {}", again?, tracker.unfinished()).into()),
    }
}

fn greet(shop: &str, gateway: &str, mode: Mode) {
    println!("the shop is open on {shop}, mode: {mode}");
    println!(
        "  order, and hang up after a second:  curl --max-time 1 --json '{{\"item\":\"book\",\"cents\":1999}}' {shop}/orders"
    );
    println!("  what was recorded:                  curl {shop}/orders");
    println!("  how often the gateway charged:      curl {gateway}/charges");
    println!("  stop:                               Ctrl-C");
}

/// Waits for the customers who are still connected, and for the orders of those who are not.
async fn finish(server: Server, tracker: &Tracker<Tokio>, deadline: Duration) -> Result<()> {
    let running = tracker.unfinished();
    if !running.is_empty() {
        println!("waiting up to {deadline:?}; {running}");
    }
    let deadline = time::Instant::now() + deadline;
    let answered = time::timeout_at(deadline, server.stop()).await;
    let drained = tracker.drain(time::sleep_until(deadline)).await;
    drained.map_err(|unfinished| format!("the deadline has passed; {unfinished}"))?;
    answered.map_err(|_| "the deadline has passed; clients are still connected")??;
    println!("nothing is left running");
    Ok(())
}
