//! The command `checkout`: see `checkout --help`.

#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a program for the terminal")]

use std::env;
use std::process::ExitCode;

use checkout::args::{self, Command};
use checkout::{Result, demo, serve};

#[tokio::main]
async fn main() -> ExitCode {
    let command = match args::parse(env::args_os().skip(1)) {
        Ok(command) => command,
        Err(error) => {
            eprintln!("checkout: {error}\nTry: checkout --help");
            return ExitCode::from(2);
        }
    };
    match run(command).await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("checkout: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Demo { requests } => {
            let report = demo::run(requests).await?;
            print!("{report}");
            report.verdict()
        }
        Command::Serve(options) => {
            log();
            serve::run(options).await
        }
        Command::Help => {
            print!("{}", args::HELP);
            Ok(())
        }
    }
}

/// To stdout, with what the service prints, so that both read in the order they happened.
fn log() {
    use tracing::Level;
    use tracing_subscriber::filter::Targets;
    use tracing_subscriber::prelude::*;

    // Orphans are events at DEBUG. sqlx logs each query, and is left out.
    let ours = Targets::new()
        .with_target("checkout", Level::INFO)
        .with_target("futures_shield", Level::DEBUG);
    tracing_subscriber::registry()
        .with(tracing_subscriber::fmt::layer().with_filter(ours))
        .init();
}
