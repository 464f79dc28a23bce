//! **`ShieldLayer::new(&tokio).layer(service).call(request).await`**

use std::convert::Infallible;

use futures_shield::{ShieldLayer, Tokio};
use tower::{Layer, Service, service_fn};

futures_shield_contenders::contender!(Tokio, |tokio, work| {
    // The request is small: what is large is the future of the service.
    let service = service_fn(|work: Box<W>| async move { Ok::<_, Infallible>(work().await) });
    Box::pin(ShieldLayer::new(tokio).layer(service).call(Box::new(work)))
});
