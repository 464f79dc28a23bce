//! Panics that tests expect.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;

/// Held by a test while it needs the panic hook that it has set: the process has one for all tests.
pub(crate) static PANIC_HOOK: Mutex<()> = Mutex::new(());

/// Returns the text of a panic's payload.
pub(crate) fn message(payload: &(dyn Any + Send)) -> &str {
    if let Some(text) = payload.downcast_ref::<&'static str>() {
        text
    } else if let Some(text) = payload.downcast_ref::<String>() {
        text
    } else {
        panic!("the payload is no text")
    }
}

/// Runs `f`, which must panic, and returns the text of that panic.
#[track_caller]
pub(crate) fn panics_with<T>(f: impl FnOnce() -> T) -> String {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(_) => panic!("it did not panic"),
        Err(payload) => message(&*payload).to_owned(),
    }
}

/// Runs `f`, which must not panic: for what would abort, or would be taken for another panic.
#[track_caller]
pub(crate) fn does_not_panic<T>(f: impl FnOnce() -> T) -> T {
    match catch_unwind(AssertUnwindSafe(f)) {
        Ok(value) => value,
        Err(payload) => panic!("it panicked: {}", message(&*payload)),
    }
}

/// Drops `value` while a panic of the caller unwinds. A panic that left the drop would abort.
#[track_caller]
pub(crate) fn drop_while_unwinding<T>(value: T) {
    let text = panics_with(move || {
        let _value = value;
        panic!("the caller's own");
    });
    assert_eq!(text, "the caller's own");
}

/// Drops `value`, while a panic of the caller unwinds or not.
#[track_caller]
pub(crate) fn drop_unwinding_or_not<T>(unwinding: bool, value: T) {
    if unwinding {
        drop_while_unwinding(value);
    } else {
        drop(value);
    }
}
