//! How to shield: which mode when, how to migrate, recipes, shutting down, testing, and pitfalls. Docs only.
//!
//! The items that it names:
//!
//! - on every future: [`shield`](crate::ShieldExt::shield), [`shield_local`](crate::ShieldExt::shield_local),
//!   [`shield_on_drop`](crate::ShieldExt::shield_on_drop) and
//!   [`shield_on_drop_local`](crate::ShieldExt::shield_on_drop_local);
//! - on shields: [`on_orphan`](crate::Shield::on_orphan), [`fallible`](crate::Shield::fallible),
//!   [`shared`](crate::Shield::shared), [`detach`](crate::Shield::detach);
//! - functions: [`shield_with`](crate::shield_with()), [`cleanup`](crate::cleanup()),
//!   [`spawn_fn`](crate::spawn_fn), [`spawn_local_fn`](crate::spawn_local_fn),
//!   [`spawn_location`](crate::spawn_location);
//! - types: [`Shield`](crate::Shield), [`Caller`](crate::Caller), [`Cleanup`](crate::Cleanup),
//!   [`ShieldError`](crate::ShieldError), [`DynSpawner`](crate::DynSpawner);
//! - [`Tracker`](crate::Tracker) with [`drain`](crate::Tracker::drain), [`wait`](crate::Tracker::wait),
//!   [`orphans`](crate::Tracker::orphans), [`metrics`](crate::Tracker::metrics) and
//!   [`Unfinished`](crate::Unfinished);
//! - traits: [`Spawn`](crate::Spawn) and [`SpawnLocal`](crate::SpawnLocal);
//! - behind features: [`Tokio`](crate::Tokio), [`TokioLocal`](crate::TokioLocal),
//!   [`FuturesSpawner`](crate::FuturesSpawner), [`ShieldLayer`](crate::ShieldLayer),
//!   [`#[shield]`](macro@crate::shield) and [`testing`](crate::testing).

// Its examples use most features, so they are compiled if all of these are on.
#![cfg_attr(
    any(
        not(doctest),
        all(feature = "tokio", feature = "tower", feature = "tracing", feature = "testing")
    ),
    doc = include_str!("../docs/guide.md")
)]
