//! The futures that are protected.

use std::cell::{Cell, RefCell};
use std::future::{self, poll_fn};
use std::hint::black_box;
use std::task::{Poll, Waker};

/// Outputs differ by scenario, so that no two scenarios share the code that is generic in an output: a program that runs one of
/// them is compiled the same.
pub(crate) async fn ready<T: From<u8>>() -> T {
    T::from(black_box(7))
}

/// Never ends, and is some 100 bytes large.
pub(crate) async fn pending() -> i8 {
    let kept = black_box([7_u64; 12]);
    future::pending::<()>().await;
    black_box(kept);
    7
}

thread_local! {
    static SUSPENDED: RefCell<Vec<Waker>> = const { RefCell::new(Vec::new()) };
    static ENDED: Cell<usize> = const { Cell::new(0) };
}

/// Suspends once, until `wake_all`, and is some 100 bytes large.
pub(crate) async fn partway<T: From<u8>>() -> T {
    let kept = black_box([7_u64; 12]);
    once(|waker| SUSPENDED.with_borrow_mut(|suspended| suspended.push(waker.clone()))).await;
    black_box(kept);
    ENDED.set(ENDED.get() + 1);
    T::from(7)
}

/// Wakes all work that is partway.
pub(crate) fn wake_all() {
    while let Some(waker) = SUSPENDED.with_borrow_mut(Vec::pop) {
        waker.wake();
    }
}

/// How much work that was partway has ended.
pub(crate) fn ended() -> usize {
    ENDED.get()
}

/// A future of `N` bytes, or some more.
pub(crate) async fn large<const N: usize>() -> u8 {
    let kept = [7_u8; N];
    yield_now().await;
    black_box(&kept)[0]
}

/// Lets everything else that is queued run.
pub(crate) async fn yield_now() {
    once(Waker::wake_by_ref).await;
}

/// Suspends once, after `register`.
async fn once(register: impl Fn(&Waker)) {
    let mut suspended = false;
    poll_fn(|cx| {
        if suspended {
            return Poll::Ready(());
        }
        suspended = true;
        register(cx.waker());
        Poll::Pending
    })
    .await;
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn futures_have_the_size_they_say() {
        assert!((96..=120).contains(&size_of_val(&pending())));
        assert!(
            (8192..=8192 + 128).contains(&size_of_val(&large::<8192>())),
            "{}",
            size_of_val(&large::<8192>())
        );
    }
}
