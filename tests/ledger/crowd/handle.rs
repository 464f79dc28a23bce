//! What a caller holds, on threads.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_shield::future::CleanupRun;
use futures_shield::{Cleanup, DynSpawner, FallibleShield, Shield, ShieldError, ShieldOnDrop};
use futures_util::future::FusedFuture;

use super::foreign::{Hook, Out, Scripted, Token};

pub enum Handle {
    Shield(Shield<Out>),
    Fallible(FallibleShield<Out>),
    Inline(Box<ShieldOnDrop<Scripted, DynSpawner>>),
    Guard(Box<Cleanup<Token, Out, DynSpawner>>),
    Run(Box<CleanupRun<Out, DynSpawner>>),
}

impl Handle {
    /// Polls it. A guard that does not run yet is pending.
    pub fn poll(&mut self, cx: &mut Context<'_>) -> Poll<Result<Out, ShieldError>> {
        match self {
            Self::Shield(shield) => Pin::new(shield).poll(cx).map(Ok),
            Self::Fallible(shield) => Pin::new(shield).poll(cx),
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
            Self::Run(_) => self,
        }
    }

    pub fn fallible(self) -> Self {
        match self {
            Self::Shield(shield) => Self::Fallible(shield.fallible()),
            other => other,
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
