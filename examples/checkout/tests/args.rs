//! The command line: what it takes, and the words for what it does not.

use std::time::Duration;

use checkout::args::{Command, MOST_REQUESTS, parse};
use checkout::gateway;
use checkout::mode::Mode;
use checkout::serve::Options;

fn words(args: &[&str]) -> String {
    parse(args).expect_err("a bad command line").to_string()
}

#[test]
fn without_arguments_it_is_the_demo() {
    assert_eq!(parse([""; 0]).unwrap(), Command::Demo { requests: 100 });
    assert_eq!(parse(["--requests", "7"]).unwrap(), Command::Demo { requests: 7 });
    assert_eq!(parse(["demo", "--requests=7"]).unwrap(), Command::Demo { requests: 7 });
}

#[test]
fn serve_takes_its_options() {
    let args = "serve --port 0 --mode none --deadline 0.5 --gateway-delay 9 --gateway http://pay --database o.db";
    let options = Options {
        port: 0,
        mode: Mode::Unshielded,
        deadline: Duration::from_millis(500),
        gateway_delay: Duration::from_secs(9),
        gateway: Some("http://pay".to_owned()),
        database: Some("o.db".into()),
    };
    assert_eq!(parse(args.split(' ')).unwrap(), Command::Serve(options));
    assert_eq!(parse(["serve"]).unwrap(), Command::Serve(Options::default()));
}

#[test]
fn gateway_takes_its_options() {
    let options = gateway::Options {
        port: 0,
        delay: Duration::from_millis(250),
    };
    let args = ["gateway", "--port", "0", "--delay", "0.25"];
    assert_eq!(parse(args).unwrap(), Command::Gateway(options));
    assert_eq!(
        parse(["gateway"]).unwrap(),
        Command::Gateway(gateway::Options::default())
    );
}

#[test]
fn help_is_everywhere() {
    for args in [
        &["--help"][..],
        &["demo", "-h"],
        &["serve", "--help"],
        &["gateway", "-h"],
    ] {
        assert_eq!(parse(args).unwrap(), Command::Help);
    }
}

#[test]
fn what_is_wrong_is_named() {
    assert!(words(&["shop"]).contains("shop"));
    assert!(words(&["--port", "1"]).contains("--port"));
    assert!(words(&["serve", "--requests", "1"]).contains("--requests"));
    assert!(words(&["serve", "--port"]).contains("--port"));
    assert!(words(&["serve", "--port", "70000"]).contains("70000"));
    assert!(words(&["serve", "--mode", "maybe"]).contains("there are: shield"));
    assert!(words(&["--requests", "0"]).contains("from 1 up"));
    for seconds in ["-1", "nan", "inf", "1e300", "soon"] {
        assert!(
            words(&["serve", "--deadline", seconds]).contains("from 0 to 86400"),
            "{seconds}"
        );
    }
}

#[test]
fn an_error_names_its_option() {
    for (option, value) in [
        ("--port", "70000"),
        ("--mode", "maybe"),
        ("--deadline", "soon"),
        ("--gateway-delay", "-1"),
        ("--gateway", "notaurl"),
        ("--database", ""),
    ] {
        let words = words(&["serve", option, value]);
        assert!(
            words.contains(option) && words.contains(&format!("{value:?}")),
            "{words}"
        );
    }
    assert!(words(&["--requests", "none"]).contains("--requests"));
    assert!(words(&["gateway", "--delay", "soon"]).contains("--delay"));
}

#[test]
fn the_gateway_is_an_http_address() {
    for address in [
        "",
        "notaurl",
        "127.0.0.1:3001",
        "/charges",
        "https://pay",
        "http://",
        "http://pay?now",
    ] {
        assert!(
            words(&["serve", "--gateway", address]).contains("--gateway"),
            "{address}"
        );
    }
    for address in ["http://127.0.0.1:3001", "http://pay/v1/"] {
        parse(["serve", "--gateway", address]).unwrap();
    }
}

#[test]
fn the_demo_has_a_maximum() {
    let most = MOST_REQUESTS;
    assert_eq!(
        parse(["--requests", &most.to_string()]).unwrap(),
        Command::Demo { requests: most }
    );
    assert!(words(&["--requests", &(most + 1).to_string()]).contains(&most.to_string()));
    assert!(words(&["--requests", "99999999999"]).contains("--requests"));
    assert!(checkout::args::HELP.contains(&format!("up to {most}")));
}
