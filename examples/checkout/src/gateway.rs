//! The payment gateway: a second HTTP server, which takes the money at once and answers later. A
//! customer can hang up in between.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use axum::extract::State;
use axum::http::HeaderMap;
use axum::routing::post;
use axum::{Json, Router};
use tokio::time;

use crate::counter::Counter;
use crate::payments::{Charge, KEY, Payment};
use crate::server::Server;
use crate::signals::Signals;
use crate::{Result, say};

/// The command `checkout gateway`.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    pub port: u16,
    /// How long it takes to answer.
    pub delay: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            port: 3001,
            delay: Duration::from_secs(3),
        }
    }
}

/// Runs the gateway as its own process until a signal. It keeps its charges in memory.
pub async fn run(options: Options) -> Result<()> {
    let mut signals = Signals::listen()?;
    let gateway = Gateway::new(Answer::After(options.delay));
    let server = Server::start(gateway.router(), options.port).await?;
    say!(
        "the payment gateway is open on {}, it answers after {:?}",
        server.url(),
        options.delay
    );
    let signal = signals.recv().await?;
    server.stop(async {}).await?;
    say!("{signal}: closed, charges made: {}", gateway.charges().get());
    Ok(())
}

/// When the gateway answers a charge.
#[derive(Clone, Debug)]
pub enum Answer {
    /// After this time.
    After(Duration),
    /// The n-th charge is answered once this counter has reached n.
    AsReleased(Counter),
}

#[derive(Clone, Debug)]
pub struct Gateway {
    answer: Answer,
    charges: Counter,
    keys: Arc<Mutex<HashMap<String, u64>>>,
}

impl Gateway {
    pub fn new(answer: Answer) -> Self {
        Self {
            answer,
            charges: Counter::default(),
            keys: Arc::default(),
        }
    }

    /// Returns the count of charges. It grows when the money is taken, before the answer.
    pub fn charges(&self) -> &Counter {
        &self.charges
    }

    /// Returns the charge that was made for an idempotency key.
    pub fn charge_of(&self, key: &str) -> Option<u64> {
        self.keys().get(key).copied()
    }

    pub fn router(&self) -> Router {
        Router::new()
            .route("/charges", post(charge).get(count))
            .with_state(self.clone())
    }

    /// Makes a charge, or returns the one that was made for this key.
    fn charge(&self, key: Option<&str>, cents: u32) -> u64 {
        let make = || {
            let number = self.charges.add(1);
            tracing::info!("charge {number} made, {cents} cents; the answer follows");
            number
        };
        match key {
            Some(key) => *self.keys().entry(key.to_owned()).or_insert_with(make),
            None => make(),
        }
    }

    fn keys(&self) -> MutexGuard<'_, HashMap<String, u64>> {
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn charge(State(gateway): State<Gateway>, headers: HeaderMap, Json(payment): Json<Payment>) -> Json<Charge> {
    let key = headers.get(KEY).and_then(|key| key.to_str().ok());
    let number = gateway.charge(key, payment.cents);
    match gateway.answer {
        Answer::After(delay) => time::sleep(delay).await,
        Answer::AsReleased(released) => released.reached(number).await,
    }
    Json(Charge {
        id: number.cast_signed(),
    })
}

async fn count(State(gateway): State<Gateway>) -> Json<u64> {
    Json(gateway.charges.get())
}
