//! Futures that own a handle, or a window.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};

use super::foreign::{Out, Scripted, Token, calmly};
use super::handle::Handle;
use crate::program::Id;

use super::run::*;

/// A task that awaits a handle.
pub struct Task {
    pub id: Id,
    pub handle: Option<Handle>,
    // Dropped last: as long as it is there, the program is not over.
    pub token: Token,
}

impl Future for Task {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let Self { id, handle, token } = &mut *self;
        let Some(held) = handle else { return Poll::Ready(()) };
        match token.crowd.poll(*id, held, cx) {
            Poll::Pending => Poll::Pending,
            Poll::Ready(result) => {
                *handle = None;
                if let Err(thrown) = result {
                    calmly(|| drop(thrown));
                }
                Poll::Ready(())
            }
        }
    }
}

/// Work that opens a window first.
pub struct Windowed {
    pub window: Option<Waiting>,
    pub work: Pin<Box<Scripted>>,
}

impl Future for Windowed {
    type Output = Out;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Out> {
        if let Some(window) = &mut self.window {
            match window.as_mut().poll(cx) {
                Poll::Pending => return Poll::Pending,
                Poll::Ready(()) => {
                    let window = self.window.take();
                    drop(window);
                }
            }
        }
        self.work.as_mut().poll(cx)
    }
}

impl Drop for Windowed {
    fn drop(&mut self) {
        calmly(|| drop(self.window.take()));
    }
}
