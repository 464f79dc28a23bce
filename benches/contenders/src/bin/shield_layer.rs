//! **`ShieldLayer::new(&tokio).layer(service).call(request).await`**

use futures::FutureExt;
use futures_shield::{ShieldLayer, Tokio};
use tower::{Layer, Service, service_fn};

futures_shield_contenders::contender!(Tokio, |tokio, work| {
    let service = service_fn(|work: W| work().unit_error());
    Box::pin(ShieldLayer::new(tokio).layer(service).call(work))
});
