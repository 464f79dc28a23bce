//! The steps of the handlers under test, in the order in which they happen.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};

use super::timely;

/// Receives the steps, and lets handlers through their gate.
pub struct Steps {
    told: mpsc::UnboundedReceiver<&'static str>,
    reporter: Reporter,
}

/// Reports steps from inside a handler.
#[derive(Clone)]
pub struct Reporter {
    tell: mpsc::UnboundedSender<&'static str>,
    gate: Arc<Semaphore>,
}

/// Reports a step when it is dropped.
pub struct AtDrop(Reporter, &'static str);

impl Steps {
    pub fn new() -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        let gate = Arc::new(Semaphore::new(0));
        Self {
            told,
            reporter: Reporter { tell, gate },
        }
    }

    pub fn reporter(&self) -> Reporter {
        self.reporter.clone()
    }

    /// Lets one handler through.
    pub fn open(&self) {
        self.reporter.gate.add_permits(1);
    }

    /// Asserts that the next steps are these, in this order.
    pub async fn expect(&mut self, steps: &[&str]) {
        for step in steps {
            assert_eq!(timely(self.told.recv()).await, Some(*step));
        }
    }

    /// Returns the next step, if it has happened.
    pub fn try_next(&mut self) -> Option<&'static str> {
        self.told.try_recv().ok()
    }

    /// Asserts that no step has happened that was not expected.
    pub fn expect_nothing(&mut self) {
        assert_eq!(self.try_next(), None);
    }
}

impl Reporter {
    pub fn report(&self, step: &'static str) {
        let _ = self.tell.send(step);
    }

    pub fn at_drop(&self, step: &'static str) -> AtDrop {
        AtDrop(self.clone(), step)
    }

    /// A handler: "inside", then it waits at the gate, then "completed"; and "dropped" when its
    /// future is.
    pub async fn handle(self) -> &'static str {
        let _dropped = self.at_drop("dropped");
        self.report("inside");
        self.gate.acquire().await.unwrap().forget();
        self.report("completed");
        "receipt"
    }
}

impl Drop for AtDrop {
    fn drop(&mut self) {
        self.0.report(self.1);
    }
}
