//! The shop's side of the payment gateway: a real HTTP client.

use axum::body::Body;
use axum::http::{Request, header};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::{Deserialize, Serialize};

use crate::Result;

/// What the gateway is asked to take.
#[derive(Debug, Deserialize, Serialize)]
pub struct Payment {
    pub cents: u32,
}

/// The gateway's receipt. Whoever holds one has been charged.
#[derive(Debug, Deserialize, Serialize)]
pub struct Charge {
    pub id: i64,
}

#[derive(Clone, Debug)]
pub struct Payments {
    client: Client<HttpConnector, Body>,
    charges: String,
}

impl Payments {
    /// A client of the gateway at `url`.
    pub fn new(url: &str) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            charges: format!("{}/charges", url.trim_end_matches('/')),
        }
    }

    pub async fn charge(&self, payment: &Payment) -> Result<Charge> {
        let request = Request::post(&self.charges)
            .header(header::CONTENT_TYPE, "application/json")
            .body(Body::from(serde_json::to_vec(payment)?))?;
        let response = self.client.request(request).await?;
        if !response.status().is_success() {
            return Err(format!("the gateway answered {}", response.status()).into());
        }
        let body = response.into_body().collect().await?.to_bytes();
        Ok(serde_json::from_slice(&body)?)
    }
}
