//! Nobody reads what the service prints: `checkout serve | tee log`, and Ctrl-C ends `tee` first.

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
