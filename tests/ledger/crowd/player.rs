//! What a player process does that plays programs on threads and real executors.

use std::process::ExitCode;
use std::sync::Arc;

use super::super::players::{play_each, say, silence_panics};
use super::super::program::Op;
use super::{Executors, Seen, play};

/// Plays programs. It may abort or hang.
pub fn player() -> ExitCode {
    silence_panics();
    let mut seen = Seen::default();
    let mut executors = Arc::new(Executors::new());
    let totals = play_each(|seed, mut program| {
        // Executors are dear: in one program of eight some are shut down, and then they are made
        // again.
        let shuts_down = seed % 8 == 0;
        if !shuts_down {
            program.retain(|op| !matches!(op, Op::ShutDown { .. }));
        }
        let operations = play(&program.into(), &executors, &mut seen)?;
        if shuts_down {
            executors = Arc::new(Executors::new());
        }
        Ok(operations)
    });
    let Some(totals) = totals else {
        return ExitCode::FAILURE;
    };
    say(format_args!(
        "D {} operations in {} programs on threads; {} outcomes delivered, {} hooked, {} dropped; {:.1} s",
        totals.operations, totals.programs, seen.delivered, seen.hooked, seen.dropped, totals.seconds
    ));
    ExitCode::SUCCESS
}
