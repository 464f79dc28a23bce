//! The results of the demo, as a table and as a verdict.

use std::fmt;

use crate::Result;
use crate::mode::Mode;

/// The results of one mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tally {
    pub mode: Mode,
    pub charges: u64,
    pub orders: u64,
}

impl Tally {
    /// Returns how many customers have paid and have no order.
    pub fn lost(&self) -> u64 {
        self.charges.saturating_sub(self.orders)
    }
}

#[derive(Clone, Debug)]
pub struct Report {
    pub requests: u64,
    pub tallies: Vec<Tally>,
}

impl Report {
    /// Returns an error if a shielded mode lost an order, or if the run shows nothing.
    pub fn verdict(&self) -> Result<()> {
        for tally in &self.tallies {
            let Tally { mode, charges, orders } = *tally;
            if charges != self.requests {
                return Err(format!("{mode}: {charges} charges for {} requests", self.requests).into());
            }
            match mode {
                Mode::Unshielded if orders != 0 => {
                    return Err(
                        format!("{mode}: {orders} orders outlived their customers, so this run shows nothing").into(),
                    );
                }
                Mode::Shield | Mode::OnDrop if orders != charges => {
                    return Err(format!("{mode}: {charges} charges, but {orders} orders").into());
                }
                _ => {}
            }
        }
        Ok(())
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(
            f,
            "{} customers are charged, and hang up before the gateway has answered:\n",
            self.requests
        )?;
        writeln!(f, "  {:<16}{:>8}{:>8}{:>8}", "mode", "charges", "orders", "lost")?;
        for tally in &self.tallies {
            writeln!(
                f,
                "  {:<16}{:>8}{:>8}{:>8}",
                tally.mode,
                tally.charges,
                tally.orders,
                tally.lost()
            )?;
        }
        Ok(())
    }
}
