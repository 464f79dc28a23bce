//! Printing operations.

use std::fmt;

use super::Op;

/// Prints only the fields that say something.
pub struct Plainly<'a>(pub &'a Op);

impl fmt::Display for Plainly<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut text = format!("{:?}", self.0);
        for silent in [
            ", first_poll: Nothing",
            ", drop: Nothing",
            ", output_drop: Nothing",
            ", output_clone: Nothing",
            ", spawner_drop: Nothing",
            ", track: Nothing",
            ", closure: Nothing",
            ", closure_drop: Nothing",
            ", value_drop: Nothing",
            ", run: Nothing",
            ", make: Nothing",
            ", make_drop: Nothing",
            ", awaits: None",
            ", window: None",
            ", hook: None",
            ", clock: None",
            ", panics: false",
            ", gated: false",
            ", keeps_waker: false",
            ", payload_panics: false",
        ] {
            text = text.replace(silent, "");
        }
        f.write_str(&text)
    }
}
