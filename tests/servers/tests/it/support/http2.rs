//! An HTTP/2 client that can reset a stream, or drop its connection, at any point.

use std::net::SocketAddr;

use bytes::Bytes;
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, SendStream};
use http::{HeaderMap, Request};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;

use super::timely;

/// A connection, closed without a word when this is dropped.
pub struct Connection {
    requests: SendRequest<Bytes>,
    driver: JoinHandle<()>,
}

/// A request whose response has not come yet.
pub struct Call {
    response: ResponseFuture,
    stream: SendStream<Bytes>,
}

#[derive(Debug)]
pub struct Answer {
    pub headers: HeaderMap,
    pub body: String,
    pub trailers: HeaderMap,
}

impl Connection {
    pub async fn open(address: SocketAddr) -> Self {
        timely(async {
            let socket = TcpStream::connect(address).await.unwrap();
            socket.set_nodelay(true).unwrap();
            let (requests, connection) = h2::client::handshake(socket).await.unwrap();
            let driver = tokio::spawn(async move { drop(connection.await) });
            Self { requests, driver }
        })
        .await
    }

    /// Sends a request. It is an error if the server has ended the connection.
    pub async fn send(&mut self, request: Request<Bytes>) -> Result<Call, h2::Error> {
        let (head, body) = request.into_parts();
        let mut requests = timely(self.requests.clone().ready()).await?;
        let (response, mut stream) = requests.send_request(Request::from_parts(head, ()), body.is_empty())?;
        if !body.is_empty() {
            stream.send_data(body, true)?;
        }
        Ok(Call { response, stream })
    }

    /// Waits until the server has ended the connection.
    pub async fn closed(mut self) {
        timely(&mut self.driver).await.unwrap();
    }
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

impl Call {
    /// Sends RST_STREAM, as a client does that gives up on a call.
    pub fn reset(mut self) {
        self.stream.send_reset(Reason::CANCEL);
    }

    pub async fn answer(self) -> Result<Answer, h2::Error> {
        timely(async {
            let (head, mut stream) = self.response.await?.into_parts();
            let mut body = Vec::new();
            while let Some(chunk) = stream.data().await {
                let chunk = chunk?;
                stream.flow_control().release_capacity(chunk.len())?;
                body.extend_from_slice(&chunk);
            }
            Ok(Answer {
                headers: head.headers,
                body: String::from_utf8(body).unwrap(),
                trailers: stream.trailers().await?.unwrap_or_default(),
            })
        })
        .await
    }
}

/// Creates a GET request.
pub fn get(address: SocketAddr, path: &str) -> Request<Bytes> {
    Request::get(format!("http://{address}{path}"))
        .body(Bytes::new())
        .unwrap()
}
