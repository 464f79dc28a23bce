//! What a caller holds, on threads.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_shield::future::CleanupRun;
use futures_shield::{
    Cleanup, DynSpawner, FallibleShield, SharedFallibleShield, SharedShield, Shield, ShieldError, ShieldOnDrop,
};
use futures_util::future::FusedFuture;

use super::foreign::{Hook, Out, Scripted, Token};
use crate::program::Id;

pub enum Handle {
    Shield(Shield<Out>),
    Fallible(FallibleShield<Out>),
    Inline(Box<ShieldOnDrop<Scripted, DynSpawner>>),
    Guard(Box<Cleanup<Token, Out, DynSpawner>>),
    Run(Box<CleanupRun<Out, DynSpawner>>),
    /// One of the waiters of a work, which is not known by the handle's number.
    Shared(Id, SharedShield<Out>),
    SharedFallible(Id, SharedFallibleShield<Out>),
    /// A layer's response future, until it has ended.
    Response(Option<Response>),
}

pub type Response = Pin<Box<dyn Future<Output = Out> + Send>>;

/// What a poll delivers: an output, or an error that others may have, too.
pub type Delivered = Result<Out, Option<ShieldError>>;

impl Handle {
    /// Polls it. A guard that does not run yet is pending.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Delivered> {
        match self {
            Self::Shield(shield) => Pin::new(shield).poll(cx).map(Ok),
            Self::Fallible(shield) => Pin::new(shield).poll(cx).map_err(Some),
            Self::Shared(_, shield) => Pin::new(shield).poll(cx).map(Ok),
            Self::SharedFallible(_, shield) => Pin::new(shield).poll(cx).map_err(|_| None),
            Self::Response(response) => {
                // Taken out: if it panics, it has ended.
                let Some(mut polled) = response.take() else {
                    return Poll::Pending;
                };
                let result = polled.as_mut().poll(cx);
                if result.is_pending() {
                    *response = Some(polled);
                }
                result.map(Ok)
            }
            Self::Inline(shield) => Pin::new(shield).poll(cx).map(Ok),
            Self::Guard(_) => Poll::Pending,
            Self::Run(run) => Pin::new(run).poll(cx).map(Ok),
        }
    }

    pub fn is_terminated(&self) -> bool {
        match self {
            Self::Shield(shield) => shield.is_terminated(),
            Self::Fallible(shield) => shield.is_terminated(),
            Self::Inline(shield) => shield.is_terminated(),
            Self::Guard(_) => false,
            Self::Run(run) => run.is_terminated(),
            Self::Shared(_, shield) => shield.is_terminated(),
            Self::SharedFallible(_, shield) => shield.is_terminated(),
            Self::Response(response) => response.is_none(),
        }
    }

    pub fn is_guard(&self) -> bool {
        matches!(self, Self::Guard(_))
    }

    pub fn hook(self, hook: Hook) -> Self {
        let run = move |outcome| hook.run(outcome);
        match self {
            Self::Shield(shield) => Self::Shield(shield.on_orphan(run)),
            Self::Fallible(shield) => Self::Fallible(shield.on_orphan(run)),
            Self::Inline(shield) => Self::Inline(Box::new(shield.on_orphan(run))),
            Self::Guard(guard) => Self::Guard(Box::new(guard.on_orphan(run))),
            Self::Run(_) | Self::Shared(..) | Self::SharedFallible(..) | Self::Response(_) => self,
        }
    }

    pub fn fallible(self) -> Self {
        match self {
            Self::Shield(shield) => Self::Fallible(shield.fallible()),
            other => other,
        }
    }

    /// The work that a shared shield waits for.
    pub fn shared_work(&self) -> Option<Id> {
        match self {
            Self::Shared(work, _) | Self::SharedFallible(work, _) => Some(*work),
            _ => None,
        }
    }

    /// Makes it a shared shield, of the work `id`.
    pub fn shared(self, id: Id) -> Self {
        match self {
            Self::Shield(shield) if !shield.is_terminated() => Self::Shared(id, shield.shared()),
            Self::Fallible(shield) if !shield.is_terminated() => Self::SharedFallible(id, shield.shared()),
            other => other,
        }
    }

    /// One more waiter.
    pub fn another(&self) -> Option<Self> {
        match self {
            Self::Shared(work, shield) => Some(Self::Shared(*work, shield.clone())),
            Self::SharedFallible(work, shield) => Some(Self::SharedFallible(*work, shield.clone())),
            _ => None,
        }
    }

    pub fn run(self) -> Self {
        match self {
            Self::Guard(guard) => Self::Run(Box::new(guard.run())),
            other => other,
        }
    }

    /// Lets it go, one way or the other.
    pub fn detach(self) {
        match self {
            Self::Shield(shield) => shield.detach(),
            Self::Fallible(shield) => shield.detach(),
            other => drop(other),
        }
    }
}
