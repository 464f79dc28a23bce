//! Customers who hang up at the worst moment: the gateway has charged them and not yet answered.
//!
//! Counters make the order of events certain: all are charged; all hang up; the server has dropped
//! all their requests; and only then does the gateway answer.

use futures_shield::{Tokio, Tracker};
use tempfile::tempdir;

use crate::Result;
use crate::counter::Counter;
use crate::customer;
use crate::gateway::{Answer, Gateway};
use crate::hang_up::Clients;
use crate::mode::Mode;
use crate::payments::Payments;
use crate::progress::Progress;
use crate::report::{Report, Tally};
use crate::server::Server;
use crate::shop::Shop;
use crate::store::Store;
use crate::within::within;

/// How many customers come at the same time. Each takes four sockets, and some systems give a
/// process no more than 256.
const WAVE: u64 = 50;

/// Runs each mode in turn, with `requests` customers each.
pub async fn run(requests: u64) -> Result<Report> {
    let mut tallies = Vec::new();
    for mode in Mode::ALL {
        tallies.push(run_mode(mode, requests).await?);
    }
    Ok(Report { requests, tallies })
}

/// Runs one mode, with its own shop, gateway and database file.
pub async fn run_mode(mode: Mode, requests: u64) -> Result<Tally> {
    let files = tempdir()?;
    let store = Store::open(&files.path().join("orders.db")).await?;

    let answers = Counter::default();
    let gateway = Gateway::new(Answer::AsReleased(answers.clone()));
    let gateway_server = Server::start(gateway.router(), 0).await?;

    let clients = Clients::default();
    let tracker = Tracker::new(Tokio::current());
    let shop = Shop {
        payments: Payments::new(&gateway_server.url()),
        store: store.clone(),
    };
    let shop = shop.router(mode, tracker.clone(), clients.clone());
    let shop_server = Server::start(shop, 0).await?;

    let mut progress = Progress::new(mode, requests);
    let mut placed = 0;
    while placed < requests {
        let wave = WAVE.min(requests - placed);
        placed += wave;

        let mut customers = Vec::new();
        for _ in 0..wave {
            let order = customer::order(shop_server.address(), "book", 1999);
            customers.push(within("the shop to take a connection", order).await??);
        }
        within("the gateway to charge all customers", gateway.charges().reached(placed)).await?;

        drop(customers);
        within("the shop to see all customers hang up", clients.hung_up.reached(placed)).await?;

        answers.add(wave);
        within("the orders that survived their customers", tracker.wait()).await?;
        progress.at(placed);
    }

    let orders = store.orders().await?.len() as u64;
    Ok(Tally {
        mode,
        charges: gateway.charges().get(),
        orders,
    })
}
