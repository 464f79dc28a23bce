//! What a user does with a runtime: each scenario takes a fresh one and its spawner.

use std::future::{pending, ready};
use std::panic::AssertUnwindSafe;
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use futures_shield::{ShieldError, Spawn, SpawnLocal, Tracker, cleanup};
use futures_shield_spawner_checks::Subject;
use futures_util::future::FutureExt;
use futures_util::poll;
use tokio::sync::oneshot;

use crate::shields::{Local, Sent, Shields};

/// Longer than any scenario takes on a slow machine.
const DEADLINE: Duration = Duration::from_secs(60);

/// Runs every scenario with a spawner of `Send` futures.
pub fn send<S: Spawn + Clone + Send + Sync + 'static>(start: fn() -> Subject<S>) {
    within_deadline(move || {
        eager(start(), Sent);
        orphaned(start(), Sent);
        panicked(start(), Sent);
        dropped_partway(start(), Sent);
        cleaned_up(start());
        let subject = start();
        let tracker = Tracker::new(subject.spawner().clone());
        drained(subject, &tracker, &Sent(tracker.clone()));
    });
}

/// Runs every scenario with a spawner of local futures.
pub fn local<S: SpawnLocal + Clone + 'static>(start: fn() -> Subject<S>) {
    within_deadline(move || {
        eager(start(), Local);
        orphaned(start(), Local);
        panicked(start(), Local);
        dropped_partway(start(), Local);
        let subject = start();
        let tracker = Tracker::new(subject.spawner().clone());
        drained(subject, &tracker, &Local(tracker.clone()));
    });
}

/// Runs `body` on a thread of its own, with a deadline.
pub fn within_deadline<T: Send + 'static>(body: impl FnOnce() -> T + Send + 'static) -> T {
    let (ends, ended) = mpsc::channel::<()>();
    let thread = thread::spawn(move || {
        let _ends = ends;
        body()
    });
    if ended.recv_timeout(DEADLINE) == Err(mpsc::RecvTimeoutError::Timeout) {
        panic!("the deadline passed");
    }
    thread
        .join()
        .unwrap_or_else(|payload| std::panic::resume_unwind(payload))
}

/// The work runs although nobody polls its shield, and its output reaches the caller.
fn eager<S: Clone, K: Shields>(mut subject: Subject<S>, kind: fn(S) -> K) {
    let shields = kind(subject.spawner().clone());
    subject.run(async move {
        let (tell, told) = oneshot::channel();
        let shield = shields.shield(async move {
            tell.send(()).unwrap();
            7
        });
        told.await.unwrap();
        assert_eq!(shield.await, 7);
    });
}

/// The caller is dropped partway. The work continues, and its outcome goes to the hook.
fn orphaned<S: Clone, K: Shields>(mut subject: Subject<S>, kind: fn(S) -> K) {
    let shields = kind(subject.spawner().clone());
    subject.run(async move {
        let (start, started) = oneshot::channel();
        let (open, opened) = oneshot::channel();
        let (tell, told) = oneshot::channel();
        let shield = shields.shield(async move {
            start.send(()).unwrap();
            opened.await
        });
        let shield = shield.on_orphan(|outcome| tell.send(outcome.unwrap()).unwrap());
        started.await.unwrap();
        drop(shield);
        // From another thread, as an answer of a driver may come.
        let opener = thread::spawn(move || open.send("order 7").unwrap());
        assert_eq!(told.await, Ok(Ok("order 7")));
        opener.join().unwrap();
    });
}

/// A panic reaches the caller, and the executor lives.
fn panicked<S: Clone, K: Shields>(mut subject: Subject<S>, kind: fn(S) -> K) {
    let shields = kind(subject.spawner().clone());
    subject.run(async move {
        let shield = shields.shield(async {
            if ready(true).await {
                // Not `panic!`, which would print.
                std::panic::resume_unwind(Box::new("no funds"));
            }
        });
        let payload = AssertUnwindSafe(shield).catch_unwind().await.unwrap_err();
        assert_eq!(payload.downcast_ref(), Some(&"no funds"));
        assert_eq!(shields.shield(ready(7)).await, 7);
    });
}

/// Inline work is dropped partway, and the rest of it is spawned.
fn dropped_partway<S: Clone, K: Shields>(mut subject: Subject<S>, kind: fn(S) -> K) {
    let shields = kind(subject.spawner().clone());
    subject.run(async move {
        let (open, opened) = oneshot::channel::<()>();
        let (tell, told) = oneshot::channel();
        let mut work = Box::pin(shields.shield_on_drop(async move {
            opened.await.unwrap();
            tell.send("done").unwrap();
        }));
        assert!(poll!(&mut work).is_pending());
        drop(work);
        open.send(()).unwrap();
        assert_eq!(told.await, Ok("done"));
    });
}

/// The scope of a guarded value is cancelled, and its cleanup is spawned.
fn cleaned_up<S: Spawn + Clone + Send + Sync + 'static>(mut subject: Subject<S>) {
    let spawner = subject.spawner().clone();
    subject.run(async move {
        let (tell, told) = oneshot::channel();
        let mut scope = Box::pin(async move {
            let _guard = cleanup(spawner, "lock", |value| async move {
                tell.send(value).unwrap();
            });
            pending::<()>().await;
        });
        assert!(poll!(&mut scope).is_pending());
        drop(scope);
        assert_eq!(told.await, Ok("lock"));
    });
}

/// A drain names what is left at its deadline, and a wait ends with the last orphan.
fn drained<S, T>(mut subject: Subject<S>, tracker: &Tracker<T>, shields: &impl Shields) {
    subject.run(async {
        let (open, opened) = oneshot::channel::<()>();
        let shield = shields.shield(opened.map(drop));
        let location = shield.location();
        assert!(
            location.file().ends_with(file!().rsplit('/').next().unwrap()),
            "{location}"
        );
        shield.detach();
        assert_eq!(tracker.len(), 1);
        let unfinished = tracker.drain(ready(())).await.unwrap_err();
        assert_eq!(unfinished.locations()[0].location(), location);
        open.send(()).unwrap();
        tracker.wait().await;
        assert!(tracker.is_empty());
    });
}

/// Drops the runtime under an orphan that waits for another thread, and returns what the hook was
/// given by then.
pub fn shut_down_under_an_orphan<S: Clone, K: Shields>(
    mut subject: Subject<S>,
    kind: fn(S) -> K,
) -> Option<Result<(), ShieldError>> {
    let shields = kind(subject.spawner().clone());
    // Kept until the end: what the orphan waits for keeps its waker.
    let (_open, opened) = oneshot::channel::<()>();
    let (tell, mut told) = oneshot::channel();
    subject.run(async move {
        let (start, started) = oneshot::channel();
        let shield = shields.shield(async move {
            start.send(()).unwrap();
            drop(opened.await);
        });
        drop(shield.on_orphan(|outcome| tell.send(outcome).unwrap()));
        started.await.unwrap();
    });
    drop(subject);
    told.try_recv().ok()
}

/// Asserts that the work had started, and was cancelled.
#[track_caller]
pub fn assert_cut_off(outcome: Option<Result<(), ShieldError>>) {
    let error = outcome.expect("the hook was called").unwrap_err();
    assert!(error.is_cancelled() && error.was_started(), "{error}");
}

/// Drops inline work outside of the runtime, which is alive, and returns what the hook was given by
/// then.
pub fn dropped_outside<S: Clone, K: Shields>(
    mut subject: Subject<S>,
    kind: fn(S) -> K,
) -> Option<Result<(), ShieldError>> {
    let shields = kind(subject.spawner().clone());
    let (tell, mut told) = oneshot::channel();
    let work = shields.shield_on_drop(pending());
    let mut work = Box::pin(work.on_orphan(|outcome| tell.send(outcome).unwrap()));
    subject.run(async {
        assert!(poll!(&mut work).is_pending());
    });
    drop(work);
    told.try_recv().ok()
}
