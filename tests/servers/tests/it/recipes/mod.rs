//! Code of docs/guide.md that needs a driver or a server. `.ci/docs` checks that the guide has these
//! files word for word.

pub mod close;
pub mod tonic;
pub mod transaction;
