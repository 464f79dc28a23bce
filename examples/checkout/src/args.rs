//! The command line.

use std::ffi::OsString;
use std::time::Duration;

use lexopt::prelude::{Long, Short};
use lexopt::{Error, Parser, ValueExt};

use crate::serve;

pub const HELP: &str = "\
A checkout service whose customers hang up after they have paid.

Usage: checkout [demo] [--requests N]
       checkout serve [OPTIONS]

demo    let customers hang up between charge and record, and count what is lost
          --requests N           how many customers for each mode (100)

serve   the same service on a port, to try with curl; Ctrl-C or SIGTERM stops it
          --port PORT            where to listen; 0 for any free port (3000)
          --mode MODE            how orders are protected: shield, on-drop, none (shield)
          --deadline SECS        how long to wait for running orders at the end (10)
          --gateway-delay SECS   how long the built-in payment gateway takes (3)
          --gateway URL          use the gateway at this address instead
          --database FILE        where to keep the orders (a temporary file)
";

#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Demo { requests: u64 },
    Serve(serve::Options),
    Help,
}

/// What the arguments, without the program's name, ask for.
pub fn parse(args: impl IntoIterator<Item = impl Into<OsString>>) -> Result<Command, Error> {
    let mut args = args.into_iter().map(Into::into).peekable();
    let name = args.next_if(|first| first == "demo" || first == "serve");
    let parser = Parser::from_args(args);
    match name {
        Some(name) if name == "serve" => parse_serve(parser),
        _ => parse_demo(parser),
    }
}

fn parse_demo(mut parser: Parser) -> Result<Command, Error> {
    let mut requests = 100;
    while let Some(arg) = parser.next()? {
        match arg {
            Long("requests") => requests = parser.value()?.parse_with(at_least_one)?,
            Short('h') | Long("help") => return Ok(Command::Help),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Command::Demo { requests })
}

fn parse_serve(mut parser: Parser) -> Result<Command, Error> {
    let mut options = serve::Options::default();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("port") => options.port = parser.value()?.parse()?,
            Long("mode") => options.mode = parser.value()?.parse()?,
            Long("deadline") => options.deadline = parser.value()?.parse_with(seconds)?,
            Long("gateway-delay") => options.gateway_delay = parser.value()?.parse_with(seconds)?,
            Long("gateway") => options.gateway = Some(parser.value()?.string()?),
            Long("database") => options.database = Some(parser.value()?.into()),
            Short('h') | Long("help") => return Ok(Command::Help),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Command::Serve(options))
}

fn at_least_one(text: &str) -> Result<u64, &'static str> {
    match text.parse() {
        Ok(number) if number > 0 => Ok(number),
        _ => Err("not a whole number from 1 up"),
    }
}

fn seconds(text: &str) -> Result<Duration, &'static str> {
    match text.parse() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("not a number of seconds from 0 to 86400"),
    }
}
