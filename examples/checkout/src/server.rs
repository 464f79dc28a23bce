//! An axum router on a loopback port.

use std::io;
use std::net::{Ipv4Addr, SocketAddr};

use axum::Router;
use tokio::net::TcpListener;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::Result;

/// A server that runs. Dropped, it accepts no more connections; those that are open end by themselves.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    /// Never sent on: the server stops when it is dropped.
    open: oneshot::Sender<()>,
    task: JoinHandle<io::Result<()>>,
}

impl Server {
    /// Listens on `port` of the loopback address; port 0 is a free one.
    pub async fn start(router: Router, port: u16) -> Result<Self> {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, port))
            .await
            .map_err(|error| format!("cannot listen on port {port}: {error}"))?;
        let address = listener.local_addr()?;
        let (open, closed) = oneshot::channel();
        let server = axum::serve(listener, router).with_graceful_shutdown(async {
            let _ = closed.await;
        });
        Ok(Self {
            address,
            open,
            task: tokio::spawn(server.into_future()),
        })
    }

    pub fn address(&self) -> SocketAddr {
        self.address
    }

    pub fn url(&self) -> String {
        format!("http://{}", self.address)
    }

    /// Accepts no more connections, and returns once the open ones have been answered.
    pub async fn stop(self) -> Result<()> {
        drop(self.open);
        Ok(self.task.await??)
    }
}
