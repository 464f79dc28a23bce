//! Where work was shielded.

use futures_shield::{Unfinished, UnfinishedAt};

/// Returns the file, the line and the count of each location.
pub(crate) fn lines(unfinished: &Unfinished) -> Vec<(&'static str, u32, usize)> {
    let line = |at: &UnfinishedAt| (at.location().file(), at.location().line(), at.len());
    unfinished.locations().iter().map(line).collect()
}
