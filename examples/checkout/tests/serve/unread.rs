//! Nobody reads what the service prints. `checkout serve | tee log`: Ctrl-C ends `tee` first, and
//! the pipe is closed. `checkout serve | less`: nobody scrolls, and the pipe is full.

use std::time::{Duration, Instant};

use checkout::within::within;
use tokio::io::{AsyncReadExt, BufReader};
use tokio::process::ChildStdout;

use crate::process::Ended;
use crate::service::Service;

#[tokio::test]
async fn a_closed_pipe_costs_no_order() {
    for mode in ["shield", "on-drop"] {
        let mut service = Service::start(&["--mode", mode]).await;
        let customer = service.charged_customer().await;
        service.hang_up(customer).await;

        let (status, world) = service.interrupt_unread().await;
        assert!(status.success(), "{mode}: {status}");
        assert_eq!(world.orders().await, 1, "{mode}");
        assert_eq!(world.open_intents().await, [""; 0], "{mode}");
    }
}

/// Customers who hang up, until the service has logged more than the 64 KiB that a pipe holds.
/// Returns how many. Each of their orders is recorded.
async fn fill_the_pipe(service: &Service) -> usize {
    const AT_ONCE: usize = 60;
    let mut orders = 0;
    while orders < 4 * AT_ONCE {
        let mut customers = Vec::new();
        for _ in 0..AT_ONCE {
            customers.push(service.charged_customer().await);
        }
        drop(customers);
        orders += AT_ONCE;
        (0..AT_ONCE).for_each(|_| service.world.answer_one());
        service.world.recorded(orders).await;
    }
    orders
}

/// Reads what is in the pipe after the end. It was full if the last lines are not there.
async fn assert_full(mut unread: BufReader<ChildStdout>) {
    let mut text = String::new();
    let read = within("the end of the pipe", unread.read_to_string(&mut text)).await;
    read.unwrap().unwrap();
    assert!(text.contains("the client hung up"), "{text}");
    assert!(!text.contains("SIGTERM"), "{} bytes", text.len());
}

#[tokio::test]
async fn a_full_pipe_costs_no_order() {
    for mode in ["shield", "on-drop"] {
        let mut service = Service::start_with_one_pipe(&["--mode", mode]).await;
        let unread = service.stop_reading().await;
        let orders = fill_the_pipe(&service).await;

        drop(service.charged_customer().await);
        let signal = Instant::now();
        service.terminate().await;
        service.world.answer_one();
        let (Ended { status, .. }, world) = service.end().await;
        assert!(status.success(), "{mode}: {status}");
        assert!(signal.elapsed() < Duration::from_secs(5), "{:?}", signal.elapsed());
        assert_eq!(world.orders().await, orders + 1, "{mode}");
        assert_eq!(world.open_intents().await, [""; 0], "{mode}");
        assert_full(unread).await;
    }
}

#[tokio::test]
async fn a_full_pipe_hides_no_exit_code() {
    const SHORT: [&str; 2] = ["--deadline", "0.2"];
    for (mut service, stderr_is_read) in [
        (Service::start(&SHORT).await, true),
        (Service::start_with_one_pipe(&SHORT).await, false),
    ] {
        let unread = service.stop_reading().await;
        fill_the_pipe(&service).await;

        let _stays = service.charged_customer().await;
        let signal = Instant::now();
        service.terminate().await;
        let (Ended { status, stderr, .. }, world) = service.end().await;
        assert_eq!(status.code(), Some(1), "{stderr}");
        assert!(signal.elapsed() < Duration::from_secs(5), "{:?}", signal.elapsed());
        if stderr_is_read {
            assert!(stderr.contains("requests cut off: 1"), "{stderr}");
            assert!(stderr.contains("nobody reads the output"), "{stderr}");
        }
        assert_eq!(world.open_intents().await.len(), 1);
        assert_full(unread).await;
    }
}
