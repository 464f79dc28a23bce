//! How the shop protects an order from its customer hanging up.

use std::fmt;
use std::str::FromStr;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Not at all: the order is dropped with its connection.
    Unshielded,
    /// Each order runs as its own task from the start.
    Shield,
    /// An order becomes a task only if its connection drops it partway.
    OnDrop,
}

impl Mode {
    pub const ALL: [Self; 3] = [Self::Unshielded, Self::Shield, Self::OnDrop];
}

/// Parses the names that the command line uses.
impl FromStr for Mode {
    type Err = String;

    fn from_str(name: &str) -> Result<Self, String> {
        match name {
            "none" | "unshielded" => Ok(Self::Unshielded),
            "shield" => Ok(Self::Shield),
            "on-drop" | "shield_on_drop" => Ok(Self::OnDrop),
            _ => Err(format!("no such mode: {name:?} (there are: shield, on-drop, none)")),
        }
    }
}

impl fmt::Display for Mode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Unshielded => "unshielded",
            Self::Shield => "shield",
            Self::OnDrop => "shield_on_drop",
        })
    }
}
