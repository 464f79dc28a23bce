//! A raw HTTP/1.1 client, which can hang up at any point.

use std::io;
use std::net::SocketAddr;

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::timely;

/// What a server has sent, without the date.
pub type Answer = Result<String, io::ErrorKind>;

/// Sends a GET request for `path`, and returns the connection without reading from it.
pub async fn get(address: SocketAddr, path: &str) -> TcpStream {
    let request = format!("GET {path} HTTP/1.1\r\nhost: {address}\r\nconnection: close\r\n\r\n");
    send(address, &request).await
}

/// Sends `request`, or what there is of it.
pub async fn send(address: SocketAddr, request: &str) -> TcpStream {
    timely(async {
        let mut connection = TcpStream::connect(address).await.unwrap();
        connection.write_all(request.as_bytes()).await.unwrap();
        connection
    })
    .await
}

/// Reads until the server closes the connection.
pub async fn answer(mut connection: TcpStream) -> Answer {
    let mut bytes = Vec::new();
    let read = timely(connection.read_to_end(&mut bytes)).await;
    let text = String::from_utf8(bytes).unwrap();
    let lines = text.split_inclusive('\n');
    let text = lines.filter(|line| !line.to_lowercase().starts_with("date:")).collect();
    read.map(|_| text).map_err(|error| error.kind())
}

/// Reads until the text that came so far contains `part`.
pub async fn read_until(connection: &mut TcpStream, part: &str) -> String {
    timely(async {
        let mut text = String::new();
        while !text.contains(part) {
            let mut bytes = [0; 1024];
            let length = connection.read(&mut bytes).await.unwrap();
            assert_ne!(length, 0, "the server closed the connection after {text:?}");
            text.push_str(std::str::from_utf8(&bytes[..length]).unwrap());
        }
        text
    })
    .await
}
