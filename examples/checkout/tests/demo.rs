//! The numbers of the demo, mode by mode.

use checkout::demo;
use checkout::mode::Mode;
use checkout::report::{Report, Tally};

const REQUESTS: u64 = 20;

#[tokio::test]
async fn unshielded_customers_pay_and_have_no_order() {
    let tally = demo::run_mode(Mode::Unshielded, REQUESTS).await.unwrap();
    assert_eq!(
        tally,
        Tally {
            mode: Mode::Unshielded,
            charges: REQUESTS,
            orders: 0
        }
    );
}

#[tokio::test]
async fn a_shield_loses_none() {
    let tally = demo::run_mode(Mode::Shield, REQUESTS).await.unwrap();
    assert_eq!(
        tally,
        Tally {
            mode: Mode::Shield,
            charges: REQUESTS,
            orders: REQUESTS
        }
    );
}

#[tokio::test]
async fn a_shield_on_drop_loses_none() {
    let tally = demo::run_mode(Mode::OnDrop, REQUESTS).await.unwrap();
    assert_eq!(
        tally,
        Tally {
            mode: Mode::OnDrop,
            charges: REQUESTS,
            orders: REQUESTS
        }
    );
}

#[tokio::test]
async fn more_customers_than_one_wave() {
    let tally = demo::run_mode(Mode::Shield, 101).await.unwrap();
    assert_eq!(
        tally,
        Tally {
            mode: Mode::Shield,
            charges: 101,
            orders: 101
        }
    );
}

fn verdict(mode: Mode, charges: u64, orders: u64) -> Result<(), String> {
    let tallies = vec![Tally { mode, charges, orders }];
    Report {
        requests: REQUESTS,
        tallies,
    }
    .verdict()
    .map_err(|error| error.to_string())
}

#[test]
fn the_verdict_on_what_was_seen() {
    assert_eq!(verdict(Mode::Unshielded, 20, 0), Ok(()));
    assert_eq!(verdict(Mode::Shield, 20, 20), Ok(()));
    assert_eq!(verdict(Mode::OnDrop, 20, 20), Ok(()));
    verdict(Mode::OnDrop, 20, 19).expect_err("an order was lost");
    verdict(Mode::Shield, 20, 19).expect_err("an order was lost");
    verdict(Mode::Shield, 19, 19).expect_err("not everyone was charged");
    verdict(Mode::Unshielded, 20, 1).expect_err("somebody did not hang up in time");
}
