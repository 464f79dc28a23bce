//! What the crate says, in forms that can be compared.

use std::panic::Location;

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
