//! futures-shield under real servers and drivers, over loopback. Scenarios 75 and 76.

#![expect(clippy::print_stdout, reason = "with `--nocapture`, what an attack met")]
#![allow(unreachable_pub, reason = "nothing in a test is public")]

mod actix;
mod axum;
mod rapid_reset;
mod recipes;
mod sqlx;
mod support;
mod tonic;

use self::tonic::Orders;
