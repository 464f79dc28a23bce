//! `checkout serve` as a child process, with a gateway and a database that belong to the test.

use std::net::SocketAddr;
use std::process::ExitStatus;
use std::time::Duration;

use checkout::counter::Counter;
use checkout::customer;
use checkout::gateway::{Answer, Gateway};
use checkout::server::Server;
use checkout::store::Store;
use checkout::within::within;
use tempfile::TempDir;
use tokio::io::BufReader;
use tokio::net::TcpStream;
use tokio::process::{ChildStdout, Command};
use tokio::time;

use crate::process::{Ended, Process};

const CHECKOUT: &str = env!("CARGO_BIN_EXE_checkout");

pub(crate) struct Service {
    process: Process,
    pub(crate) address: SocketAddr,
    pub(crate) world: World,
}

/// What outlives the process.
pub(crate) struct World {
    gateway: Gateway,
    answers: Counter,
    store: Store,
    // What has to live as long as the service does.
    _gateway_server: Server,
    _files: TempDir,
}

impl Service {
    pub(crate) async fn start(args: &[&str]) -> Self {
        Self::start_by(&mut Command::new(CHECKOUT), args).await
    }

    /// Its stdout and stderr are one pipe, as with `2>&1`.
    pub(crate) async fn start_with_one_pipe(args: &[&str]) -> Self {
        let mut shell = Command::new("sh");
        Self::start_by(shell.args(["-c", r#"exec "$0" "$@" 2>&1"#, CHECKOUT]), args).await
    }

    async fn start_by(command: &mut Command, args: &[&str]) -> Self {
        let files = tempfile::tempdir().unwrap();
        let database = files.path().join("orders.db");
        let store = Store::open(&database).await.unwrap();
        let answers = Counter::default();
        let gateway = Gateway::new(Answer::AsReleased(answers.clone()));
        let gateway_server = Server::start(gateway.router(), 0).await.unwrap();

        let url = gateway_server.url();
        let database = database.to_str().unwrap();
        command.args(["serve", "--port", "0", "--gateway", &url, "--database", database]);
        let mut process = Process::spawn(command.args(args));
        Self {
            address: process.address().await.0,
            process,
            world: World {
                gateway,
                answers,
                store,
                _gateway_server: gateway_server,
                _files: files,
            },
        }
    }

    /// A customer whom the gateway has charged, and not yet answered.
    pub(crate) async fn charged_customer(&self) -> TcpStream {
        let before = self.world.charges().get();
        let customer = customer::order(self.address, "book", 1999).await.unwrap();
        self.world.charged(before + 1).await;
        customer
    }

    /// Closes the customer's connection, and returns once the service has dropped the request.
    pub(crate) async fn hang_up(&mut self, customer: TcpStream) {
        drop(customer);
        self.says("the client hung up").await;
    }

    /// Reads what the service prints, up to a line that contains `words`, and returns that line.
    pub(crate) async fn says(&mut self, words: &str) -> String {
        self.process.says(words).await.pop().unwrap()
    }

    pub(crate) async fn terminate(&self) {
        self.process.signal("TERM").await;
    }

    /// How the service ends, and what it leaves.
    pub(crate) async fn end(self) -> (Ended, World) {
        (self.process.end().await, self.world)
    }

    /// Reads no more of what it prints. Its stdout is closed when what this returns is dropped.
    pub(crate) async fn stop_reading(&mut self) -> BufReader<ChildStdout> {
        self.process.stop_reading().await
    }

    /// Closes its stdout and stderr, as when `tee` has ended, presses Ctrl-C, and lets the gateway
    /// answer.
    pub(crate) async fn interrupt_unread(mut self) -> (ExitStatus, World) {
        self.process.signal("INT").await;
        drop(self.stop_reading().await);
        let Process { mut child, stderr, .. } = self.process;
        drop(stderr);
        self.world.answer_one();
        let status = within("the end of the service", child.wait()).await;
        (status.unwrap().unwrap(), self.world)
    }
}

impl World {
    pub(crate) fn charges(&self) -> &Counter {
        self.gateway.charges()
    }

    pub(crate) async fn charged(&self, times: u64) {
        within("the charge", self.charges().reached(times)).await.unwrap();
    }

    /// Lets the gateway answer one more charge.
    pub(crate) fn answer_one(&self) {
        self.answers.add(1);
    }

    /// Lets the gateway answer every charge from now on.
    pub(crate) fn answer_all(&self) {
        self.answers.add(1_000_000);
    }

    /// Waits until so many orders are recorded.
    pub(crate) async fn recorded(&self, orders: usize) {
        let recorded = async {
            while self.orders().await < orders {
                time::sleep(Duration::from_millis(10)).await;
            }
        };
        within("the orders", recorded).await.unwrap();
    }

    pub(crate) async fn orders(&self) -> usize {
        self.store.orders().await.unwrap().len()
    }

    pub(crate) async fn open_intents(&self) -> Vec<String> {
        let intents = self.store.open_intents().await.unwrap();
        intents.into_iter().map(|intent| intent.key).collect()
    }
}
