//! The same programs cut over threads and run on real executors: what must be true at the end of
//! each.
//!
//! No model can say what a query returns while threads race. So a program is judged at quiet points
//! only: once every tracker has nothing left, each token has ended once, each outcome went to one
//! place, and every waker was released.

mod end;
mod executors;
mod foreign;
mod handle;
mod make;
mod player;
mod record;
mod run;
mod served;
mod tasks;

use std::sync::Arc;
use std::thread;
use std::time::Duration;

use self::executors::Executors;
pub use self::player::player;
use self::run::Crowd;
use super::program::Op;

/// How many threads play a program.
const THREADS: usize = 4;

/// Longer than anything takes: what is not over by then was never woken.
const DEADLINE: Duration = Duration::from_secs(10);

/// What the programs did.
#[derive(Default)]
struct Seen {
    pub delivered: u64,
    pub hooked: u64,
    pub dropped: u64,
}

/// Plays `program` on four threads: each plays every fourth operation. Returns how many there were.
fn play(program: &Arc<[Op]>, executors: &Arc<Executors>, seen: &mut Seen) -> Result<u64, String> {
    let crowd = Arc::new(Crowd::new(Arc::clone(executors)));
    let players: Vec<_> = (0..THREADS)
        .map(|player| {
            let (program, crowd) = (Arc::clone(program), Arc::clone(&crowd));
            thread::spawn(move || {
                for op in program.iter().skip(player).step_by(THREADS) {
                    crowd.run(op);
                }
            })
        })
        .collect();
    for player in players {
        player.join().map_err(|_| "a player panicked".to_owned())?;
    }
    crowd.finish()?;
    let counts = crowd.record.judge()?;
    seen.delivered += counts.delivered;
    seen.hooked += counts.hooked;
    seen.dropped += counts.dropped;
    Ok(crowd.operations())
}
