//! What the faults do not touch: the gateway's charges and the database file. It checks one against
//! the other.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

use checkout::gateway::{Answer, Gateway};
use checkout::server::Server;
use checkout::store::Store;
use tempfile::TempDir;
use tokio::process::Command;

use crate::crowd::Crowd;
use crate::process::{Ended, Process};
use crate::rounds::Rounds;

pub(crate) struct World {
    pub(crate) gateway: Gateway,
    /// `None` while the gateway is gone. Its charges are kept.
    server: Option<Server>,
    address: SocketAddr,
    pub(crate) files: TempDir,
    /// The charges that customers hold a receipt for.
    receipts: BTreeSet<u64>,
}

impl World {
    /// A world whose gateway answers after `delay`.
    pub(crate) async fn new(delay: Duration) -> Self {
        let gateway = Gateway::new(Answer::After(delay));
        let server = Server::start(gateway.router(), 0).await.unwrap();
        Self {
            address: server.address(),
            gateway,
            server: Some(server),
            files: tempfile::tempdir().unwrap(),
            receipts: BTreeSet::new(),
        }
    }

    pub(crate) fn database(&self) -> PathBuf {
        self.files.path().join("orders.db")
    }

    /// Starts a shop in this world.
    pub(crate) fn shop(&self, mode: &str, deadline: &str) -> Process {
        self.shop_by(&mut Command::new(env!("CARGO_BIN_EXE_checkout")), mode, deadline)
    }

    /// Starts a shop by a command that takes the arguments of `checkout`.
    pub(crate) fn shop_by(&self, command: &mut Command, mode: &str, deadline: &str) -> Process {
        command
            .args(["serve", "--port", "0", "--mode", mode, "--deadline", deadline])
            .arg("--gateway")
            .arg(format!("http://{}", self.address))
            .arg("--database")
            .arg(self.database());
        Process::spawn(command)
    }

    /// The gateway goes: its connections are cut off, its port is closed.
    pub(crate) async fn gateway_goes(&mut self) {
        if let Some(server) = self.server.take() {
            server.stop(async {}).await.unwrap();
        }
    }

    /// The gateway comes back, at the same address and with the charges that it has made.
    pub(crate) async fn gateway_comes(&mut self) {
        if self.server.is_none() {
            let server = Server::start(self.gateway.router(), self.address.port()).await;
            self.server = Some(server.unwrap());
        }
    }

    /// Waits until the customers have gone, and keeps their receipts.
    pub(crate) async fn receipts(&mut self, crowd: Crowd) {
        self.receipts.extend(crowd.receipts().await);
    }

    /// The charges that have an order. Fails if one has two, or if an order has none.
    async fn ordered(&self) -> BTreeSet<u64> {
        let store = Store::open(&self.database()).await.unwrap();
        let orders = store.orders().await.unwrap();
        store.close().await;
        let ordered: BTreeSet<u64> = orders.iter().map(|order| order.charge.cast_unsigned()).collect();
        assert_eq!(ordered.len(), orders.len(), "a charge has two orders: {orders:?}");
        assert!(ordered.is_subset(&self.charged()), "an order has no charge: {orders:?}");
        assert!(
            self.receipts.is_subset(&ordered),
            "a receipt has no order: {:?}",
            self.receipts
        );
        ordered
    }

    fn charged(&self) -> BTreeSet<u64> {
        (1..=self.gateway.charges().get()).collect()
    }

    /// Checks a shop that ended by itself: charges equal orders plus what it named. Returns how
    /// many it named.
    pub(crate) async fn check_end(&self, ended: &Ended) -> usize {
        assert!(matches!(ended.status.code(), Some(0 | 1)), "{ended:?}");
        assert!(!ended.stderr.contains("panicked"), "{ended:?}");
        let named: BTreeSet<&str> = ended
            .stdout
            .iter()
            .filter_map(|line| line.strip_prefix("intent ")?.split_once(" is left open"))
            .map(|(key, _)| key)
            .collect();
        let named_charges = named.iter().filter_map(|key| self.gateway.charge_of(key));
        let accounted: BTreeSet<u64> = self.ordered().await.into_iter().chain(named_charges).collect();
        assert_eq!(
            accounted,
            self.charged(),
            "charges and what was accounted for differ: {ended:?}"
        );
        named.len()
    }

    /// Starts a shop after a fault, and checks it once it is open: charges equal orders.
    pub(crate) async fn restart(&self, rounds: &mut Rounds, deadline: &str) -> (Process, SocketAddr) {
        let mut shop = self.shop(rounds.mode(), deadline);
        let (address, before) = shop.address().await;
        rounds.settled += before.iter().filter(|line| line.contains(" settled: order ")).count();
        rounds.charges = self.gateway.charges().get();
        assert_eq!(self.ordered().await, self.charged(), "after a restart");
        (shop, address)
    }
}
