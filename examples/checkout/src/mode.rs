//! How the shop protects an order from its customer hanging up.

use std::fmt;
use std::str::FromStr;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mode {
    /// Not at all: the order is dropped with its connection.
    Unshielded,
    /// Each order runs as a task of its own from the start.
    Shield,
    /// An order becomes a task when its connection drops it half-way, and only then.
    OnDrop,
}

impl Mode {
    pub const ALL: [Self; 3] = [Self::Unshielded, Self::Shield, Self::OnDrop];
}

/// The names of the command line.
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
