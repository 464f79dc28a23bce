//! Shielded fns that borrow from their caller.

#![allow(unused_variables)]

use std::borrow::Cow;
use std::fmt::Display;

use futures_shield::shield;

struct Request<'a>(&'a str);

#[shield]
async fn text(name: &str) {}

#[shield]
async fn slice(items: &[u8]) {}

#[shield]
async fn exclusive(items: &mut Vec<u8>) {}

#[shield]
async fn value(value: &u64, named: Option<&u64>) {}

#[shield]
async fn named<'a>(name: &'a str, request: Request<'a>) {}

#[shield]
async fn elided(request: Request<'_>, cow: Cow<'_, str>) {}

#[shield]
async fn bounded(value: impl Display + '_) {}

#[shield]
async fn object(value: Box<dyn Display + '_>) {}

#[shield]
async fn of_a_callback<'a>(callback: fn(&'a str), higher_ranked: for<'b> fn(&'b str) -> &str) {}

#[shield]
async fn in_a_bound<'a>(callback: Box<dyn Fn(&'a str) + Send>) {}

#[shield]
async fn output<'a>() -> Result<&'a str, Request<'a>> {
    Ok("")
}

#[shield]
async fn within_static(nested: &'static [&str]) {}

fn main() {}
