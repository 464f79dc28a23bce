//! After an error of the macro, nothing else: no warning about an import or an argument that only the
//! attribute uses.

#![deny(warnings)]

use std::future::Future;

use futures_shield::{Spawn, shield};

#[derive(Clone)]
struct Unit;

impl Spawn for Unit {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, _: F) {}
}

mod unknown_argument {
    use futures_shield::{Tokio, shield};

    #[shield(Tokio::current(), Tokio::current())]
    pub(crate) async fn shielded() {}
}

mod misspelled_mode {
    use futures_shield::{Tokio, shield};

    #[shield(Tokio::current(), on_dropped)]
    pub(crate) async fn shielded() {}
}

mod spawner_last {
    use futures_shield::{Tokio, shield};

    #[shield(on_drop, Tokio::current())]
    pub(crate) async fn shielded() {}
}

mod no_comma {
    use futures_shield::{Tokio, shield};

    #[shield(Tokio::current() on_drop)]
    pub(crate) async fn shielded() {}
}

mod borrowed_argument {
    use futures_shield::{Tokio, shield};

    #[shield(Tokio::current())]
    pub(crate) async fn shielded(name: &str) -> usize {
        name.len()
    }
}

mod argument_of_the_attribute_alone {
    use futures_shield::{Tokio, Tracker, shield};

    #[shield(tracker)]
    pub(crate) async fn shielded(tracker: Tracker<Tokio>, name: &str) -> usize {
        name.len()
    }

    #[shield(Box::new(tracker))]
    pub(crate) async fn moves(tracker: Tracker<Tokio>, name: &str) -> usize {
        drop(tracker);
        name.len()
    }
}

mod unit_struct {
    use super::{Unit, shield};

    #[shield(Unit, Unit)]
    pub(crate) async fn shielded() {}
}

mod sync_fn {
    use futures_shield::{Tokio, shield};

    #[shield(Tokio::current())]
    pub(crate) fn shielded() -> u8 {
        7
    }
}

mod unsafe_fn {
    use futures_shield::{Tokio, shield};

    #[shield(Tokio::current())]
    pub(crate) async unsafe fn shielded() {}
}

mod method {
    use futures_shield::{Spawn, shield, spawn_fn};

    pub(crate) struct Service<S>(pub(crate) S);

    impl<S: Spawn + Clone + Send + Sync + 'static> Service<S> {
        #[shield(self.0)]
        pub(crate) async fn shielded(&self) {}

        #[shield(spawn_fn(drop))]
        pub(crate) async fn imported(&mut self) {}
    }
}

mod not_a_fn {
    use futures_shield::{Tokio, shield};

    pub(crate) struct Service;

    #[shield(Tokio::current())]
    impl Service {}
}

mod required_method {
    use futures_shield::{Tokio, shield};

    pub(crate) trait Serve {
        #[shield(Tokio::current())]
        async fn shielded(self);
    }
}

mod const_fn {
    use futures_shield::{Tokio, shield};

    #[shield(Tokio::current())]
    pub(crate) const fn shielded() -> u8 {
        7
    }
}

impl required_method::Serve for u8 {
    async fn shielded(self) {}
}

fn main() {
    let _ = (unknown_argument::shielded(), misspelled_mode::shielded(), spawner_last::shielded());
    let _ = (no_comma::shielded(), borrowed_argument::shielded(""), unit_struct::shielded(), sync_fn::shielded());
    let _ = (argument_of_the_attribute_alone::shielded, argument_of_the_attribute_alone::moves);
    let _ = unsafe { unsafe_fn::shielded() };
    let _ = (method::Service(Unit).shielded(), not_a_fn::Service);
    let _ = (method::Service(Unit).imported(), const_fn::shielded());
}
