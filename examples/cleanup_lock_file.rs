//! A lock file that is always removed, and a draft that is removed unless it is published, however the work ends.
//! It ends in every way: by an early return, a panic, a cancellation, a cancellation of its cleanup, and as it should.
//! `cargo run --example cleanup_lock_file --features tokio`

#![expect(clippy::print_stdout, reason = "an example speaks to a person")]

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
type RemovedInTheEnd = Cleanup<PathBuf, io::Result<()>, Spawner>;

/// Creates the file, which must not be there yet, and guards it: left in whichever way, it is removed.
async fn create(spawner: Spawner, file: PathBuf, text: &'static str) -> io::Result<RemovedInTheEnd> {
    let mut created = OpenOptions::new().write(true).create_new(true).open(&file).await?;
    let guard = cleanup(spawner, file, |file| async move { fs::remove_file(file).await });
    created.write_all(text.as_bytes()).await?;
    created.flush().await?;
    Ok(guard)
}

/// Writes a draft under a lock, and puts it in the place of the report when it is complete.
async fn publish(spawner: &Spawner, dir: &Path, event: Event, hang_up: &Notify) -> io::Result<()> {
    // Shielded: dropped while the file is being created, `create` would leave it behind without a guard. If this fn is
    // dropped first, the guard is the output of an orphan, which is dropped, and removes the file.
    let lock = create(spawner.clone(), dir.join("lock"), "").shield(spawner).await?;
    let draft = create(spawner.clone(), dir.join("draft"), "all is well")
        .shield(spawner)
        .await?;

    match event {
        Event::Nothing => {}
        Event::Error => Err(ErrorKind::StorageFull)?,
        // As `panic!`, but that nothing is printed.
        Event::Panic => resume_unwind(Box::new("out of paper")),
        Event::Cancellation => {
            hang_up.notify_one();
            pending::<()>().await;
        }
        // Polled once, and dropped: what is left of the cleanup is spawned.
        Event::CancellationOfCleanup => return lock.run().now_or_never().unwrap_or(Ok(())),
    }
    fs::rename(&*draft, dir.join("report")).await?;
    draft.disarm(); // The commit: there is no draft any more that one would have to remove.

    // The lock is removed in the other endings, too. Only here does anybody wait for that.
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
