//! actix-web, whose handlers are not `Send`: `.shield_local()` on `TokioLocal`, and a `Tracker`
//! around it.

use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;

use actix_web::rt::System;
use actix_web::web::{Data, get};
use actix_web::{App, HttpServer};
use futures_shield::{ShieldExt, TokioLocal, Tracker};

use crate::support::{Reporter, Steps, http1, timely};

/// How a handler runs its work.
#[derive(Clone, Copy, Debug)]
enum How {
    Bare,
    Shielded,
    ShieldedOnDrop,
}

const SHIELDED: [How; 2] = [How::Shielded, How::ShieldedOnDrop];

#[derive(Clone)]
struct State {
    how: How,
    reporter: Reporter,
    tracker: Tracker<TokioLocal>,
}

/// Works with an `Rc` across its await points.
async fn order(reporter: Reporter) -> &'static str {
    let placed = Rc::new(Cell::new(0));
    let receipt = reporter.handle().await;
    placed.set(placed.get() + 1);
    receipt
}

async fn handler(state: Data<State>) -> &'static str {
    let _gone = state.reporter.at_drop("caller gone");
    let work = order(state.reporter.clone());
    match state.how {
        How::Bare => work.await,
        How::Shielded => work.shield_local(&state.tracker).await,
        How::ShieldedOnDrop => work.shield_on_drop_local(state.tracker.clone()).await,
    }
}

async fn panicking(state: Data<State>) -> &'static str {
    let tracker = &state.tracker;
    async { panic!("the till is on fire") }.shield_local(tracker).await
}

/// Serves with one worker, on a port of its own, for as long as the system lives.
fn serve(state: State) -> SocketAddr {
    let app = move || {
        let state = Data::new(state.clone());
        App::new()
            .app_data(state)
            .route("/", get().to(handler))
            .route("/panic", get().to(panicking))
    };
    let server = HttpServer::new(app)
        .workers(1)
        .disable_signals()
        // Otherwise actix-web waits for the handler of a client that closed its connection in the
        // usual way.
        .h1_allow_half_closed(false)
        .bind(("127.0.0.1", 0))
        .unwrap();
    let address = server.addrs()[0];
    actix_web::rt::spawn(server.run());
    address
}

fn shop(how: How) -> (Steps, Tracker<TokioLocal>, SocketAddr) {
    let (steps, tracker) = (Steps::new(), Tracker::new(TokioLocal));
    let address = serve(State {
        how,
        reporter: steps.reporter(),
        tracker: tracker.clone(),
    });
    (steps, tracker, address)
}

/// The control: actix-web drops the handler of a client that hangs up.
#[test]
fn without_a_shield_the_handler_is_cut_off() {
    System::new().block_on(async {
        let (mut steps, _, address) = shop(How::Bare);
        let client = http1::get(address, "/").await;
        steps.expect(&["inside"]).await;
        drop(client);
        steps.expect(&["dropped", "caller gone"]).await;
    });
}

#[test]
fn with_a_shield_the_handler_completes() {
    System::new().block_on(async {
        for how in SHIELDED {
            let (mut steps, tracker, address) = shop(how);
            let client = http1::get(address, "/").await;
            steps.expect(&["inside"]).await;
            drop(client);
            steps.expect(&["caller gone"]).await;
            assert_eq!(tracker.len(), 1);
            steps.open();
            steps.expect(&["completed", "dropped"]).await;
            timely(tracker.wait()).await;
        }
    });
}

#[test]
fn a_client_that_stays_gets_its_answer() {
    System::new().block_on(async {
        for how in SHIELDED {
            let (mut steps, tracker, address) = shop(how);
            let client = http1::get(address, "/").await;
            steps.expect(&["inside"]).await;
            steps.open();
            steps.expect(&["completed", "dropped", "caller gone"]).await;
            let answer = http1::answer(client).await.unwrap();
            assert!(answer.ends_with("receipt"), "{answer}");
            timely(tracker.wait()).await;
        }
    });
}

/// The panic resumes in the handler, as without the shield; the worker serves the next request.
#[test]
fn a_panic_ends_its_request_only() {
    System::new().block_on(async {
        let (steps, tracker, address) = shop(How::Shielded);
        let answer = http1::answer(http1::get(address, "/panic").await).await;
        assert_eq!(
            answer.ok().as_deref(),
            Some(""),
            "the connection ends without an answer"
        );
        timely(tracker.wait()).await;
        steps.open();
        let answer = http1::answer(http1::get(address, "/").await).await.unwrap();
        assert!(answer.ends_with("receipt"), "{answer}");
    });
}
