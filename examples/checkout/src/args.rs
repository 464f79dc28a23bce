//! The command line.

use std::ffi::OsString;
use std::fmt;
use std::path::PathBuf;
use std::str::FromStr;
use std::time::Duration;

use axum::http::Uri;
use lexopt::prelude::{Long, Short};
use lexopt::{Error, Parser, ValueExt};

use crate::{gateway, serve};

pub const HELP: &str = "\
A checkout service whose customers hang up after they have paid.

Usage: checkout [demo] [--requests N]
       checkout serve [OPTIONS]
       checkout gateway [--port PORT] [--delay SECS]

demo    let customers hang up between charge and record, and count what is lost
          --requests N           how many customers for each mode, up to 20000 (100)

serve   the same service on a port, to try with curl; Ctrl-C or SIGTERM stops it
          --port PORT            where to listen; 0 for any free port (3000)
          --mode MODE            how orders are protected: shield, on-drop, none (shield)
          --deadline SECS        how long to wait for running orders at the end (10)
          --gateway-delay SECS   how long the built-in payment gateway takes (3)
          --gateway URL          use the gateway at this address instead
          --database FILE        where to keep the orders (a temporary file)

gateway the payment gateway as a process of its own, for `serve --gateway`
          --port PORT            where to listen; 0 for any free port (3001)
          --delay SECS           how long it takes to answer a charge (3)
";

/// The maximum of `--requests`. It takes some minutes.
pub const MOST_REQUESTS: u64 = 20_000;

#[derive(Clone, Debug, PartialEq)]
pub enum Command {
    Demo { requests: u64 },
    Serve(serve::Options),
    Gateway(gateway::Options),
    Help,
}

/// Parses the arguments that follow the program's name.
pub fn parse(args: impl IntoIterator<Item = impl Into<OsString>>) -> Result<Command, Error> {
    let mut args = args.into_iter().map(Into::into).peekable();
    let name = args.next_if(|first| first == "demo" || first == "serve" || first == "gateway");
    let parser = Parser::from_args(args);
    match name {
        Some(name) if name == "serve" => parse_serve(parser),
        Some(name) if name == "gateway" => parse_gateway(parser),
        _ => parse_demo(parser),
    }
}

fn parse_demo(mut parser: Parser) -> Result<Command, Error> {
    let mut requests = 100;
    while let Some(arg) = parser.next()? {
        match arg {
            Long("requests") => requests = value(&mut parser, "--requests", some_requests)?,
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
            Long("port") => options.port = value(&mut parser, "--port", u16::from_str)?,
            Long("mode") => options.mode = value(&mut parser, "--mode", str::parse)?,
            Long("deadline") => options.deadline = value(&mut parser, "--deadline", seconds)?,
            Long("gateway-delay") => options.gateway_delay = value(&mut parser, "--gateway-delay", seconds)?,
            Long("gateway") => options.gateway = Some(value(&mut parser, "--gateway", http_address)?),
            Long("database") => options.database = Some(file(parser.value()?)?),
            Short('h') | Long("help") => return Ok(Command::Help),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Command::Serve(options))
}

fn parse_gateway(mut parser: Parser) -> Result<Command, Error> {
    let mut options = gateway::Options::default();
    while let Some(arg) = parser.next()? {
        match arg {
            Long("port") => options.port = value(&mut parser, "--port", u16::from_str)?,
            Long("delay") => options.delay = value(&mut parser, "--delay", seconds)?,
            Short('h') | Long("help") => return Ok(Command::Help),
            _ => return Err(arg.unexpected()),
        }
    }
    Ok(Command::Gateway(options))
}

/// Parses the value of `option`. An error names the option.
fn value<T, E>(parser: &mut Parser, option: &str, parse: impl FnOnce(&str) -> Result<T, E>) -> Result<T, Error>
where
    E: fmt::Display,
{
    let text = parser.value()?.string()?;
    parse(&text).map_err(|error| format!("{option} {text:?}: {error}").into())
}

fn some_requests(text: &str) -> Result<u64, String> {
    match text.parse() {
        Ok(number) if (1..=MOST_REQUESTS).contains(&number) => Ok(number),
        _ => Err(format!("not a whole number from 1 up to {MOST_REQUESTS}")),
    }
}

fn seconds(text: &str) -> Result<Duration, &'static str> {
    match text.parse() {
        Ok(seconds) if (0.0..=86_400.0).contains(&seconds) => Ok(Duration::from_secs_f64(seconds)),
        _ => Err("not a number of seconds from 0 to 86400"),
    }
}

fn http_address(text: &str) -> Result<String, &'static str> {
    match text.parse::<Uri>() {
        Ok(uri) if uri.scheme_str() == Some("http") && uri.query().is_none() => Ok(text.to_owned()),
        _ => Err("not an address such as http://127.0.0.1:3001"),
    }
}

fn file(name: OsString) -> Result<PathBuf, Error> {
    if name.is_empty() {
        return Err("--database \"\": not the name of a file".into());
    }
    Ok(name.into())
}
