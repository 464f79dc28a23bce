//! Printing that neither panics nor waits.
//!
//! `println!` panics if a pipe is closed, and waits if a pipe is full. In `checkout serve | less`
//! either may happen at any time, and either would cost orders that are still running. So a thread
//! for stdout and one for stderr write what is printed. If nobody reads, these threads wait, and
//! what is printed after that is dropped and counted.
//!
//! (tracing-appender does the same for logs. But if its queue is full at the end, it reports that
//! with `println!`.)

use std::fmt::{self, Arguments};
use std::io::{self, Write};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use crossbeam_channel::{RecvTimeoutError, Sender, bounded};

/// How many texts may wait to be written.
const MOST: usize = 10_000;

/// How long [`finish`] waits for a pipe that nobody reads.
const MOMENT: Duration = Duration::from_millis(500);

static STDOUT: LazyLock<Printer> = LazyLock::new(|| Printer::new(io::stdout()));
static STDERR: LazyLock<Printer> = LazyLock::new(|| Printer::new(io::stderr()));

/// Prints a line to stdout, as `println!` does.
#[macro_export]
macro_rules! say {
    ($($arg:tt)*) => { $crate::say::to_stdout(format_args!("{}\n", format_args!($($arg)*))) };
}

pub fn to_stdout(text: Arguments<'_>) {
    STDOUT.print(text.to_string().into_bytes());
}

pub fn to_stderr(text: Arguments<'_>) {
    STDERR.print(text.to_string().into_bytes());
}

/// Waits until everything is written, but not for long. What is left is lost, and counted on
/// stderr.
pub fn finish() {
    let deadline = Instant::now() + MOMENT;
    let unread = STDOUT.finish(deadline);
    if unread > 0 {
        to_stderr(format_args!("checkout: {}\n", Lost(unread)));
    }
    STDERR.finish(deadline.max(Instant::now() + MOMENT / 5));
}

/// Stdout, for a subscriber of `tracing`, which writes each line with one call.
#[derive(Debug)]
pub struct Stdout;

impl Write for Stdout {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        STDOUT.print(line.to_owned());
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

enum Job {
    Write(Vec<u8>),
    /// Drops the sender when everything before it is written.
    Finish(Sender<()>),
}

struct Printer {
    jobs: Sender<Job>,
    lost: AtomicUsize,
}

impl Printer {
    fn new(mut to: impl Write + Send + 'static) -> Self {
        let (jobs, queue) = bounded(MOST);
        thread::spawn(move || {
            for job in queue {
                match job {
                    // If the pipe is closed, the text is lost, and nobody misses it.
                    Job::Write(text) => drop(to.write_all(&text).and_then(|()| to.flush())),
                    Job::Finish(written) => drop(written),
                }
            }
        });
        Self {
            jobs,
            lost: AtomicUsize::new(0),
        }
    }

    fn print(&self, text: Vec<u8>) {
        // Once there is room again, a line at the gap says how much is missing.
        let lost = self.lost.swap(0, Ordering::Relaxed);
        let gap = Job::Write(format!("{}\n", Lost(lost)).into_bytes());
        if lost > 0 && self.jobs.try_send(gap).is_err() {
            self.lost.fetch_add(lost, Ordering::Relaxed);
        }
        if self.jobs.try_send(Job::Write(text)).is_err() {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }

    /// Waits until everything is written. Returns how many texts are not written by the deadline.
    fn finish(&self, deadline: Instant) -> usize {
        let (written, all) = bounded(0);
        let lost = || self.lost.load(Ordering::Relaxed);
        if self.jobs.send_deadline(Job::Finish(written), deadline).is_err() {
            // One more text is being written.
            return self.jobs.len() + 1 + lost();
        }
        match all.recv_deadline(deadline) {
            Err(RecvTimeoutError::Timeout) => self.jobs.len() + lost(),
            _ => lost(),
        }
    }
}

struct Lost(usize);

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "nobody reads the output: {} lines of it are lost", self.0)
    }
}

#[cfg(test)]
mod tests {
    use crossbeam_channel::{Receiver, unbounded};

    use super::*;

    /// A pipe that takes a text only while its gate is open.
    struct Pipe {
        gate: Receiver<()>,
        read: Sender<Vec<u8>>,
    }

    impl Write for Pipe {
        fn write(&mut self, text: &[u8]) -> io::Result<usize> {
            let _ = self.gate.recv();
            self.read.send(text.to_owned()).map_err(io::Error::other)?;
            Ok(text.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_nobody_reads_is_counted_where_it_is_lost() {
        let ((closed, gate), (read, reader)) = (bounded(0), unbounded());
        let printer = Printer::new(Pipe { gate, read });
        let all_taken = || {
            while !printer.jobs.is_empty() {
                thread::yield_now();
            }
        };
        printer.print(b"first\n".to_vec());
        all_taken();
        (0..MOST + 3).for_each(|_| printer.print(b"more\n".to_vec()));
        assert_eq!(printer.finish(Instant::now()), 1 + MOST + 3);

        drop(closed);
        all_taken();
        printer.print(b"last\n".to_vec());
        assert_eq!(printer.finish(Instant::now() + Duration::from_secs(30)), 0);
        let texts: Vec<_> = reader.try_iter().collect();
        let lost = b"nobody reads the output: 3 lines of it are lost\n".to_vec();
        assert_eq!(texts[MOST + 1..], [lost, b"last\n".to_vec()]);
    }
}
