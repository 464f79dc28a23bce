//! A tracker's numbers, for dashboards and logs.

use std::fmt;
use std::panic::Location;

use crate::ledger::Counts;

/// A snapshot of a [`Tracker`](crate::Tracker)'s numbers: one row for each location, and their
/// sums.
///
/// Returned by [`Tracker::metrics`](crate::Tracker::metrics). A row stays when its work has ended.
/// So the totals never decrease: they are counters, and `running` and `orphans` are gauges.
///
/// An ending counts once the hook has run, so `orphaned_total` is always the sum of `orphans`,
/// `finished_total`, `panicked_total` and `cancelled_total`, inside a hook too. Work whose caller
/// took its outcome is in none of the totals, nor is work that was spawned directly on the tracker.
///
/// # Examples
///
/// ```
/// # #[cfg(feature = "tokio")] {
/// use futures_shield::{ShieldExt, Tokio, Tracker};
///
/// # tokio::runtime::Runtime::new().unwrap().block_on(async {
/// let tracker = Tracker::new(Tokio::current());
/// async { /* .. */ }.shield(&tracker).detach();
/// tracker.wait().await;
///
/// for row in tracker.metrics().locations() {
///     let location = row.location().to_string();
///     println!("orphans{{location={location:?}}} {}", row.orphans());
///     println!("orphaned_total{{location={location:?}}} {}", row.orphaned_total());
/// }
/// # });
/// # }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct TrackerMetrics {
    /// Sorted by file, line and column.
    locations: Vec<LocationMetrics>,
}

/// The numbers of one location in [`TrackerMetrics`].
///
/// # Examples
///
/// ```
/// use futures_shield::{LocationMetrics, TrackerMetrics};
///
/// /// The locations whose orphans have panicked.
/// fn alarms(metrics: &TrackerMetrics) -> impl Iterator<Item = &LocationMetrics> {
///     metrics.locations().iter().filter(|row| row.panicked_total() > 0)
/// }
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct LocationMetrics {
    counts: Counts,
}

impl TrackerMetrics {
    pub(super) fn new(counts: Vec<Counts>) -> Self {
        let locations = counts.into_iter().map(|counts| LocationMetrics { counts }).collect();
        Self { locations }
    }

    /// Returns the numbers of each location that the tracker has counted work of, sorted by file,
    /// line and column. Each location has one row.
    #[must_use]
    pub fn locations(&self) -> &[LocationMetrics] {
        &self.locations
    }
}

impl LocationMetrics {
    /// Returns the location of the call that shielded the work.
    #[must_use]
    pub fn location(&self) -> &'static Location<'static> {
        self.counts.location
    }
}

/// The six numbers, of one location and summed.
macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident($counts:ident) -> $number:ty = $value:expr;)*) => {
        impl LocationMetrics {
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $name(&self) -> $number {
                    let $counts = &self.counts;
                    $value
                }
            )*
        }

        impl TrackerMetrics {
            $(
                $(#[$doc])*
                /// Summed over all locations.
                #[must_use]
                pub fn $name(&self) -> $number {
                    self.locations.iter().map(LocationMetrics::$name).sum()
                }
            )*
        }

        impl fmt::Debug for LocationMetrics {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("LocationMetrics")
                    .field("location", &format_args!("{}", self.location()))
                    $(.field(stringify!($name), &self.$name()))*
                    .finish()
            }
        }

        impl fmt::Debug for TrackerMetrics {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct("TrackerMetrics")
                    $(.field(stringify!($name), &self.$name()))*
                    .field("locations", &self.locations)
                    .finish()
            }
        }
    };
}

numbers! {
    /// Returns how many pieces of work are running.
    running(counts) -> usize = counts.running;
    /// Returns how many of the running pieces of work have lost their caller.
    orphans(counts) -> usize = counts.orphans;
    /// Returns how many pieces of work have lost their caller before their end, since the tracker
    /// was created.
    orphaned_total(counts) -> u64 = counts.orphans as u64 + counts.finished + counts.panicked + counts.cancelled;
    /// Returns how many orphans finished with a value.
    finished_total(counts) -> u64 = counts.finished;
    /// Returns how many orphans panicked.
    panicked_total(counts) -> u64 = counts.panicked;
    /// Returns how many orphans were cancelled by their executor.
    cancelled_total(counts) -> u64 = counts.cancelled;
}
