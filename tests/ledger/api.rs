//! What differs between the versions of the crate: names, what a tracker counts, and the faults
//! that are known.

use std::panic::Location;
use std::sync::OnceLock;

use futures_shield::Unfinished;

pub type Place = &'static Location<'static>;

/// A place in a form that can be sorted.
pub type Line = (&'static str, u32, u32);

pub fn line(place: Place) -> Line {
    (place.file(), place.line(), place.column())
}

/// How much is left at each place, and how much of it is orphans.
pub fn lines(unfinished: &Unfinished) -> Vec<(Line, usize, usize)> {
    let locations = unfinished.locations().iter();
    locations
        .map(|at| (line(at.location()), at.len(), at.orphans()))
        .collect()
}

/// Inline work counts in a tracker from its first poll.
pub const INLINE_COUNTS: bool = true;

/// Faults of the crate that are not fixed yet: the checks that find them are off.
/// `SHIELD_FIND=b1,b3` turns some on.
const KNOWN: &[&str] = &["c1"];

pub fn is_known(fault: &str) -> bool {
    static WANTED: OnceLock<String> = OnceLock::new();
    let wanted = WANTED.get_or_init(|| std::env::var("SHIELD_FIND").unwrap_or_default());
    KNOWN.contains(&fault) && !wanted.split(',').any(|one| one == fault || one == "all")
}
