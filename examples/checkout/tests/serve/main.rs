//! A client hangs up, a signal comes, and what was paid is recorded: with `checkout serve` as a
//! process of its own.
//!
//! The tests hold the payment gateway, so they decide when it answers; everything else they read
//! from what the process prints.

#![cfg(unix)]

#[path = "../support/process.rs"]
mod process;
mod service;
mod stays;
mod unread;

use checkout::within::within;
use process::Ended;
use service::Service;
use tokio::io::AsyncReadExt;

/// What is said of one order that still runs.
const ONE_LEFT: &str = "1 unfinished: 1 shielded at examples/checkout/src/shop.rs:";

async fn an_order_outlives_its_customer_and_a_signal(mode: &str) {
    let mut service = Service::start(&["--mode", mode]).await;
    let customer = service.charged_customer().await;
    service.hang_up(customer).await;

    service.terminate().await;
    service.says("SIGTERM: no more orders are taken").await;
    service.says(ONE_LEFT).await;
    assert_eq!(service.world.orders().await, 0);

    service.world.answer_one();
    service.says("order 1 recorded").await;
    service.says("orphaned work finished").await;
    service.says("nothing is left running").await;
    let (Ended { status, stderr, .. }, world) = service.end().await;
    assert!(status.success(), "{status}: {stderr}");
    assert_eq!(stderr, "");
    assert_eq!(world.orders().await, 1);
}

#[tokio::test]
async fn the_readme_names_the_line_of_the_shield() {
    let mut service = Service::start(&[]).await;
    let _customer = service.charged_customer().await;
    service.terminate().await;
    let waiting = service.says(ONE_LEFT).await;
    let (_, location) = waiting.split_once("shielded at ").unwrap();
    let readme = include_str!("../../README.md");
    assert!(
        readme.contains(location),
        "the transcript is old: the shield is at {location}"
    );
}

#[tokio::test]
async fn a_shielded_order_is_waited_for() {
    an_order_outlives_its_customer_and_a_signal("shield").await;
}

#[tokio::test]
async fn an_order_shielded_on_drop_is_waited_for() {
    an_order_outlives_its_customer_and_a_signal("on-drop").await;
}

#[tokio::test]
async fn unshielded_there_is_nothing_to_wait_for() {
    let mut service = Service::start(&["--mode", "none"]).await;
    let customer = service.charged_customer().await;
    service.hang_up(customer).await;

    service.terminate().await;
    service.says("no more orders are taken").await;
    let (Ended { status, stdout, stderr }, world) = service.end().await;
    assert!(status.success(), "{status}: {stderr}");
    assert_eq!(world.orders().await, 0);
    // It has paid, and the next start would record its order.
    let [key] = &world.open_intents().await[..] else {
        panic!("one intent")
    };
    assert!(
        stdout
            .iter()
            .any(|line| line.contains(&format!("intent {key} is left open"))),
        "{stdout:?}"
    );
}

#[tokio::test]
async fn an_order_that_outlasts_the_deadline_is_named() {
    let mut service = Service::start(&["--deadline", "0"]).await;
    let customer = service.charged_customer().await;
    service.hang_up(customer).await;

    service.terminate().await;
    let (Ended { status, stderr, .. }, world) = service.end().await;
    assert_eq!(status.code(), Some(1), "{stderr}");
    assert!(stderr.contains(ONE_LEFT), "{stderr}");
    assert_eq!(world.orders().await, 0);
}

#[tokio::test]
async fn a_second_signal_ends_the_waiting() {
    let mut service = Service::start(&[]).await;
    let customer = service.charged_customer().await;
    service.hang_up(customer).await;

    service.terminate().await;
    service.says(ONE_LEFT).await;
    service.terminate().await;
    let (Ended { status, stderr, .. }, _) = service.end().await;
    assert_eq!(status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("SIGTERM again"), "{stderr}");
    assert!(stderr.contains(ONE_LEFT), "{stderr}");
}

#[tokio::test]
async fn a_customer_who_stays_is_answered_after_the_signal() {
    for mode in ["none", "shield", "on-drop"] {
        let mut service = Service::start(&["--mode", mode]).await;
        let mut customer = service.charged_customer().await;

        service.terminate().await;
        service.says("SIGTERM: no more orders are taken").await;
        service.world.answer_one();
        let mut answer = String::new();
        customer.read_to_string(&mut answer).await.unwrap();
        assert!(answer.starts_with("HTTP/1.1 201 Created"), "{mode}: {answer}");
        let (Ended { status, stderr, .. }, _) = service.end().await;
        assert!(status.success(), "{mode}: {status}: {stderr}");
    }
}

#[tokio::test]
async fn a_customer_who_stays_past_the_deadline_is_reported() {
    let service = Service::start(&["--mode", "on-drop", "--deadline", "0"]).await;
    let _customer = service.charged_customer().await;

    service.terminate().await;
    let (Ended { status, stdout, stderr }, _) = service.end().await;
    assert_eq!(status.code(), Some(1), "{stderr}");
    assert!(stderr.contains("clients are still connected"), "{stderr}");
    assert!(stderr.contains(ONE_LEFT), "{stderr}");
    assert!(
        !stdout.iter().any(|line| line.contains("hung up")),
        "the shop hung up: {stdout:?}"
    );
}

#[tokio::test]
async fn connected_customers_are_named_and_waited_for() {
    for mode in ["shield", "on-drop"] {
        let mut service = Service::start(&["--mode", mode]).await;
        let mut customers = Vec::new();
        for _ in 0..3 {
            customers.push(service.charged_customer().await);
        }

        service.terminate().await;
        service
            .says("3 unfinished: 3 shielded at examples/checkout/src/shop.rs:")
            .await;
        for customer in &mut customers {
            service.world.answer_one();
            let mut answer = String::new();
            let read = customer.read_to_string(&mut answer);
            within("the answer", read).await.unwrap().unwrap();
            assert!(answer.starts_with("HTTP/1.1 201 Created"), "{mode}: {answer}");
        }
        let (Ended { status, stderr, .. }, world) = service.end().await;
        assert!(status.success(), "{mode}: {status}: {stderr}");
        assert_eq!(world.orders().await, 3, "{mode}");
    }
}

#[tokio::test]
async fn connected_customers_past_the_deadline_are_named() {
    for mode in ["shield", "on-drop"] {
        let service = Service::start(&["--mode", mode, "--deadline", "0.2"]).await;
        let mut customers = Vec::new();
        for _ in 0..3 {
            customers.push(service.charged_customer().await);
        }

        service.terminate().await;
        let (Ended { status, stdout, stderr }, world) = service.end().await;
        assert_eq!(status.code(), Some(1), "{mode}: {stderr}");
        assert!(stderr.contains("requests cut off: 3; 3 unfinished"), "{mode}: {stderr}");
        for key in world.open_intents().await {
            let named = format!("intent {key} is left open");
            assert!(stdout.iter().any(|line| line.contains(&named)), "{mode}: {stdout:?}");
        }
        assert_eq!(world.open_intents().await.len(), 3, "{mode}");
    }
}
