//! The checkout service. The shield stands in [`Shop::router`], around the handlers; they know nothing of it.

use axum::extract::{Request, State};
use axum::http::{Method, StatusCode};
use axum::response::{IntoResponse, Response};
use axum::routing::post;
use axum::{Json, Router, middleware};
use futures_shield::{ShieldLayer, Tokio, Tracker};

use crate::counter::Counter;
use crate::hang_up;
use crate::mode::Mode;
use crate::payments::{Payment, Payments};
use crate::store::{Order, Recorded, Store};

/// What the handlers work with.
#[derive(Clone, Debug)]
pub struct Shop {
    pub payments: Payments,
    pub store: Store,
}

impl Shop {
    /// The service. `tracker` runs the shielded orders and knows which have not ended yet; `hang_ups` counts the requests
    /// whose clients hung up.
    pub fn router(self, mode: Mode, tracker: Tracker<Tokio>, hang_ups: Counter) -> Router {
        let handlers = Router::new()
            .route("/orders", post(place_order).get(list_orders))
            .with_state(self);
        let shield = ShieldLayer::new(tracker).only_if(is_order);
        let service = match mode {
            Mode::Unshielded => handlers,
            Mode::Shield => handlers.layer(shield),
            Mode::OnDrop => handlers.layer(shield.on_drop()),
        };
        // Outside of the shield, where a request is dropped with its connection.
        service.layer(middleware::from_fn_with_state(hang_ups, hang_up::notice))
    }
}

/// Only orders have to come to their end. A list that nobody waits for may be dropped.
fn is_order(request: &Request) -> bool {
    request.method() == Method::POST
}

/// Two steps that belong together: after the first the customer has paid, and only after the second is there an order.
async fn place_order(
    State(shop): State<Shop>,
    Json(order): Json<Order>,
) -> Result<(StatusCode, Json<Recorded>), Failure> {
    let payment = Payment { cents: order.cents };
    let charge = shop.payments.charge(&payment).await.map_err(Failure::Gateway)?;
    // The customer has paid by now, also where it hung up during that await.
    let recorded = shop.store.record(order, charge).await.map_err(Failure::Store)?;
    tracing::info!("order {} recorded, charge {}", recorded.id, recorded.charge);
    Ok((StatusCode::CREATED, Json(recorded)))
}

async fn list_orders(State(shop): State<Shop>) -> Result<Json<Vec<Recorded>>, Failure> {
    Ok(Json(shop.store.orders().await.map_err(Failure::Store)?))
}

#[derive(Debug)]
enum Failure {
    Gateway(crate::Error),
    Store(sqlx::Error),
}

impl IntoResponse for Failure {
    fn into_response(self) -> Response {
        let (status, words) = match self {
            Self::Gateway(error) => (StatusCode::BAD_GATEWAY, format!("payment gateway: {error}\n")),
            Self::Store(error) => (StatusCode::INTERNAL_SERVER_ERROR, format!("database: {error}\n")),
        };
        tracing::error!("{}", words.trim_end());
        (status, words).into_response()
    }
}
