//! The suite on Tokio, and what is particular to it: its test attribute, and names that shadow ours.

use std::future::Future;

use futures_shield::{Tokio, shield};

#[path = "suite.rs"]
mod suite;

type Spawner = Tokio;

fn current() -> Spawner {
    Tokio::current()
}

fn run<F: Future>(future: F) -> F::Output {
    tokio::runtime::Builder::new_current_thread()
        .build()
        .unwrap()
        .block_on(future)
}

/// Which task polls the caller of `id`.
mod task {
    pub(super) type Id = Option<tokio::task::Id>;

    pub(super) fn id() -> Id {
        tokio::task::try_id()
    }
}

/// `#[tokio::test]` above and below `#[shield]`.
mod test_attribute {
    use super::*;

    #[shield]
    #[tokio::test]
    async fn test_below() {
        tokio::task::yield_now().await;
    }

    #[tokio::test]
    #[shield]
    async fn test_above() {
        tokio::task::yield_now().await;
    }

    #[shield(current())]
    #[tokio::test(flavor = "multi_thread")]
    async fn test_that_fails() -> Result<(), std::num::ParseIntError> {
        "1".parse::<i32>()?;
        Ok(())
    }
}

/// Every name that the expansion might use without a leading `::` means something else in here.
mod shadow {
    #![allow(dead_code, unused_macros, non_camel_case_types)]

    mod core {}
    mod std {}
    mod futures_shield {}
    mod tokio {}
    struct Result;
    struct Option;
    struct Some;
    struct None;
    struct Ok;
    struct Clone;
    struct Infallible;
    struct Given;
    struct ShieldExt;
    trait Future {}
    macro_rules! panic {
        () => {};
    }
    fn shield() {}
    fn spawner() {}
    fn output() {}

    #[::futures_shield::shield(::futures_shield::Tokio::current())]
    pub(super) async fn shadowed(spawner: i32, (output, _): (i32, i32), arg0: i32, arg1: i32) -> i32 {
        spawner + output + arg0 + arg1
    }

    #[::futures_shield::shield(other, on_drop)]
    pub(super) async fn cloned(other: ::futures_shield::Tokio, spawner: i32) -> i32 {
        drop(other);
        spawner
    }

    #[::futures_shield::shield(spawner)]
    pub(super) async fn its_own_name(spawner: ::futures_shield::Tokio) -> i32 {
        drop(spawner);
        1
    }

    #[::futures_shield::shield]
    pub(super) async fn never() -> ! {
        ::std::process::abort()
    }
}

#[tokio::test]
async fn shadowed_names() {
    let tokio = Tokio::current;
    assert_eq!(shadow::shadowed(1, (2, 3), 4, 5).await, 12);
    assert_eq!(shadow::cloned(tokio(), 1).await, 1);
    assert_eq!(shadow::its_own_name(tokio()).await, 1);
    drop(shadow::never());
}
