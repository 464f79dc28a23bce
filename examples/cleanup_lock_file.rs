//! A lock file that is always removed, and a draft that is removed unless it is published, however
//! the work ends: by an early return, a panic, a cancellation, a cancellation of its cleanup, or
//! normally.
//! `cargo run --example cleanup_lock_file --features tokio`

#![expect(clippy::print_stdout, reason = "an example prints")]

use std::future::pending;
use std::io::{self, ErrorKind};
use std::panic::{AssertUnwindSafe, resume_unwind};
use std::path::{Path, PathBuf};

use futures_shield::{Cleanup, ShieldExt, Tokio, Tracker, cleanup};
use futures_util::FutureExt;
use tokio::fs::{self, OpenOptions};
use tokio::io::AsyncWriteExt;
use tokio::sync::Notify;

type Spawner = Tracker<Tokio>;
type RemovedOnDrop = Cleanup<PathBuf, io::Result<()>, Spawner>;

/// Creates the file, which must not exist yet, and guards it: it is removed in any case.
async fn create(spawner: Spawner, file: PathBuf, text: &'static str) -> io::Result<RemovedOnDrop> {
    let mut created = OpenOptions::new().write(true).create_new(true).open(&file).await?;
    let guard = cleanup(spawner, file, |file| async move { fs::remove_file(file).await });
    created.write_all(text.as_bytes()).await?;
    created.flush().await?;
    Ok(guard)
}

/// Writes a draft under a lock, and renames it to the report when it is complete.
async fn publish(spawner: &Spawner, dir: &Path, event: Event, hang_up: &Notify) -> io::Result<()> {
    // Shielded: if `create` were dropped while the file is being created, the file would be left
    // without a guard. If this fn is dropped first, the guard is the output of an orphan: it is
    // dropped, and removes the file.
    let lock = create(spawner.clone(), dir.join("lock"), "").shield(spawner).await?;
    let draft = create(spawner.clone(), dir.join("draft"), "all is well")
        .shield(spawner)
        .await?;

    match event {
        Event::Nothing => {}
        Event::Error => Err(ErrorKind::StorageFull)?,
        // Like `panic!`, but prints nothing.
        Event::Panic => resume_unwind(Box::new("out of paper")),
        Event::Cancellation => {
            hang_up.notify_one();
            pending::<()>().await;
        }
        // The cleanup is polled once and dropped: the rest of it is spawned.
        Event::CancellationOfCleanup => return lock.run().now_or_never().unwrap_or(Ok(())),
    }
    fs::rename(&*draft, dir.join("report")).await?;
    draft.disarm(); // The commit: the draft no longer exists.

    // The lock is removed in the other endings, too, but only here does the caller wait for it.
    lock.run().await
}

/// What happens while the draft is there.
#[derive(Clone, Copy, Debug)]
enum Event {
    Error,
    Panic,
    Cancellation,
    CancellationOfCleanup,
    Nothing,
}

#[tokio::main]
async fn main() -> io::Result<()> {
    let dir = tempfile::tempdir()?;
    let spawner = Tracker::new(Tokio::current());

    println!("{:<24}{:<34}files afterwards", "what happens", "how it ended");
    for (event, expected) in [
        (Event::Error, &[][..]),
        (Event::Panic, &[]),
        (Event::Cancellation, &[]),
        (Event::CancellationOfCleanup, &[]),
        (Event::Nothing, &["report"]),
    ] {
        let hang_up = Notify::new();
        let work = publish(&spawner, dir.path(), event, &hang_up);
        let ended = tokio::select! {
            ended = AssertUnwindSafe(work).catch_unwind() => match ended {
                Ok(Ok(())) => "returned Ok".to_owned(),
                Ok(Err(error)) => format!("returned Err: {error}"),
                Err(_) => "panicked".to_owned(),
            },
            () = hang_up.notified() => "was dropped".to_owned(),
        };
        // An early return cannot wait for a cleanup, but the tracker can.
        spawner.wait().await;

        let files = files(dir.path())?;
        println!("{:<24}{ended:<34}{files:?}", format!("{event:?}"));
        assert_eq!(files, expected);
    }
    Ok(())
}

fn files(dir: &Path) -> io::Result<Vec<String>> {
    let names = std::fs::read_dir(dir)?.map(|file| Ok(file?.file_name().to_string_lossy().into_owned()));
    names.collect()
}

#[cfg(all(test, feature = "testing"))]
mod tests {
    use futures_shield::testing::cancel_at_every_await;

    use super::*;

    /// Whenever it is cancelled, there is a report or nothing.
    #[tokio::test]
    async fn nothing_is_left_but_the_report() {
        let (dir, spawner) = (tempfile::tempdir().unwrap(), Tracker::new(Tokio::current()));
        let never = Notify::new();
        for event in [Event::Nothing, Event::Error] {
            let publish = || publish(&spawner, dir.path(), event, &never);
            let check = async |_| {
                spawner.wait().await;
                let files = files(dir.path()).unwrap();
                assert!(files.is_empty() || files == ["report"], "{files:?} are left");
            };
            assert!(cancel_at_every_await(publish, check).await > 1);
        }
    }

    /// Dropped between the creation of the file and that of its guard, it leaves the file behind.
    #[tokio::test]
    #[should_panic(expected = "the lock is left")]
    async fn creating_it_needs_the_shield() {
        let (dir, spawner) = (tempfile::tempdir().unwrap(), Tracker::new(Tokio::current()));
        let create = || create(spawner.clone(), dir.path().join("lock"), "");
        let check = async |_| {
            spawner.wait().await;
            assert!(files(dir.path()).unwrap().is_empty(), "the lock is left");
        };
        // If the file is created at once, there is no suspension to drop it at.
        for _ in 0..100 {
            cancel_at_every_await(create, check).await;
        }
    }
}
