//! Arguments of the attribute that it does not know.

#![allow(unused_imports, unused_variables)]

use futures_shield::{Tokio, shield};

#[shield(Tokio::current(), on_drop, on_drop)]
async fn mode_twice() {}

#[shield(crate = futures_shield, crate = futures_shield)]
async fn crate_twice() {}

#[shield(crate = "futures_shield")]
async fn quoted() {}

#[shield(on_drop, Tokio::current())]
async fn spawner_last() {}

#[shield(Tokio::current(), Tokio::current())]
async fn two_spawners() {}

#[shield(Tokio::current(), eager)]
async fn unknown_mode() {}

#[shield(mode = on_drop)]
async fn unknown_name() {}

#[shield(Tokio::current() on_drop)]
async fn no_comma() {}

#[shield(,)]
async fn comma() {}

#[shield(crate = )]
async fn no_path() {}

#[shield(on_drop, on_drop)]
async fn with_more(x: &str) {}

fn main() {
    let _ = (mode_twice(), crate_twice(), quoted(), spawner_last(), two_spawners());
}
