//! The command line: what it takes, and the words for what it does not.

use std::time::Duration;

use checkout::args::{Command, parse};
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
fn help_is_everywhere() {
    for args in [&["--help"][..], &["demo", "-h"], &["serve", "--help"]] {
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
