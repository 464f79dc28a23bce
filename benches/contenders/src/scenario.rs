//! What is done with a protected future, many times.

use std::fs;
use std::future::poll_fn;
use std::hint::black_box;
use std::mem;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::Poll;
use std::thread;
use std::time::{Duration, Instant};

use cpu_time::{ProcessTime, ThreadTime};
use tokio::runtime::Builder;

use crate::home::leaked;
use crate::{Contender, Home, work};

/// Runs a scenario with a number of operations, and returns the processor time they took (which, unlike the time on a wall, does
/// not run while the machine does something else), or `None` if this run is to be discarded.
pub(crate) type Scenario = fn(usize) -> Option<Duration>;

const KIB: usize = 1024;

pub(crate) fn named<C: Contender>(name: &str) -> Option<Scenario> {
    Some(match name {
        // Not in release: it would double what is compiled, for nothing.
        #[cfg(debug_assertions)]
        "stack" => stack::<C>,
        "ready" => ready::<C>,
        "partway" => partway::<C>,
        "held" => held::<C>,
        "crowd" => crowd::<C>,
        "workers" => workers::<C>,
        "2100B" => large::<C, 2_100>,
        "8KiB" => large::<C, { 8 * KIB }>,
        "20KiB" => large::<C, { 20 * KIB }>,
        "256KiB" => large::<C, { 256 * KIB }>,
        #[cfg(feature = "tracing")]
        "ready_subscribed" => |operations| crate::subscriber::with(|| ready::<C>(operations)),
        #[cfg(feature = "tracing")]
        "partway_subscribed" => |operations| crate::subscriber::with(|| partway::<C>(operations)),
        _ => return None,
    })
}

/// The work is ready when it is first polled; it is awaited.
fn ready<C: Contender>(operations: usize) -> Option<Duration> {
    C::Home::block_on(async |home| {
        let start = ProcessTime::now();
        for _ in 0..operations {
            black_box(C::protect(home, work::ready::<u64>).await);
        }
        Some(start.elapsed())
    })
}

/// The caller is dropped while the work is suspended; then the work continues to its end.
fn partway<C: Contender>(operations: usize) -> Option<Duration> {
    C::Home::block_on(async |home| {
        let before = work::ended();
        let start = ProcessTime::now();
        for _ in 0..operations {
            let mut caller = C::protect(home, work::partway::<u32>);
            poll_once(&mut caller).await;
            // If it runs as a task, the work is polled here.
            work::yield_now().await;
            drop(caller);
            work::wake_all();
            work::yield_now().await;
        }
        let spent = start.elapsed();
        assert_eq!(work::ended() - before, operations, "the work of each caller continues");
        Some(spent)
    })
}

/// As many callers as there are operations are alive at once; then all of them are dropped, and then all work ends.
fn crowd<C: Contender>(operations: usize) -> Option<Duration> {
    C::Home::block_on(async |home| {
        let all = work::ended() + operations;
        let start = ProcessTime::now();
        let mut callers = Vec::with_capacity(operations);
        for _ in 0..operations {
            let mut caller = C::protect(home, work::partway::<u16>);
            poll_once(&mut caller).await;
            work::yield_now().await;
            callers.push(caller);
        }
        drop(callers);
        work::wake_all();
        while work::ended() < all {
            work::yield_now().await;
        }
        Some(start.elapsed())
    })
}

/// As many callers as there are operations are held until the process ends: what the heap holds then is theirs.
fn held<C: Contender>(operations: usize) -> Option<Duration> {
    C::Home::block_on(async |home| {
        for _ in 0..operations {
            let mut caller = C::protect(home, work::pending);
            poll_once(&mut caller).await;
            work::yield_now().await;
            mem::forget(caller);
        }
        None
    })
}

/// The work is a future of `N` bytes, which suspends once; it is awaited.
fn large<C: Contender, const N: usize>(operations: usize) -> Option<Duration> {
    C::Home::block_on(async |home| {
        let start = ProcessTime::now();
        for _ in 0..operations {
            black_box(C::protect(home, work::large::<N>).await);
        }
        Some(start.elapsed())
    })
}

/// `ready` by two drivers at once, each on its own worker of one runtime.
///
/// tokio may move a driver to the other worker, and then one worker has both of them and the other one has nothing to do: that is
/// not what is measured here. So each driver blocks its worker until the other one has started, which puts them on different
/// workers; keeps its worker busy until the other one has done its operations, so that no idle worker looks for work to steal;
/// and compares the thread after each operation.
///
/// A run is discarded if a driver has moved; if the system has let something else run in place of a driver, because the other one
/// was alone meanwhile; and if the other driver does not start, because tokio, which does not know that a worker is blocked, has
/// not woken the other worker.
fn workers<C: Contender>(operations: usize) -> Option<Duration> {
    let runtime = Builder::new_multi_thread().worker_threads(2).build();
    runtime.expect("a runtime without drivers").block_on(async {
        let home: &C::Home = leaked();
        let shared = Arc::new((AtomicUsize::new(0), AtomicUsize::new(0)));
        let drivers = [(); 2].map(|()| {
            let shared = Arc::clone(&shared);
            tokio::spawn(async move {
                let (started, ended) = &*shared;
                let worker = thread::current().id();
                let mut stayed = true;
                let preempted = preemptions();
                started.fetch_add(1, Ordering::Relaxed);
                let waiting = Instant::now();
                while started.load(Ordering::Relaxed) < 2 {
                    if waiting.elapsed() > Duration::from_millis(20) {
                        ended.fetch_add(1, Ordering::Relaxed);
                        return None;
                    }
                }
                let start = ThreadTime::now().as_duration();
                for _ in 0..operations {
                    black_box(C::protect(home, work::ready::<i64>).await);
                    stayed &= thread::current().id() == worker;
                }
                let spent = stayed.then(|| ThreadTime::now().as_duration() - start);
                ended.fetch_add(1, Ordering::Relaxed);
                while ended.load(Ordering::Relaxed) < 2 {
                    black_box(C::protect(home, work::ready::<i64>).await);
                }
                spent.filter(|_| preemptions() == preempted)
            })
        });
        let mut spent = Vec::new();
        for driver in drivers {
            spent.push(driver.await.expect("no operation panics"));
        }
        let total: Duration = spent.into_iter().sum::<Option<_>>()?;
        Some(total / 2)
    })
}

/// How often the system has taken the processor from this thread. Only Linux tells.
fn preemptions() -> Option<usize> {
    let status = fs::read_to_string("/proc/thread-self/status").ok()?;
    let count = status
        .lines()
        .find_map(|line| line.strip_prefix("nonvoluntary_ctxt_switches:"))?;
    Some(count.trim().parse().expect("a count"))
}

async fn poll_once<F: Future + Unpin>(future: &mut F) {
    poll_fn(|cx| {
        let ended = Pin::new(&mut *future).poll(cx).is_ready();
        assert!(!ended, "it is suspended");
        Poll::Ready(())
    })
    .await;
}

/// Awaits work of as many KiB on a thread with a stack of 2 MiB. If the stack overflows, the process is killed.
#[cfg(debug_assertions)]
fn stack<C: Contender>(kib: usize) -> Option<Duration> {
    fn of<C: Contender, const N: usize>() {
        C::Home::block_on(async |home| {
            let work = work::large::<N>();
            black_box(C::protect(home, move || work).await);
        });
    }

    macro_rules! sizes {
        ($($kib:literal)*) => {
            match kib {
                $($kib => of::<C, { $kib * KIB }>,)*
                _ => panic!("there is no future of {kib} KiB"),
            }
        };
    }
    // The same list as in the report's stack.rs.
    let run: fn() = sizes!(32 64 96 128 160 192 224 256 288 320 384 448 512);
    let thread = thread::Builder::new().stack_size(2 * KIB * KIB).spawn(run);
    thread.expect("a thread").join().expect("it does not panic");
    None
}
