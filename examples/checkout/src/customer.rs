//! A customer of the demo: a TCP connection that has sent its order, and hangs up when it is
//! dropped.

use std::io;
use std::net::SocketAddr;

use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

/// Sends an order, and returns its connection. Dropping that closes it.
pub async fn order(shop: SocketAddr, item: &str, cents: u32) -> io::Result<TcpStream> {
    let body = format!(r#"{{"item":"{item}","cents":{cents}}}"#);
    let head = format!(
        "POST /orders HTTP/1.1\r\nhost: {shop}\r\ncontent-type: application/json\r\ncontent-length: {}\r\n\r\n",
        body.len(),
    );
    let mut connection = TcpStream::connect(shop).await?;
    connection.write_all((head + &body).as_bytes()).await?;
    Ok(connection)
}
