//! What this crate synchronises, in every order that loom finds for it.
//!
//! Run by `RUSTFLAGS="--cfg shield_loom" cargo test --release --test loom`. The locks, atomics and shared pointers of
//! `src/sync.rs` are loom's there. A wake-up that is lost shows as a deadlock, which ends the whole test binary.
//!
//! Not modelled, because they stay the standard library's: the tracker's table of call sites is a `OnceLock`, which loom sees as
//! one step and as no synchronisation. So each model enters a call site for the first time before it starts a thread. `Exclusive`
//! is never locked, and the published site is thread-local, which to loom's threads is shared: only one thread of a model spawns.
#![cfg(shield_loom)]

use std::cell::RefCell;
use std::future::{Future, pending, poll_fn};
use std::panic::resume_unwind;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Waker};

use futures_shield::{BoxTask, Caller, Shield, ShieldError, ShieldExt, Spawn, Tracker, shield_with};
use loom::future::block_on;
use loom::sync::atomic::AtomicBool as LoomBool;
use loom::thread;

/// A spawner that keeps the task it is given, for a loom thread to run.
#[derive(Default)]
struct Slot(RefCell<Option<BoxTask>>);

impl Spawn for Slot {
    fn spawn_detached<F: Future<Output = ()> + Send + 'static>(&self, future: F) {
        self.0.replace(Some(Box::pin(future)));
    }
}

impl Slot {
    fn take(&self) -> BoxTask {
        self.0.take().expect("something was spawned")
    }
}

fn shielded<F>(future: F) -> (Shield<F::Output>, BoxTask)
where
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let slot = Slot::default();
    (future.shield(&slot), slot.take())
}

fn shielded_with<W, F>(work: W) -> (Shield<F::Output>, BoxTask)
where
    W: FnOnce(Caller) -> F,
    F: Future + Send + 'static,
    F::Output: Send + 'static,
{
    let slot = Slot::default();
    (shield_with(&slot, work), slot.take())
}

fn in_a_thread(task: BoxTask) -> thread::JoinHandle<()> {
    thread::spawn(move || block_on(task))
}

/// Counts what ends. To loom it is not there: it is read when all threads have been joined.
#[derive(Clone, Default)]
struct Count(Arc<AtomicUsize>);

impl Count {
    fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    fn get(&self) -> usize {
        self.0.load(Ordering::SeqCst)
    }

    /// An output that counts its drop.
    fn drop_of(&self) -> Counted {
        Counted(self.clone())
    }
}

struct Counted(Count);

impl Drop for Counted {
    fn drop(&mut self) {
        self.0.add();
    }
}

fn poll_once<F: Future + Unpin>(future: &mut F) -> Poll<F::Output> {
    Pin::new(future).poll(&mut Context::from_waker(Waker::noop()))
}

/// Pending at its first poll, and woken at once.
async fn yield_once() {
    let mut yielded = false;
    poll_fn(|cx| {
        if std::mem::replace(&mut yielded, true) {
            return Poll::Ready(());
        }
        cx.waker().wake_by_ref();
        Poll::Pending
    })
    .await;
}

/// Explores with at most `preemptions`: where three threads meet, all orders are too many.
fn bounded(preemptions: usize, model: impl Fn() + Send + Sync + 'static) {
    let mut builder = loom::model::Builder::new();
    builder.preemption_bound = Some(preemptions);
    builder.check(model);
}

// The relay.

/// Scenario 2.
#[test]
fn work_ends_while_its_caller_polls() {
    loom::model(|| {
        let (shield, task) = shielded(async { 7 });
        let work = in_a_thread(task);
        assert_eq!(block_on(shield), 7);
        work.join().unwrap();
    });
}

/// Scenario 2, and what the work wrote is there to read.
#[test]
fn work_that_yields_ends_while_its_caller_polls() {
    loom::model(|| {
        let written = loom::sync::Arc::new(LoomBool::new(false));
        let writes = loom::sync::Arc::clone(&written);
        let (shield, task) = shielded(async move {
            yield_once().await;
            writes.store(true, Ordering::Relaxed);
        });
        let work = in_a_thread(task);
        block_on(shield);
        assert!(written.load(Ordering::Relaxed));
        work.join().unwrap();
    });
}

/// Scenario 15.
#[test]
fn the_waker_is_replaced_while_work_ends() {
    loom::model(|| {
        let (mut shield, task) = shielded(async { 7 });
        let work = in_a_thread(task);
        let output = match poll_once(&mut shield) {
            Poll::Ready(output) => output,
            Poll::Pending => block_on(shield),
        };
        assert_eq!(output, 7);
        work.join().unwrap();
    });
}

/// Promise 3: what is said to be finished is there at the next poll.
#[test]
fn work_ends_while_its_caller_asks_whether_it_has() {
    loom::model(|| {
        let (mut shield, task) = shielded(async { 7 });
        let work = in_a_thread(task);
        if shield.is_finished() {
            assert_eq!(poll_once(&mut shield), Poll::Ready(7));
        } else {
            assert_eq!(block_on(shield), 7);
        }
        work.join().unwrap();
    });
}

/// Scenario 12.
#[test]
fn work_ends_while_its_shield_is_dropped() {
    loom::model(|| {
        let drops = Count::default();
        let output = drops.drop_of();
        let (shield, task) = shielded(async { output });
        let work = in_a_thread(task);
        drop(shield);
        work.join().unwrap();
        assert_eq!(drops.get(), 1);
    });
}

/// Scenario 12.
#[test]
fn work_ends_while_its_shield_is_detached_with_a_hook() {
    loom::model(|| {
        let (hooks, drops) = (Count::default(), Count::default());
        let output = drops.drop_of();
        let (shield, task) = shielded(async { output });
        let told = hooks.clone();
        let shield = shield.on_orphan(move |outcome| {
            assert!(outcome.is_ok());
            told.add();
        });
        let work = in_a_thread(task);
        shield.detach();
        work.join().unwrap();
        assert_eq!((hooks.get(), drops.get()), (1, 1));
    });
}

/// Scenario 12, where the caller may take the outcome before it leaves.
#[test]
fn work_ends_while_its_shield_is_polled_and_dropped() {
    loom::model(|| {
        let (hooks, drops) = (Count::default(), Count::default());
        let output = drops.drop_of();
        let (shield, task) = shielded(async { output });
        let told = hooks.clone();
        let mut shield = shield.on_orphan(move |_| told.add());
        let work = in_a_thread(task);
        let delivered = usize::from(poll_once(&mut shield).is_ready());
        drop(shield);
        work.join().unwrap();
        assert_eq!((delivered + hooks.get(), drops.get()), (1, 1));
    });
}

/// Scenarios 12 and 25.
#[test]
fn work_panics_while_its_shield_is_dropped() {
    loom::model(|| {
        let (shield, task) = shielded(async { resume_unwind(Box::new("overboard")) });
        let hooks = Count::default();
        let told = hooks.clone();
        let shield = shield.on_orphan(move |outcome: Result<(), ShieldError>| {
            assert!(outcome.unwrap_err().is_panic());
            told.add();
        });
        let work = in_a_thread(task);
        drop(shield);
        work.join().unwrap();
        assert_eq!(hooks.get(), 1);
    });
}

/// Scenario 54.
#[test]
fn the_executor_drops_the_work_while_its_caller_polls() {
    loom::model(|| {
        let (shield, task) = shielded(pending::<()>());
        let executor = thread::spawn(move || drop(task));
        let error = block_on(shield.fallible()).unwrap_err();
        assert!(error.is_cancelled() && !error.was_started());
        executor.join().unwrap();
    });
}

/// Scenario 55.
#[test]
fn the_executor_drops_the_work_while_its_shield_is_dropped() {
    loom::model(|| {
        let hooks = Count::default();
        let told = hooks.clone();
        let (shield, task) = shielded(pending::<()>());
        let shield = shield.on_orphan(move |outcome| {
            assert!(outcome.unwrap_err().is_cancelled());
            told.add();
        });
        let executor = thread::spawn(move || drop(task));
        drop(shield);
        executor.join().unwrap();
        assert_eq!(hooks.get(), 1);
    });
}

// The caller.

/// Runs the work of `shield_with` on a thread while its shield is dropped here. A shield contains what its work panics with, so
/// what has to hold in the work is what it answers, and it has to answer.
fn dropped_while<W, F>(work: W)
where
    W: FnOnce(Caller) -> F,
    F: Future<Output = bool> + Send + 'static,
{
    let held = Count::default();
    let holds = held.clone();
    let (shield, task) = shielded_with(work);
    let shield = shield.on_orphan(move |outcome| {
        if let Ok(true) = outcome {
            holds.add();
        }
    });
    let work = in_a_thread(task);
    drop(shield);
    work.join().unwrap();
    assert_eq!(held.get(), 1);
}

/// Scenario 45.
#[test]
fn the_shield_is_dropped_while_its_work_waits_for_that() {
    loom::model(|| {
        dropped_while(async |caller| {
            caller.gone().await;
            caller.is_gone()
        });
    });
}

/// What the caller did before it left is there to read for work that sees it gone.
#[test]
fn what_the_caller_wrote_is_there_once_it_has_gone() {
    loom::model(|| {
        let (read, missed) = (Count::default(), Count::default());
        let (reads, misses) = (read.clone(), missed.clone());
        let written = loom::sync::Arc::new(LoomBool::new(false));
        let flag = loom::sync::Arc::clone(&written);
        let (shield, task) = shielded_with(async move |caller| {
            if !caller.is_gone() {
                caller.gone().await;
            }
            if flag.load(Ordering::Relaxed) { &reads } else { &misses }.add();
        });
        let work = in_a_thread(task);
        written.store(true, Ordering::Relaxed);
        shield.detach();
        work.join().unwrap();
        assert_eq!((read.get(), missed.get()), (1, 0));
    });
}

/// A caller that is handed out of its work, for helpers that outlive it.
fn helped() -> (Shield<()>, BoxTask, Caller) {
    let out = RefCell::new(None);
    let (shield, task) = shielded_with(|caller| {
        out.replace(Some(caller));
        async {}
    });
    (shield, task, out.take().unwrap())
}

/// Scenario 49.
#[test]
fn the_shield_is_dropped_while_several_wait_for_that() {
    bounded(3, || {
        let (shield, task, caller) = helped();
        drop(task);
        let gone = caller.gone();
        let one = thread::spawn(move || block_on(gone));
        let other = thread::spawn(move || block_on(caller.gone()));
        drop(shield);
        one.join().unwrap();
        other.join().unwrap();
    });
}

/// Scenario 49.
#[test]
fn a_waiter_leaves_while_the_other_is_told() {
    bounded(4, || {
        let (shield, task, caller) = helped();
        drop(task);
        let mut left = caller.gone();
        let leaves = thread::spawn(move || drop((poll_once(&mut left), left)));
        let waits = thread::spawn(move || block_on(caller.gone()));
        drop(shield);
        leaves.join().unwrap();
        waits.join().unwrap();
    });
}

/// Scenario 15, of `gone()`: it is polled with one waker after another while the shield is dropped.
#[test]
fn a_waiter_changes_its_waker_while_it_is_told() {
    loom::model(|| {
        let (shield, task, caller) = helped();
        drop(task);
        let mut gone = caller.gone();
        let waits = thread::spawn(move || {
            if poll_once(&mut gone).is_pending() {
                block_on(gone);
            }
        });
        drop(shield);
        waits.join().unwrap();
    });
}

/// Scenario 51b.
#[test]
fn delivery_tells_a_helper_that_waits() {
    bounded(4, || {
        let (shield, task, caller) = helped();
        let work = in_a_thread(task);
        let helper = thread::spawn(move || block_on(caller.gone()));
        block_on(shield);
        work.join().unwrap();
        helper.join().unwrap();
    });
}

/// Scenario 47.
#[test]
fn the_shield_is_dropped_while_a_window_is_open() {
    loom::model(|| {
        dropped_while(async |caller| {
            let drops = Count::default();
            let held = drops.drop_of();
            let inside = async move {
                let _held = held;
                pending::<()>().await;
            };
            caller.run_until_gone(inside).await.is_none() && caller.is_gone() && drops.get() == 1
        });
    });
}

/// Scenarios 47 and 48: the window's future begins only while the caller is there, and what it gives is not lost.
#[test]
fn the_shield_is_dropped_while_a_window_opens_and_closes() {
    loom::model(|| {
        dropped_while(async |caller| {
            let was_gone = caller.is_gone();
            let (begun, ended) = (Count::default(), Count::default());
            let (begins, ends) = (begun.clone(), ended.clone());
            let answer = caller
                .run_until_gone(async move {
                    begins.add();
                    yield_once().await;
                    ends.add();
                })
                .await;
            let lost = answer.is_none() && ended.get() == 1;
            let begun_alone = was_gone && begun.get() == 1;
            let cut_off_early = answer.is_none() && !caller.is_gone();
            !lost && !begun_alone && !cut_off_early
        });
    });
}

/// Scenario 50.
#[test]
fn the_shield_is_dropped_while_grace_waits_to_be_given() {
    loom::model(|| {
        dropped_while(async |caller| {
            let (made, early) = (Count::default(), Count::default());
            let clock = || {
                if caller.is_gone() { &made } else { &early }.add();
                async {}
            };
            let answer = caller.run_with_grace(pending::<()>(), clock).await;
            answer.is_none() && (made.get(), early.get()) == (1, 0)
        });
    });
}

// The tracker.

/// Spawns through `tracker`, from one call site in all models.
fn tracked<F>(tracker: &Tracker<&Slot>, slot: &Slot, future: F) -> BoxTask
where
    F: Future<Output = ()> + Send + 'static,
{
    future.shield(tracker).detach();
    slot.take()
}

/// The second ending of a model: whoever waits runs it here while `tasks` run on threads of their own.
fn waits_for(tasks: impl IntoIterator<Item = BoxTask>, tracker: &Tracker<&Slot>) {
    let threads: Vec<_> = tasks.into_iter().map(in_a_thread).collect();
    block_on(tracker.wait());
    assert!(tracker.is_empty());
    assert!(tracker.unfinished().is_empty());
    threads.into_iter().for_each(|thread| thread.join().unwrap());
}

/// Scenario 58: the last entry leaves while somebody starts to wait; and what the work did is there to read after.
#[test]
fn the_last_entry_leaves_while_somebody_waits() {
    loom::model(|| {
        let slot = Slot::default();
        let tracker = Tracker::new(&slot);
        let written = loom::sync::Arc::new(LoomBool::new(false));
        let writes = loom::sync::Arc::clone(&written);
        let task = tracked(&tracker, &slot, async move { writes.store(true, Ordering::Relaxed) });
        let work = in_a_thread(task);
        block_on(tracker.wait());
        assert!(written.load(Ordering::Relaxed));
        assert!(tracker.unfinished().is_empty());
        work.join().unwrap();
    });
}

/// Scenario 58: an entry stays until its hook has run.
#[test]
fn a_hook_runs_before_its_entry_leaves() {
    loom::model(|| {
        let slot = Slot::default();
        let tracker = Tracker::new(&slot);
        let told = loom::sync::Arc::new(LoomBool::new(false));
        let tells = loom::sync::Arc::clone(&told);
        async {}
            .shield(&tracker)
            .on_orphan(move |_| tells.store(true, Ordering::Relaxed))
            .detach();
        let work = in_a_thread(slot.take());
        block_on(tracker.wait());
        assert!(told.load(Ordering::Relaxed));
        work.join().unwrap();
    });
}

/// Scenario 58: what each of two did is there to read, whichever was the last.
#[test]
fn two_entries_leave_at_once_while_somebody_waits() {
    bounded(4, || {
        let slot = Slot::default();
        let tracker = Tracker::new(&slot);
        let written = loom::sync::Arc::new([LoomBool::new(false), LoomBool::new(false)]);
        let tasks = [0, 1].map(|index| {
            let writes = loom::sync::Arc::clone(&written);
            tracked(
                &tracker,
                &slot,
                async move { writes[index].store(true, Ordering::Relaxed) },
            )
        });
        let threads = tasks.map(in_a_thread);
        block_on(tracker.wait());
        assert!(written.iter().all(|flag| flag.load(Ordering::Relaxed)));
        threads.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// Scenario 58.
#[test]
fn the_last_entry_leaves_while_two_wait() {
    bounded(3, || {
        let slot = Slot::default();
        let tracker = Tracker::new(&slot);
        let task = tracked(&tracker, &slot, async {});
        let other = tracker.wait();
        let waits = thread::spawn(move || block_on(other));
        waits_for([task], &tracker);
        waits.join().unwrap();
    });
}

/// Scenario 58: one that has stopped waiting takes nothing from the other.
#[test]
fn the_last_entry_leaves_while_one_of_two_stops_waiting() {
    bounded(3, || {
        let slot = Slot::default();
        let tracker = Tracker::new(&slot);
        let task = tracked(&tracker, &slot, async {});
        let mut other = tracker.wait();
        let leaves = thread::spawn(move || drop((poll_once(&mut other), other)));
        waits_for([task], &tracker);
        leaves.join().unwrap();
    });
}

/// Scenario 58: work that is added by work that still runs is waited for.
#[test]
fn work_is_added_while_somebody_waits() {
    loom::model(|| {
        let slot = Slot::default();
        let tracker = Tracker::new(&slot);
        let written = loom::sync::Arc::new(LoomBool::new(false));
        let writes = loom::sync::Arc::clone(&written);
        let first = tracked(&tracker, &slot, async {});
        let waiter = tracker.wait();
        let waits = thread::spawn(move || {
            block_on(waiter);
            assert!(written.load(Ordering::Relaxed));
        });
        // This thread is the executor: it spawns the second before it runs the first.
        let second = tracked(&tracker, &slot, async move { writes.store(true, Ordering::Relaxed) });
        block_on(first);
        block_on(second);
        waits.join().unwrap();
    });
}

/// Scenario 58: one entry comes and goes while the last one goes, in whichever order, and nobody waits for ever.
#[test]
fn entries_come_and_go_while_somebody_waits() {
    bounded(4, || {
        let slot = Slot::default();
        let tracker = Tracker::new(&slot);
        let first = tracked(&tracker, &slot, async {});
        let waiter = tracker.wait();
        let waits = thread::spawn(move || block_on(waiter));
        let work = in_a_thread(first);
        block_on(tracked(&tracker, &slot, async {}));
        work.join().unwrap();
        waits.join().unwrap();
        assert!(tracker.is_empty());
    });
}

/// Scenario 58: zero is passed twice, and the mark of who waits is neither lost nor taken from another.
#[test]
fn zero_is_passed_twice_while_two_wait() {
    bounded(2, || {
        let slot = Slot::default();
        let tracker = Tracker::new(&slot);
        let first = tracked(&tracker, &slot, async {});
        let waits = [tracker.wait(), tracker.wait()].map(|waiter| thread::spawn(move || block_on(waiter)));
        block_on(first);
        block_on(tracked(&tracker, &slot, async {}));
        waits.into_iter().for_each(|thread| thread.join().unwrap());
    });
}

/// Scenario 58: with a deadline that never comes, draining is waiting.
#[test]
fn the_last_entry_leaves_while_it_is_drained() {
    loom::model(|| {
        let slot = Slot::default();
        let tracker = Tracker::new(&slot);
        let work = in_a_thread(tracked(&tracker, &slot, async {}));
        assert_eq!(block_on(Box::pin(tracker.drain(pending::<()>()))), Ok(()));
        work.join().unwrap();
    });
}

/// Scenario 58: the deadline comes while the last entry leaves, and `Err` is never empty.
#[test]
fn the_deadline_comes_while_the_last_entry_leaves() {
    loom::model(|| {
        let slot = Slot::default();
        let tracker = Tracker::new(&slot);
        let work = in_a_thread(tracked(&tracker, &slot, async {}));
        if let Err(unfinished) = block_on(Box::pin(tracker.drain(async {}))) {
            assert_eq!(unfinished.len(), 1);
        }
        work.join().unwrap();
    });
}

// The inline mode.

/// Scenarios 5 and 58: work that its caller leaves half-way goes on on another thread, and is counted from there.
#[test]
fn an_orphan_goes_on_elsewhere_while_it_is_waited_for() {
    loom::model(|| {
        let slot = Slot::default();
        let tracker = Tracker::new(&slot);
        let told = loom::sync::Arc::new(LoomBool::new(false));
        let tells = loom::sync::Arc::clone(&told);
        let mut shield = yield_once()
            .shield_on_drop(&tracker)
            .on_orphan(move |outcome| tells.store(outcome.is_ok(), Ordering::Relaxed));
        assert!(poll_once(&mut shield).is_pending());
        drop(shield);
        let work = in_a_thread(slot.take());
        block_on(tracker.wait());
        assert!(told.load(Ordering::Relaxed));
        work.join().unwrap();
    });
}
