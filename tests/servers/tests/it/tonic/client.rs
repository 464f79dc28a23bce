//! gRPC calls over a raw HTTP/2 connection.

use std::net::SocketAddr;

use bytes::{BufMut, Bytes, BytesMut};
use http::Request;
use http::header::{CONTENT_TYPE, TE};

use crate::support::http2::Answer;

/// A unary call of `/shop.Orders/Place`.
pub fn call(address: SocketAddr, message: &str) -> Request<Bytes> {
    let mut frame = BytesMut::new();
    frame.put_u8(0); // not compressed
    frame.put_u32(message.len().try_into().unwrap());
    frame.put_slice(message.as_bytes());
    Request::post(format!("http://{address}/shop.Orders/Place"))
        .header(TE, "trailers")
        .header(CONTENT_TYPE, "application/grpc")
        .body(frame.freeze())
        .unwrap()
}

/// The same with a deadline, in milliseconds.
pub fn call_within(address: SocketAddr, message: &str, milliseconds: u32) -> Request<Bytes> {
    let mut request = call(address, message);
    let deadline = format!("{milliseconds}m").parse().unwrap();
    request.headers_mut().insert("grpc-timeout", deadline);
    request
}

/// Returns the status code of a call, and its message without the frame's head.
pub fn result(answer: &Answer) -> (tonic::Code, &str) {
    let status = answer
        .trailers
        .get("grpc-status")
        .or_else(|| answer.headers.get("grpc-status"));
    let code = tonic::Code::from_bytes(status.unwrap().as_bytes());
    (code, answer.body.get(5..).unwrap_or_default())
}
