//! `f.shield().await` of `tokio_shield`

use futures_shield::Tokio;
use tokio_shield::Shield;

futures_shield_contenders::contender!(Tokio, |_tokio, work| work().shield());
