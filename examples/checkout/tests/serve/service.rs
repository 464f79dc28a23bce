//! `checkout serve` as a child process, with a gateway and a database that belong to the test.

use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};

use checkout::counter::Counter;
use checkout::customer;
use checkout::gateway::{Answer, Gateway};
use checkout::server::Server;
use checkout::store::Store;
use checkout::within::within;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader, Lines};
use tokio::net::TcpStream;
use tokio::process::{Child, ChildStdout, Command};

pub(crate) struct Service {
    child: Child,
    stdout: Lines<BufReader<ChildStdout>>,
    address: SocketAddr,
    gateway: Gateway,
    answers: Counter,
    store: Store,
    // What has to live as long as the service does.
    _gateway_server: Server,
    _files: TempDir,
}

impl Service {
    pub(crate) async fn start(args: &[&str]) -> Self {
        let files = tempfile::tempdir().unwrap();
        let database = files.path().join("orders.db");
        let store = Store::open(&database).await.unwrap();
        let answers = Counter::default();
        let gateway = Gateway::new(Answer::AsReleased(answers.clone()));
        let gateway_server = Server::start(gateway.router(), 0).await.unwrap();

        let mut child = Command::new(env!("CARGO_BIN_EXE_checkout"))
            .args(["serve", "--port", "0", "--gateway", &gateway_server.url(), "--database"])
            .arg(database)
            .args(args)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let open = line_with("the shop is open on http://", &mut stdout).await;
        let (_, address) = open.split_once("http://").unwrap();
        let (address, _) = address.split_once(',').unwrap();

        Self {
            child,
            stdout,
            address: address.parse().unwrap(),
            gateway,
            answers,
            store,
            _gateway_server: gateway_server,
            _files: files,
        }
    }

    /// A customer whom the gateway has charged, and not yet answered.
    pub(crate) async fn charged_customer(&self) -> TcpStream {
        let charges = self.gateway.charges();
        let before = charges.get();
        let customer = customer::order(self.address, "book", 1999).await.unwrap();
        within("the charge", charges.reached(before + 1)).await.unwrap();
        customer
    }

    /// Closes the customer's connection, and returns once the service has dropped the request.
    pub(crate) async fn hang_up(&mut self, customer: TcpStream) {
        drop(customer);
        self.says("the client hung up").await;
    }

    /// Lets the gateway answer one more charge.
    pub(crate) fn answer_one(&self) {
        self.answers.add(1);
    }

    /// Reads what the service prints, up to a line that contains `words`.
    pub(crate) async fn says(&mut self, words: &str) {
        line_with(words, &mut self.stdout).await;
    }

    pub(crate) async fn orders(&self) -> usize {
        self.store.orders().await.unwrap().len()
    }

    pub(crate) async fn terminate(&self) {
        let pid = self.child.id().unwrap().to_string();
        let kill = Command::new("kill").args(["-TERM", &pid]).status().await;
        assert!(kill.unwrap().success());
    }

    /// How the service ends, and what it has written to stderr.
    pub(crate) async fn end(&mut self) -> (ExitStatus, String) {
        let mut words = String::new();
        let mut stderr = self.child.stderr.take().unwrap();
        let read = within("the end of its stderr", stderr.read_to_string(&mut words)).await;
        read.unwrap().unwrap();
        let status = within("the end of the service", self.child.wait()).await;
        (status.unwrap().unwrap(), words)
    }
}

async fn line_with(words: &str, stdout: &mut Lines<BufReader<ChildStdout>>) -> String {
    let line = within(words, async {
        while let Some(line) = stdout.next_line().await.unwrap() {
            if line.contains(words) {
                return line;
            }
        }
        panic!("the service ended without a line with {words:?}");
    });
    line.await.unwrap()
}
