//! The payment gateway: a second HTTP server, which takes the money at once and answers later. In the time between, a
//! customer can hang up.

use std::time::Duration;

use axum::extract::State;
use axum::routing::post;
use axum::{Json, Router};
use tokio::time;

use crate::counter::Counter;
use crate::payments::{Charge, Payment};

/// When the gateway answers a charge.
#[derive(Clone, Debug)]
pub enum Answer {
    /// After this time, as a slow gateway does.
    After(Duration),
    /// The n-th charge once this counter has reached n: whoever holds the counter decides.
    AsReleased(Counter),
}

#[derive(Clone, Debug)]
pub struct Gateway {
    answer: Answer,
    charges: Counter,
}

impl Gateway {
    pub fn new(answer: Answer) -> Self {
        Self {
            answer,
            charges: Counter::default(),
        }
    }

    /// How many charges were made. It counts up when the money is taken, before the answer.
    pub fn charges(&self) -> &Counter {
        &self.charges
    }

    pub fn router(&self) -> Router {
        Router::new()
            .route("/charges", post(charge).get(count))
            .with_state(self.clone())
    }
}

async fn charge(State(gateway): State<Gateway>, Json(payment): Json<Payment>) -> Json<Charge> {
    let number = gateway.charges.add(1);
    tracing::info!("charge {number} made, {} cents; the answer follows", payment.cents);
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
