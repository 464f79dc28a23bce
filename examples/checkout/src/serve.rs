//! Runs the shop on a port until a signal, and then ends it in order.

use std::path::PathBuf;
use std::time::Duration;

use futures_shield::{Tokio, Tracker};
use tempfile::tempdir;
use tokio::time;

use crate::gateway::{Answer, Gateway};
use crate::hang_up::Clients;
use crate::intents;
use crate::mode::Mode;
use crate::payments::Payments;
use crate::server::Server;
use crate::shop::Shop;
use crate::signals::Signals;
use crate::store::Store;
use crate::{Result, say, stop};

#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    pub port: u16,
    pub mode: Mode,
    /// How long to wait for clients and running orders after a signal.
    pub deadline: Duration,
    /// How long the built-in gateway takes to answer.
    pub gateway_delay: Duration,
    /// The address of a gateway, to use in place of the built-in one.
    pub gateway: Option<String>,
    /// Where to keep the orders. If it is `None`, in a temporary file.
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
    // Before the port opens, so that the service can be stopped as soon as it can be reached.
    let mut signals = Signals::listen()?;

    let files = tempdir()?;
    let database = options.database.unwrap_or_else(|| files.path().join("orders.db"));
    let gateway = Gateway::new(Answer::After(options.gateway_delay));
    let gateway_server = Server::start(gateway.router(), 0).await?;
    let gateway_url = options.gateway.unwrap_or_else(|| gateway_server.url());
    let store = Store::open(&database).await?;
    let shop = Shop {
        payments: Payments::new(&gateway_url),
        store: store.clone(),
    };
    tokio::select! {
        settled = intents::settle(&shop) => settled?,
        // An intent that is not settled yet stays open.
        signal = signals.recv() => {
            say!("{}: the shop was not open yet", signal?);
            stop::name_open_intents(&store).await;
            return Ok(());
        }
    }

    let tracker = Tracker::new(Tokio::current());
    let clients = Clients::default();
    let router = shop.router(options.mode, tracker.clone(), clients.clone());
    let server = Server::start(router, options.port).await?;
    greet(&server.url(), &gateway_url, options.mode);

    let signal = signals.recv().await?;
    say!("{signal}: no more orders are taken");
    let time_is_up = async {
        let why = tokio::select! {
            () = time::sleep(options.deadline) => "the deadline has passed".to_owned(),
            again = signals.recv() => format!("{} again", again.unwrap_or("a signal")),
        };
        clients.cut_off_from_now();
        why
    };
    let running = tracker.unfinished();
    if !running.is_empty() {
        say!("waiting up to {:?}; {running}", options.deadline);
    }
    stop::stop(server, &tracker, &store, &clients, time_is_up).await
}

fn greet(shop: &str, gateway: &str, mode: Mode) {
    say!("the shop is open on {shop}, mode: {mode}");
    say!(
        "  order, and hang up after a second:  curl --max-time 1 --json '{{\"item\":\"book\",\"cents\":1999}}' {shop}/orders"
    );
    say!("  what was recorded:                  curl {shop}/orders");
    say!("  how often the gateway charged:      curl {gateway}/charges");
    say!("  stop:                               Ctrl-C");
}
