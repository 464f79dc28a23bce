//! The ledger: each token's beginning and end, and where each outcome went.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use crate::model::Kind;
use crate::program::Id;

/// Locks, even after a panic.
pub fn locked<T: ?Sized>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What happened to the outcome of one work.
#[derive(Clone, Debug, Default)]
pub struct Fate {
    /// It must end: its future was handed over, or was polled.
    pub began: bool,
    /// Its caller never got a handle, because making it panicked.
    pub unmade: bool,
    pub delivered: u32,
    pub hooked: u32,
    /// Its output was dropped by the crate.
    pub dropped: u32,
    /// A hook was accepted before the outcome was delivered.
    pub has_hook: bool,
    /// It has several waiters: each gets a clone.
    pub shared: bool,
    /// The guard was disarmed: it never ran.
    pub disarmed: bool,
    /// The drop of its future panicked, and its output was dropped on the way.
    pub lost: bool,
}

#[derive(Default)]
pub struct Record {
    alive: Mutex<BTreeMap<(Kind, Id), u32>>,
    ended: Condvar,
    fates: Mutex<BTreeMap<Id, Fate>>,
    failure: Mutex<Option<String>>,
}

/// How many outcomes went where.
#[derive(Default)]
pub struct Counts {
    pub delivered: u64,
    pub hooked: u64,
    pub dropped: u64,
}

impl Record {
    pub fn begins(&self, kind: Kind, id: Id) {
        *locked(&self.alive).entry((kind, id)).or_default() += 1;
    }

    pub fn ends(&self, kind: Kind, id: Id) {
        let mut alive = locked(&self.alive);
        match alive.get_mut(&(kind, id)) {
            Some(1) => {
                alive.remove(&(kind, id));
                if alive.is_empty() {
                    self.ended.notify_all();
                }
            }
            Some(count) => *count -= 1,
            None => {
                drop(alive);
                self.fail(format!("{kind:?} {id} ended twice"));
            }
        }
    }

    /// Waits, for so long at most, until every token has ended.
    pub fn wait(&self, patience: Duration) -> bool {
        let alive = locked(&self.alive);
        let waited = self
            .ended
            .wait_timeout_while(alive, patience, |alive| !alive.is_empty());
        waited.unwrap_or_else(PoisonError::into_inner).0.is_empty()
    }

    pub fn fate(&self, id: Id, change: impl FnOnce(&mut Fate)) {
        change(locked(&self.fates).entry(id).or_default());
    }

    pub fn fail(&self, failure: String) {
        locked(&self.failure).get_or_insert(failure);
    }

    /// Everything is over: was each outcome in one place?
    pub fn judge(&self) -> Result<Counts, String> {
        if let Some(failure) = locked(&self.failure).take() {
            return Err(failure);
        }
        if let Some(((kind, id), _)) = locked(&self.alive).first_key_value() {
            return Err(format!("{kind:?} {id} never ended"));
        }
        let mut counts = Counts::default();
        for (id, fate) in locked(&self.fates).iter() {
            let somewhere = fate.delivered + fate.hooked;
            let owed = fate.began && !fate.unmade && !fate.disarmed && fate.has_hook;
            let too_often = if fate.shared {
                fate.hooked > 1 || fate.hooked == 1 && fate.delivered > 0
            } else {
                somewhere + fate.dropped > 1
            };
            if too_often
                || owed && somewhere == 0
                || !fate.shared && owed && somewhere != 1
                || !fate.has_hook && fate.hooked > 0
            {
                return Err(format!("the outcome of {id}: {fate:?}"));
            }
            counts.delivered += u64::from(fate.delivered);
            counts.hooked += u64::from(fate.hooked);
            counts.dropped += u64::from(fate.dropped);
        }
        Ok(counts)
    }
}
