//! An axum router on a loopback port, whose connections really end.
//!
//! `axum::serve(..).with_graceful_shutdown(..)` waits for each client, and a client that sends half
//! a request can keep it waiting for as long as it likes. Here the connections are tasks in a
//! [`JoinSet`], which can end them.

use std::net::{Ipv4Addr, SocketAddr};
use std::time::Duration;

use axum::Router;
use axum::serve::Listener;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, JoinSet};

use crate::Result;

/// How long a client may take to send a request's head, and how long an idle connection is kept.
const PATIENCE: Duration = Duration::from_secs(10);

/// A server that runs. If it is dropped, its connections are cut off.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    /// Never sent on: the server stops accepting when it is dropped.
    open: oneshot::Sender<()>,
    task: JoinHandle<(GracefulShutdown, JoinSet<()>)>,
}

impl Server {
    /// Listens on `port` of the loopback address; port 0 is a free one.
    pub async fn start(router: Router, port: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .map_err(|error| format!("cannot listen on port {port}: {error}"))?;
        let address = listener.local_addr()?;
        let (open, closed) = oneshot::channel();
        let task = tokio::spawn(accept(listener, router, closed));
        Ok(Self { address, open, task })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Accepts no more connections, and ends those that are open: idle ones at once, the others
    /// after their answer, and all of them when `deadline` resolves. Returns how many were cut off.
    /// Once it has returned, the requests of each connection have been dropped.
    pub async fn stop(self, deadline: impl Future) -> Result<usize> {
        drop(self.open);
        let (graceful, mut connections) = self.task.await?;
        let ended = async {
            graceful.shutdown().await;
            while connections.join_next().await.is_some() {}
        };
        tokio::select! {
            biased;
            () = ended => {}
            _ = deadline => {}
        }
        while connections.try_join_next().is_some() {}
        let cut_off = connections.len();
        connections.shutdown().await;
        Ok(cut_off)
    }
}

async fn accept(
    mut listener: TcpListener,
    router: Router,
    mut closed: oneshot::Receiver<()>,
) -> (GracefulShutdown, JoinSet<()>) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new()).header_read_timeout(PATIENCE);
    let graceful = GracefulShutdown::new();
    let mut connections = JoinSet::new();
    loop {
        // axum's `accept` retries after an error, such as too many open files.
        tokio::select! {
            (stream, _) = Listener::accept(&mut listener) => {
                let service = TowerToHyperService::new(router.clone());
                let connection = graceful.watch(http.serve_connection(TokioIo::new(stream), service));
                connections.spawn(async {
                    // It fails if its client hangs up, which is nothing to report here.
                    let _ = connection.await;
                });
            }
            Some(_) = connections.join_next() => {}
            _ = &mut closed => break,
        }
    }
    (graceful, connections)
}
