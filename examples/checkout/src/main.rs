//! The command `checkout`: see `checkout --help`.

use std::env;
use std::panic;
use std::process::ExitCode;
use std::time::Duration;

use checkout::args::{self, Command};
use checkout::{Result, demo, gateway, say, serve};
use tokio::runtime::Runtime;

fn main() -> ExitCode {
    // Like the default hook, but it never waits for a reader of stderr.
    panic::set_hook(Box::new(|panic| say::to_stderr(format_args!("{panic}\n"))));
    let code = match args::parse(env::args_os().skip(1)) {
        Ok(command) => match start(command) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                say::to_stderr(format_args!("checkout: {error}\n"));
                ExitCode::FAILURE
            }
        },
        Err(error) => {
            say::to_stderr(format_args!("checkout: {error}\nTry: checkout --help\n"));
            ExitCode::from(2)
        }
    };
    say::finish();
    code
}

fn start(command: Command) -> Result<()> {
    let runtime = Runtime::new()?;
    let result = runtime.block_on(run(command));
    // Not `#[tokio::main]`: that waits at the end for blocking calls, such as looking up the
    // gateway's name, without a limit.
    runtime.shutdown_timeout(Duration::from_millis(100));
    result
}

async fn run(command: Command) -> Result<()> {
    match command {
        Command::Demo { requests } => {
            let report = demo::run(requests).await?;
            say::to_stdout(format_args!("{report}"));
            report.verdict()
        }
        Command::Serve(options) => {
            log();
            serve::run(options).await
        }
        Command::Gateway(options) => {
            log();
            gateway::run(options).await
        }
        Command::Help => {
            say::to_stdout(format_args!("{}", args::HELP));
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
    let lines = tracing_subscriber::fmt::layer().with_writer(|| say::Stdout);
    tracing_subscriber::registry().with(lines.with_filter(ours)).init();
}
