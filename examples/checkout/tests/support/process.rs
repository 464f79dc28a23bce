//! The real `checkout` binary as a child process: what it prints, signals to it, and how it ends.

#![allow(dead_code, reason = "not every test that includes this file uses all of it")]

use std::net::SocketAddr;
use std::process::{ExitStatus, Stdio};

use checkout::within::within;
use tokio::io::{AsyncBufReadExt, AsyncReadExt, BufReader};
use tokio::process::{Child, ChildStderr, ChildStdout, Command};
use tokio::sync::mpsc::{self, UnboundedReceiver};
use tokio::task::JoinHandle;

pub(crate) struct Process {
    pub(crate) child: Child,
    /// Lines of its stdout that `says` has not looked at. They are read as they come, so that its
    /// pipe is never full.
    lines: UnboundedReceiver<String>,
    stdout: JoinHandle<BufReader<ChildStdout>>,
    pub(crate) stderr: ChildStderr,
}

/// How a process has ended.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: ExitStatus,
    /// The lines of its stdout that were not looked at before.
    pub(crate) stdout: Vec<String>,
    pub(crate) stderr: String,
}

impl Process {
    /// Runs `checkout` with these arguments.
    pub(crate) fn start<'a>(args: impl IntoIterator<Item = &'a str>) -> Self {
        Self::spawn(Command::new(env!("CARGO_BIN_EXE_checkout")).args(args))
    }

    pub(crate) fn spawn(command: &mut Command) -> Self {
        let mut child = command
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap()).lines();
        let stderr = child.stderr.take().unwrap();
        let (sender, lines) = mpsc::unbounded_channel();
        let stdout = tokio::spawn(async move {
            while let Some(Ok(Some(line))) = tokio::select! {
                line = stdout.next_line() => Some(line),
                () = sender.closed() => None,
            } {
                let _ = sender.send(line);
            }
            stdout.into_inner()
        });
        Self {
            child,
            lines,
            stdout,
            stderr,
        }
    }

    /// Reads no more of its stdout. The pipe is closed when what this returns is dropped.
    pub(crate) async fn stop_reading(&mut self) -> BufReader<ChildStdout> {
        self.lines.close();
        (&mut self.stdout).await.unwrap()
    }

    /// Reads what it prints, up to a line that contains `words`. Returns the lines, that one last.
    pub(crate) async fn says(&mut self, words: &str) -> Vec<String> {
        let mut read = Vec::new();
        let found = within(words, async {
            while let Some(line) = self.lines.recv().await {
                read.push(line);
                if read.last().is_some_and(|line| line.contains(words)) {
                    return true;
                }
            }
            false
        });
        match found.await {
            Ok(true) => read,
            Ok(false) => panic!("the process ended without a line with {words:?}: {read:?}"),
            Err(error) => panic!("{error}: {read:?}"),
        }
    }

    /// The address in the line that says that a server is open, and the lines before it.
    pub(crate) async fn address(&mut self) -> (SocketAddr, Vec<String>) {
        let mut lines = self.says(" is open on http://").await;
        let open = lines.pop().unwrap();
        let (_, address) = open.split_once("http://").unwrap();
        let (address, _) = address.split_once(',').unwrap();
        (address.parse().unwrap(), lines)
    }

    /// Sends a signal, by its name without `SIG`.
    pub(crate) async fn signal(&self, name: &str) {
        // It may have ended by itself, and then has no id.
        if let Some(id) = self.child.id() {
            let mut kill = Command::new("kill");
            kill.arg(format!("-{name}")).arg(id.to_string()).stderr(Stdio::null());
            kill.status().await.unwrap();
        }
    }

    /// Waits for its end.
    pub(crate) async fn end(mut self) -> Ended {
        let mut stderr = String::new();
        let read = within("the end of its stderr", self.stderr.read_to_string(&mut stderr)).await;
        read.unwrap().unwrap();
        let status = within("the end of the process", self.child.wait())
            .await
            .unwrap()
            .unwrap();
        let mut stdout = Vec::new();
        while let Some(line) = within("the end of its stdout", self.lines.recv()).await.unwrap() {
            stdout.push(line);
        }
        Ended { status, stdout, stderr }
    }
}
