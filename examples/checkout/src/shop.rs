//! The checkout service. The shield stands in [`Shop::router`], around one handler; the handler
//! knows nothing of it.

use std::fmt;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use axum::{Json, Router, middleware};
use futures_shield::{ShieldLayer, Tokio, Tracker};
use tower::limit::ConcurrencyLimitLayer;

use crate::hang_up::{self, Clients};
use crate::intents::Intent;
use crate::mode::Mode;
use crate::payments::{ChargeError, Payments};
use crate::store::{Order, Recorded, Store, StoreError};
use crate::whole;

/// How many orders run at the same time, with and without a client.
pub const LIMIT: usize = 100;

/// What the handlers need.
#[derive(Clone, Debug)]
pub struct Shop {
    pub payments: Payments,
    pub store: Store,
}

impl Shop {
    /// The service. `tracker` runs the shielded orders and knows which have not ended yet;
    /// `clients` knows which requests were dropped without an answer.
    pub fn router(self, mode: Mode, tracker: Tracker<Tokio>, clients: Clients) -> Router {
        // The limit is inside the shield: an order that has lost its client keeps its permit until
        // it ends, so clients that order and hang up cannot start more than that. As the two are
        // one layer, a request waits for its permit outside of the shield: if its client hangs up
        // meanwhile, it leaves the queue, and its order never begins.
        let shield = ShieldLayer::new(tracker);
        let limit = ConcurrencyLimitLayer::new(LIMIT);
        let order = post(place_order);
        let order = match mode {
            Mode::Unshielded => order.layer(limit),
            Mode::Shield => order.layer((shield, limit)),
            Mode::OnDrop => order.layer((shield.on_drop(), limit)),
        };
        Router::new()
            // Only orders must run to completion. A list that nobody waits for may be dropped.
            .route("/orders", order.merge(get(list_orders)))
            .with_state(self)
            // Outside of the shield, where a request is dropped with its connection.
            .layer(middleware::from_fn_with_state(clients, hang_up::notice))
            // Outermost: an order that was not sent whole has not begun, and is not shielded.
            .layer(middleware::from_fn(whole::read))
    }

    /// Runs the two steps that belong together: after the first the customer has paid, and only
    /// after the second is there an order.
    pub async fn charge_and_record(&self, intent: Intent) -> Result<Recorded, Failure> {
        let charge = self.payments.charge(&intent).await.map_err(Failure::Gateway)?;
        // From here on the customer has paid, even if it hung up during that await.
        Ok(self.store.complete(intent, charge).await?)
    }
}

async fn place_order(
    State(shop): State<Shop>,
    Json(order): Json<Order>,
) -> Result<(StatusCode, Json<Recorded>), Failure> {
    let intent = shop.store.begin(order).await?;
    let key = intent.key.clone();
    match shop.charge_and_record(intent).await {
        Ok(recorded) => {
            tracing::info!("order {} recorded, charge {}", recorded.id, recorded.charge);
            Ok((StatusCode::CREATED, Json(recorded)))
        }
        Err(failure @ Failure::Gateway(ChargeError::NotCharged(_))) => {
            shop.store.cancel(&key).await?;
            Err(failure)
        }
        // The charge may have been made, even if its answer did not arrive.
        Err(failure) => {
            tracing::error!("intent {key} stays open until the next start settles it");
            Err(failure)
        }
    }
}

async fn list_orders(State(shop): State<Shop>) -> Result<Json<Vec<Recorded>>, Failure> {
    Ok(Json(shop.store.orders().await?))
}

/// The reason that a request failed.
#[derive(Debug)]
pub enum Failure {
    Gateway(ChargeError),
    Store(StoreError),
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Gateway(error) => error.fmt(f),
            Self::Store(error) => error.fmt(f),
        }
    }
}

impl std::error::Error for Failure {}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let status = match self {
            Self::Gateway(_) => StatusCode::BAD_GATEWAY,
            Self::Store(_) => StatusCode::INTERNAL_SERVER_ERROR,
        };
        tracing::error!("{self}");
        (status, format!("{self}\n")).into_response()
    }
}
