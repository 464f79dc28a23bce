//! The rows, measured and judged.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

use crate::build::{Binaries, Program};
use crate::rows::{Metric, Row, Section, Target};
use crate::subject::Subject;
use crate::{Result, stack, turns, valgrind};

/// A row with its figures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Measured {
    pub(crate) row: Row,
    pub(crate) first: f64,
    pub(crate) second: f64,
    /// For instructions, the figure that the target is held against, but with glibc's malloc and free.
    pub(crate) with_malloc: Option<f64>,
    /// For times, the quartiles of the ratios of the rounds.
    pub(crate) quartiles: Option<[f64; 3]>,
}

impl Measured {
    /// What the target is held against.
    pub(crate) fn figure(&self) -> f64 {
        match self.quartiles {
            Some([_, median, _]) => median,
            None => self.row.target.compared(self.first, self.second),
        }
    }

    pub(crate) fn is_met(&self) -> bool {
        self.is_within(1.0)
    }

    /// Whether the run fails: counts gate at their targets, because they repeat, and times at 1.25 of theirs.
    pub(crate) fn is_broken(&self) -> bool {
        let slack = if self.row.metric == Metric::Time { 1.25 } else { 1.0 };
        let accepted = self.row.accepted.is_some_and(|(figure, _)| match self.row.target {
            Target::Least(_) => self.figure() >= figure,
            _ => self.figure() <= figure,
        });
        !self.is_within(slack) && !accepted
    }

    fn is_within(&self, slack: f64) -> bool {
        // What is shown is what is compared.
        match self.row.target {
            Target::Ratio(bound) => self.figure() < bound * slack + 0.000_5,
            Target::More(bound) => self.figure() < bound * slack + 0.5,
            Target::Least(bound) => self.figure() >= bound / slack,
            Target::None => true,
        }
    }
}

impl Target {
    fn compared(self, first: f64, second: f64) -> f64 {
        match self {
            Self::Ratio(_) | Self::None => first / second,
            Self::More(_) => first - second,
            Self::Least(_) => first,
        }
    }
}

/// What a subject is run under to be counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Counter {
    Callgrind,
    Dhat,
    Stack,
}

impl Metric {
    /// Which counter gives it, and which of that counter's figures it is.
    fn counted(self) -> Option<(Counter, usize)> {
        match self {
            Self::Instructions => Some((Counter::Callgrind, 0)),
            Self::InstructionsWithMalloc => Some((Counter::Callgrind, 1)),
            Self::Allocations => Some((Counter::Callgrind, 2)),
            Self::Bytes => Some((Counter::Dhat, 0)),
            Self::Stack => Some((Counter::Stack, 0)),
            Self::Time => None,
        }
    }
}

impl Counter {
    fn count(self, program: &Program) -> Result<Vec<f64>> {
        match self {
            Self::Callgrind => valgrind::instructions(program),
            Self::Dhat => valgrind::bytes(program),
            Self::Stack => stack::largest(program),
        }
    }
}

/// Builds what the sections need, and measures them: the counts first, on all cores at once, then the times, alone.
pub(crate) fn measure(sections: &[Section]) -> Result<Vec<Vec<Measured>>> {
    let rows = || sections.iter().flat_map(|section| &section.rows);
    let binaries = Binaries::build(&rows().flat_map(|row| [row.first, row.second]).collect())?;

    let jobs: BTreeSet<_> = rows()
        .filter_map(|row| Some((row.metric.counted()?.0, row)))
        .flat_map(|(counter, row)| [(counter, row.first), (counter, row.second)])
        .collect();
    let counts = in_parallel(&Vec::from_iter(jobs), |(counter, subject)| {
        counter.count(&binaries.program(subject))
    })?;

    let measure = |&row: &Row| {
        let Some((counter, index)) = row.metric.counted() else {
            return turns::measure(&binaries.program(row.first), &binaries.program(row.second)).map(|turns| Measured {
                row,
                first: turns.first,
                second: turns.second,
                with_malloc: None,
                quartiles: Some(turns.ratio),
            });
        };
        let [first, second] = [row.first, row.second].map(|subject| &counts[&(counter, subject)]);
        let with_malloc = (row.metric == Metric::Instructions).then(|| {
            Metric::InstructionsWithMalloc
                .counted()
                .map(|(_, index)| row.target.compared(first[index], second[index]))
        });
        Ok(Measured {
            row,
            first: first[index],
            second: second[index],
            with_malloc: with_malloc.flatten(),
            quartiles: None,
        })
    };
    let measured = sections
        .iter()
        .map(|section| section.rows.iter().map(measure).collect());
    measured.collect()
}

type Job = (Counter, Subject);

/// Does the jobs, on as many threads as there are cores.
fn in_parallel(jobs: &[Job], run: impl Fn(Job) -> Result<Vec<f64>> + Sync) -> Result<BTreeMap<Job, Vec<f64>>> {
    let next = AtomicUsize::new(0);
    let results = Mutex::new(Vec::new());
    thread::scope(|scope| {
        for _ in 0..thread::available_parallelism().map_or(1, usize::from) {
            scope.spawn(|| {
                while let Some(&job) = jobs.get(next.fetch_add(1, Ordering::Relaxed)) {
                    // An error may not be sent to another thread; its text may.
                    let result = run(job).map_err(|error| error.to_string());
                    results.lock().expect("nothing panics in here").push((job, result));
                }
            });
        }
    });
    let results = results.into_inner().expect("nothing panicked").into_iter();
    results.map(|(job, result)| Ok((job, result?))).collect()
}
