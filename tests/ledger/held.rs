//! What a caller holds, of whichever type.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use futures_shield::future::CleanupRun;
use futures_shield::{Cleanup, FallibleShield, SharedFallibleShield, SharedShield, Shield, ShieldError, ShieldOnDrop};
use futures_util::future::FusedFuture;

use super::api::Place;
use super::foreign::{Hook, Out, Scripted, Token};

/// An error, that others may have, too.
#[derive(Debug)]
pub enum Failure {
    Own(ShieldError),
    Shared(Arc<ShieldError>),
}

impl Failure {
    pub fn error(&self) -> &ShieldError {
        match self {
            Self::Own(error) => error,
            Self::Shared(error) => error,
        }
    }
}

/// A shield, a guard or an inline shield.
pub trait Held {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Token, Failure>>;

    fn is_finished(&self) -> Option<bool> {
        None
    }

    fn is_terminated(&self) -> Option<bool>;

    fn location(&self) -> Option<Place>;

    fn debug(&self) -> String;

    /// Gives it a hook, if it is of a type that takes one.
    fn hook(self: Box<Self>, hook: Hook) -> Box<dyn Held>;

    fn fallible(self: Box<Self>) -> Box<dyn Held>;

    fn run(self: Box<Self>) -> Box<dyn Held>;

    /// Makes it a shared shield, if it is a shield.
    fn share(self: Box<Self>) -> Box<dyn Held>;

    /// One more waiter of a shared shield.
    fn another(&self) -> Option<Box<dyn Held>> {
        None
    }

    fn detach(self: Box<Self>);

    /// The guard's value.
    fn disarm(self: Box<Self>) -> Result<Token, Box<dyn Held>>;
}

/// What the handles of other types than a guard have in common.
macro_rules! not_a_guard {
    ($detach:path, $share:path) => {
        fn debug(&self) -> String {
            format!("{self:?}")
        }

        fn run(self: Box<Self>) -> Box<dyn Held> {
            self
        }

        fn share(self: Box<Self>) -> Box<dyn Held> {
            $share(self)
        }

        fn detach(self: Box<Self>) {
            $detach(*self);
        }

        fn disarm(self: Box<Self>) -> Result<Token, Box<dyn Held>> {
            Err(self)
        }

        fn is_terminated(&self) -> Option<bool> {
            Some(FusedFuture::is_terminated(self))
        }
    };
}

/// What has the method of that name.
macro_rules! has {
    (is_finished) => {
        fn is_finished(&self) -> Option<bool> {
            Some(self.is_finished())
        }
    };
    (location) => {
        fn location(&self) -> Option<Place> {
            Some(self.location())
        }
    };
    (on_orphan) => {
        fn hook(self: Box<Self>, hook: Hook) -> Box<dyn Held> {
            Box::new(self.on_orphan(move |outcome| hook.run(outcome.map(|output| output.token))))
        }
    };
    ($($method:ident)+) => {
        $(has!($method);)+
    };
}

/// What has no method of that name, and stays as it is.
macro_rules! has_no {
    (on_orphan) => {
        fn hook(self: Box<Self>, _: Hook) -> Box<dyn Held> {
            self
        }
    };
    (fallible) => {
        fn fallible(self: Box<Self>) -> Box<dyn Held> {
            self
        }
    };
    ($($method:ident)+) => {
        $(has_no!($method);)+
    };
}

impl<L: 'static> Held for Shield<Out<L>> {
    not_a_guard!(Self::detach, share_it);
    has!(is_finished location on_orphan);

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Token, Failure>> {
        Future::poll(Pin::new(self), cx).map(|output| Ok(output.token))
    }

    fn fallible(self: Box<Self>) -> Box<dyn Held> {
        Box::new((*self).fallible())
    }
}

impl<L: 'static> Held for FallibleShield<Out<L>> {
    not_a_guard!(Self::detach, share_fallible);
    has!(is_finished location on_orphan);
    has_no!(fallible);

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Token, Failure>> {
        Future::poll(Pin::new(self), cx)
            .map_ok(|output| output.token)
            .map_err(Failure::Own)
    }
}

impl<L: 'static, S: 'static> Held for ShieldOnDrop<Scripted<L>, S> {
    not_a_guard!(drop, itself);
    has!(location on_orphan);
    has_no!(fallible);

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Token, Failure>> {
        Future::poll(Pin::new(self), cx).map(|output| Ok(output.token))
    }
}

impl<S: 'static> Held for CleanupRun<Out<()>, S> {
    not_a_guard!(drop, itself);
    has_no!(on_orphan fallible);

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Token, Failure>> {
        Future::poll(Pin::new(self), cx).map(|output| Ok(output.token))
    }

    fn location(&self) -> Option<Place> {
        None
    }
}

fn itself<H: Held + 'static>(held: Box<H>) -> Box<dyn Held> {
    held
}

#[expect(clippy::boxed_local, reason = "handles are boxed")]
fn share_it<L: 'static>(shield: Box<Shield<Out<L>>>) -> Box<dyn Held> {
    Box::new((*shield).shared())
}

#[expect(clippy::boxed_local, reason = "handles are boxed")]
fn share_fallible<L: 'static>(shield: Box<FallibleShield<Out<L>>>) -> Box<dyn Held> {
    Box::new((*shield).shared())
}

/// The shared handles.
macro_rules! shared {
    ($shield:ident, $error:expr) => {
        impl<L: 'static> Held for $shield<Out<L>> {
            not_a_guard!(drop, itself);
            has!(is_finished location);
            has_no!(on_orphan fallible);

            fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Token, Failure>> {
                Future::poll(Pin::new(self), cx).map($error)
            }

            fn another(&self) -> Option<Box<dyn Held>> {
                Some(Box::new(self.clone()))
            }
        }
    };
}

shared!(SharedShield, |output: Out<L>| Ok(output.token));
shared!(SharedFallibleShield, |outcome: Result<Out<L>, Arc<ShieldError>>| {
    outcome.map(|output| output.token).map_err(Failure::Shared)
});

impl<S: 'static> Held for Cleanup<Token, Out<()>, S> {
    has!(location on_orphan);
    has_no!(fallible);

    fn poll(&mut self, _: &mut Context<'_>) -> Poll<Result<Token, Failure>> {
        Poll::Pending
    }

    fn is_terminated(&self) -> Option<bool> {
        None
    }

    fn debug(&self) -> String {
        format!("{self:?}")
    }

    fn run(self: Box<Self>) -> Box<dyn Held> {
        Box::new((*self).run())
    }

    fn share(self: Box<Self>) -> Box<dyn Held> {
        self
    }

    fn detach(self: Box<Self>) {
        drop(self);
    }

    fn disarm(self: Box<Self>) -> Result<Token, Box<dyn Held>> {
        Ok((*self).disarm())
    }
}
