//! The steps of the handlers under test, in the order in which they happen.

use std::sync::Arc;

use tokio::sync::{Semaphore, mpsc};

use super::timely;

/// Receives the steps, and lets handlers through their gate.
pub struct Story {
    told: mpsc::UnboundedReceiver<&'static str>,
    narrator: Narrator,
}

/// Reports steps from inside a handler.
#[derive(Clone)]
pub struct Narrator {
    tell: mpsc::UnboundedSender<&'static str>,
    gate: Arc<Semaphore>,
}

/// Reports a step when it is dropped.
pub struct AtDrop(Narrator, &'static str);

impl Story {
    pub fn new() -> Self {
        let (tell, told) = mpsc::unbounded_channel();
        let gate = Arc::new(Semaphore::new(0));
        Self {
            told,
            narrator: Narrator { tell, gate },
        }
    }

    pub fn narrator(&self) -> Narrator {
        self.narrator.clone()
    }

    /// Lets one handler through.
    pub fn open(&self) {
        self.narrator.gate.add_permits(1);
    }

    /// Asserts that the next steps are these, in this order.
    pub async fn expect(&mut self, steps: &[&str]) {
        for step in steps {
            assert_eq!(timely(self.told.recv()).await, Some(*step));
        }
    }

    /// Asserts that no step has happened that was not expected.
    pub fn expect_nothing(&mut self) {
        assert_eq!(self.told.try_recv().ok(), None);
    }
}

impl Narrator {
    pub fn say(&self, step: &'static str) {
        let _ = self.tell.send(step);
    }

    pub fn at_drop(&self, step: &'static str) -> AtDrop {
        AtDrop(self.clone(), step)
    }

    /// A handler: "inside", then it waits at the gate, then "completed"; and "dropped" when its
    /// future is.
    pub async fn handle(self) -> &'static str {
        let _dropped = self.at_drop("dropped");
        self.say("inside");
        self.gate.acquire().await.unwrap().forget();
        self.say("completed");
        "receipt"
    }
}

impl Drop for AtDrop {
    fn drop(&mut self) {
        self.0.say(self.1);
    }
}
