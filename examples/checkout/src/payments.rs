//! The shop's side of the payment gateway: a real HTTP client.

use std::fmt;
use std::time::Duration;

use axum::body::Body;
use axum::http::{Request, header};
use http_body_util::BodyExt;
use hyper_util::client::legacy::Client;
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::TokioExecutor;
use serde::{Deserialize, Serialize};
use tokio::time;

use crate::Error;
use crate::intents::Intent;

/// The header that names a charge, so that the gateway does not make it twice.
pub const KEY: &str = "idempotency-key";

/// How long to wait for the gateway. A shielded order has no client who would give up, so it needs
/// a limit of its own.
const PATIENCE: Duration = Duration::from_secs(30);

/// The body of a request for a charge.
#[derive(Debug, Deserialize, Serialize)]
pub struct Payment {
    pub cents: u32,
}

/// The gateway's receipt: the money has been taken.
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
    /// Creates a client of the gateway at `url`.
    pub fn new(url: &str) -> Self {
        Self {
            client: Client::builder(TokioExecutor::new()).build_http(),
            charges: format!("{}/charges", url.trim_end_matches('/')),
        }
    }

    /// Charges an intent. Charging it again does not make a second charge.
    pub async fn charge(&self, intent: &Intent) -> Result<Charge, ChargeError> {
        match time::timeout(PATIENCE, self.request(intent)).await {
            Ok(result) => result,
            Err(_) => Err(ChargeError::Unknown(format!("no answer in {PATIENCE:?}").into())),
        }
    }

    async fn request(&self, intent: &Intent) -> Result<Charge, ChargeError> {
        let payment = Payment {
            cents: intent.order.cents,
        };
        let request = Request::post(&self.charges)
            .header(header::CONTENT_TYPE, "application/json")
            .header(KEY, &intent.key)
            .body(Body::from(serde_json::to_vec(&payment).map_err(not_charged)?))
            .map_err(not_charged)?;
        let response = self.client.request(request).await.map_err(|error| {
            if error.is_connect() {
                not_charged(error)
            } else {
                unknown(error)
            }
        })?;
        match response.status() {
            status if status.is_success() => {}
            status if status.is_client_error() => return Err(not_charged(format!("it answered {status}"))),
            status => return Err(unknown(format!("it answered {status}"))),
        }
        let body = response.into_body().collect().await.map_err(unknown)?.to_bytes();
        serde_json::from_slice(&body).map_err(unknown)
    }
}

/// The reason that there is no receipt.
#[derive(Debug)]
pub enum ChargeError {
    /// The gateway was not reached, or it has refused: there is no charge.
    NotCharged(Error),
    /// The answer got lost: there may be a charge.
    Unknown(Error),
}

fn not_charged(error: impl Into<Error>) -> ChargeError {
    ChargeError::NotCharged(error.into())
}

fn unknown(error: impl Into<Error>) -> ChargeError {
    ChargeError::Unknown(error.into())
}

impl fmt::Display for ChargeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::NotCharged(error) | Self::Unknown(error)) = self;
        write!(f, "payment gateway: {error}")
    }
}

impl std::error::Error for ChargeError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        let (Self::NotCharged(error) | Self::Unknown(error)) = self;
        error.source()
    }
}
