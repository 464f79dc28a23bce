//! Handing the work of an eager shield to its spawner.

/// Makes the two sides of a shield, calls the spawner with the task's side and evaluates to the
/// caller's side, an [`Awaiter`](super::Awaiter).
///
/// A macro, because `#[track_caller]` ends at a closure: so tokio's task hooks and console show the
/// user's line. The order of the locals matters if the spawner panics. The call ends first, and
/// stores in the relay the lines at which trackers count the work; then the awaiter is dropped, and
/// the work that the spawner may have taken has lost its caller; the spawner, which may panic in
/// its drop too, is dropped last and contained.
macro_rules! launch {
    ($spawner:expr, $spawn:ident, $location:expr, $future:expr, $gone:expr $(, $hook:expr)?) => {{
        let spawner = $spawner;
        let relay = $crate::util::sync::Arc::new($crate::relay::Relay::new($location));
        let awaiter = $crate::relay::Awaiter::new($crate::util::sync::Arc::clone(&relay), $gone);
        // Before the call: if the spawner panics, the hook is not lost.
        $(let awaiter = awaiter.with_hook($hook);)?
        {
            let _call = awaiter.spawn_call();
            spawner.$spawn($crate::relay::Work::new($future, relay));
        }
        awaiter
    }};
}

pub(crate) use launch;
