//! What each query must return now.

use crate::program::Id;

use super::*;

impl Model {
    /// The least and the most entries that tracker may count.
    pub fn len(&self, tracker: usize) -> (usize, usize) {
        let mut len = (0, 0);
        for (_, (least, most)) in self.counts(tracker) {
            len.0 += least;
            len.1 += most;
        }
        len
    }

    /// The least and the most that a tracker may count at each place.
    pub fn counts(&self, tracker: usize) -> BTreeMap<Line, (usize, usize)> {
        let mut counts = BTreeMap::<Line, (usize, usize)>::new();
        let works = self
            .works
            .values()
            .filter_map(|work| Some((work.trackers, work.place?, work.counted)));
        let directs = self
            .directs
            .values()
            .map(|direct| (direct.trackers, direct.place, direct.counted));
        for (trackers, place, counted) in works.chain(directs) {
            if counted != Tri::No && trackers.contains(&tracker) {
                let count = counts.entry(place).or_default();
                count.0 += counted.least();
                count.1 += counted.most();
            }
        }
        counts
    }

    /// The least and the most orphans of a tracker, at each place.
    pub fn orphans(&self, tracker: usize) -> BTreeMap<Line, (usize, usize)> {
        let mut orphans = BTreeMap::<Line, (usize, usize)>::new();
        for work in self.works.values().filter(|work| work.trackers.contains(&tracker)) {
            if let Some(place) = work.place {
                let count = orphans.entry(place).or_default();
                let orphan = work.orphan.and(work.counted);
                count.0 += orphan.least();
                count.1 += orphan.most();
            }
        }
        orphans
    }

    /// The least and the most that a tracker says of how orphans ended, at each place: finished,
    /// panicked, cancelled.
    pub fn endings(&self, tracker: usize) -> BTreeMap<Line, [(usize, usize); 3]> {
        let mut endings = BTreeMap::<Line, [(usize, usize); 3]>::new();
        for ((_, place), ended) in self.endings.range((tracker, FIRST)..(tracker + 1, FIRST)) {
            endings.insert(*place, *ended);
        }
        for work in self.works.values().filter(|work| work.trackers.contains(&tracker)) {
            if let (Some(place), Some(ending)) = (work.place, work.ending()) {
                let count = &mut endings.entry(place).or_default()[ending];
                let counts = work.was_orphan.and(work.end_counts);
                count.0 += counts.least();
                count.1 += counts.most();
            }
        }
        endings
    }

    /// Forgets works that have ended and that nobody can ask about.
    pub fn forget(&mut self, asked: impl Fn(Id, &Self) -> bool) {
        let ended: Vec<Id> = self
            .works
            .iter()
            .filter(|(_, work)| work.fate.is_some())
            .map(|(id, _)| *id)
            .collect();
        for id in ended {
            if asked(id, self) {
                continue;
            }
            let Some(work) = self.works.remove(&id) else { continue };
            if let (Some(place), Some(ending)) = (work.place, work.ending()) {
                for tracker in work.trackers {
                    let count = &mut self.endings.entry((*tracker, place)).or_default()[ending];
                    count.0 += work.was_orphan.least();
                    count.1 += work.was_orphan.most();
                }
            }
        }
    }

    /// How many clones of a waker the crate keeps. For the end of an operation.
    pub fn kept(&self, waker: usize) -> usize {
        let registrations = self
            .works
            .values()
            .map(|work| &work.registration)
            .chain(self.waiters.values().map(|waiter| &waiter.registration))
            .chain(self.sharers.values().map(|sharer| &sharer.registration))
            .chain(self.waits.values().map(|wait| &wait.registration));
        registrations.filter(|one| one.kept == Some(waker)).count()
    }
}
