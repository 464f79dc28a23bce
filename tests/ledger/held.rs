//! What a caller holds, of whichever type.

use std::future::Future;
use std::panic::Location;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_shield::future::CleanupRun;
use futures_shield::{Cleanup, FallibleShield, Shield, ShieldError, ShieldOnDrop};
use futures_util::future::FusedFuture;

use super::api::Place;
use super::foreign::{Hook, Out, Scripted, Token};

/// A shield, a guard or an inline shield.
pub trait Held {
    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Token, ShieldError>>;

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

    fn detach(self: Box<Self>);

    /// The guard's value.
    fn disarm(self: Box<Self>) -> Result<Token, Box<dyn Held>>;
}

/// What the handles of other types than a guard have in common.
macro_rules! not_a_guard {
    ($detach:path) => {
        fn debug(&self) -> String {
            format!("{self:?}")
        }

        fn run(self: Box<Self>) -> Box<dyn Held> {
            self
        }

        fn detach(self: Box<Self>) {
            $detach(*self);
        }

        fn disarm(self: Box<Self>) -> Result<Token, Box<dyn Held>> {
            Err(self)
        }
    };
}

impl<L: 'static> Held for Shield<Out<L>> {
    not_a_guard!(Self::detach);

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Token, ShieldError>> {
        Future::poll(Pin::new(self), cx).map(|output| Ok(output.token))
    }

    fn is_finished(&self) -> Option<bool> {
        Some(self.is_finished())
    }

    fn is_terminated(&self) -> Option<bool> {
        Some(FusedFuture::is_terminated(self))
    }

    fn location(&self) -> Option<Place> {
        Some(self.location())
    }

    fn hook(self: Box<Self>, hook: Hook) -> Box<dyn Held> {
        Box::new(self.on_orphan(move |outcome| hook.run(outcome.map(|output| output.token))))
    }

    fn fallible(self: Box<Self>) -> Box<dyn Held> {
        Box::new((*self).fallible())
    }
}

impl<L: 'static> Held for FallibleShield<Out<L>> {
    not_a_guard!(Self::detach);

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Token, ShieldError>> {
        Future::poll(Pin::new(self), cx).map_ok(|output| output.token)
    }

    fn is_finished(&self) -> Option<bool> {
        Some(self.is_finished())
    }

    fn is_terminated(&self) -> Option<bool> {
        Some(FusedFuture::is_terminated(self))
    }

    fn location(&self) -> Option<Place> {
        Some(self.location())
    }

    fn hook(self: Box<Self>, hook: Hook) -> Box<dyn Held> {
        Box::new(self.on_orphan(move |outcome| hook.run(outcome.map(|output| output.token))))
    }

    fn fallible(self: Box<Self>) -> Box<dyn Held> {
        self
    }
}

impl<L: 'static, S: 'static> Held for ShieldOnDrop<Scripted<L>, S> {
    not_a_guard!(drop);

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Token, ShieldError>> {
        Future::poll(Pin::new(self), cx).map(|output| Ok(output.token))
    }

    fn is_terminated(&self) -> Option<bool> {
        Some(FusedFuture::is_terminated(self))
    }

    fn location(&self) -> Option<Place> {
        Some(self.location())
    }

    fn hook(self: Box<Self>, hook: Hook) -> Box<dyn Held> {
        Box::new(self.on_orphan(move |outcome| hook.run(outcome.map(|output| output.token))))
    }

    fn fallible(self: Box<Self>) -> Box<dyn Held> {
        self
    }
}

impl<S: 'static> Held for CleanupRun<Out<()>, S> {
    not_a_guard!(drop);

    fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Token, ShieldError>> {
        Future::poll(Pin::new(self), cx).map(|output| Ok(output.token))
    }

    fn is_terminated(&self) -> Option<bool> {
        Some(FusedFuture::is_terminated(self))
    }

    fn location(&self) -> Option<Place> {
        None
    }

    fn hook(self: Box<Self>, _: Hook) -> Box<dyn Held> {
        self
    }

    fn fallible(self: Box<Self>) -> Box<dyn Held> {
        self
    }
}

impl<S: 'static> Held for Cleanup<Token, Out<()>, S> {
    fn poll(&mut self, _: &mut Context<'_>) -> Poll<Result<Token, ShieldError>> {
        Poll::Pending
    }

    fn is_terminated(&self) -> Option<bool> {
        None
    }

    fn location(&self) -> Option<&'static Location<'static>> {
        Some(self.location())
    }

    fn debug(&self) -> String {
        format!("{self:?}")
    }

    fn hook(self: Box<Self>, hook: Hook) -> Box<dyn Held> {
        Box::new(self.on_orphan(move |outcome| hook.run(outcome.map(|output| output.token))))
    }

    fn fallible(self: Box<Self>) -> Box<dyn Held> {
        self
    }

    fn run(self: Box<Self>) -> Box<dyn Held> {
        Box::new((*self).run())
    }

    fn detach(self: Box<Self>) {
        drop(self);
    }

    fn disarm(self: Box<Self>) -> Result<Token, Box<dyn Held>> {
        Ok((*self).disarm())
    }
}
