//! How to shield: which mode when, how to migrate, recipes, shutting down, testing, and pitfalls.
//! Docs only.

// Its examples use most features, so they are compiled if all of these are on.
#![cfg_attr(
    any(
        not(doctest),
        all(feature = "tokio", feature = "tower", feature = "tracing", feature = "testing")
    ),
    doc = include_str!("../docs/guide.md")
)]
//!
//! ## Items on this page
//!
//! - on every future: [`shield`](crate::ShieldExt::shield),
//!   [`shield_local`](crate::ShieldExt::shield_local),
//!   [`shield_on_drop`](crate::ShieldExt::shield_on_drop) and
//!   [`shield_on_drop_local`](crate::ShieldExt::shield_on_drop_local);
//! - on shields: [`on_orphan`](crate::Shield::on_orphan), [`fallible`](crate::Shield::fallible),
//!   [`shared`](crate::Shield::shared), [`detach`](crate::Shield::detach);
//! - functions: [`shield_with`](crate::shield_with()), [`cleanup`](crate::cleanup()), and with the
//!   spawner first [`shield`](fn@crate::shield) and [`shield_local`](crate::shield_local);
//! - what these return: [`Shield`](crate::Shield), [`FallibleShield`](crate::FallibleShield),
//!   [`SharedShield`](crate::SharedShield), [`SharedFallibleShield`](crate::SharedFallibleShield),
//!   [`ShieldOnDrop`](crate::ShieldOnDrop), [`Cleanup`](crate::Cleanup), the futures in
//!   [`future`](crate::future), and the error, [`ShieldError`](crate::ShieldError);
//! - [`Caller`](crate::Caller), which work under `shield_with` receives;
//! - [`Tracker`](crate::Tracker) with [`drain`](crate::Tracker::drain),
//!   [`wait`](crate::Tracker::wait), [`orphans`](crate::Tracker::orphans); its reports,
//!   [`Unfinished`](crate::Unfinished) with [`UnfinishedAt`](crate::UnfinishedAt), and
//!   [`TrackerMetrics`](crate::TrackerMetrics) with [`LocationMetrics`](crate::LocationMetrics);
//! - for spawners: [`Spawn`](crate::Spawn), [`SpawnLocal`](crate::SpawnLocal),
//!   [`DynSpawner`](crate::DynSpawner), [`spawn_fn`](crate::spawn_fn) and
//!   [`spawn_local_fn`](crate::spawn_local_fn) (which take a [`BoxTask`](crate::BoxTask) or a
//!   [`LocalBoxTask`](crate::LocalBoxTask)), [`spawn_location`](crate::spawn_location),
//!   [`InlineEntry`](crate::InlineEntry);
//! - behind features: [`Tokio`](crate::Tokio), [`TokioLocal`](crate::TokioLocal),
//!   [`Smol`](crate::Smol), [`AsyncStd`](crate::AsyncStd),
//!   [`current_runtime`](crate::current_runtime), [`schedule_fn`](crate::schedule_fn) (which takes
//!   a [`Runnable`](crate::Runnable)), [`FuturesSpawner`](crate::FuturesSpawner),
//!   [`ShieldLayer`](crate::ShieldLayer) with its parts in [`layer`](crate::layer),
//!   [`#[shield]`](macro@crate::shield) and [`testing`](crate::testing).
