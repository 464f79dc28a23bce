//! Plays one program on a new world, and looks at what is left of it.

use std::rc::Rc;

use stats_alloc::Region;

use super::program::Op;
use super::world::{World, set_world, wakers};

/// What a program did.
#[derive(Default)]
pub struct Played {
    pub operations: u64,
    pub calls: u64,
    pub outcomes: u64,
}

/// Plays `program`. The error says at which operation something was wrong, and what.
pub fn play(program: &[Op], trace: bool) -> Result<Played, String> {
    let world = Rc::new(World::new(wakers(), trace));
    set_world(Some(Rc::clone(&world)));
    world.start();
    let mut played = Ok(());
    for (index, op) in program.iter().enumerate() {
        if trace {
            world.note(|| format!("-- {index}"));
        }
        world.run(op);
        world.quiesce();
        world.forget_the_ended();
        if let Some(failure) = world.model.borrow().failure.clone() {
            played = Err(format!("at operation {index}: {failure}"));
            break;
        }
    }
    if played.is_ok() {
        world.finish();
        if let Some(failure) = world.model.borrow().failure.clone() {
            played = Err(format!("at the end: {failure}"));
        }
    }
    let counts = {
        let model = world.model.borrow();
        Played {
            operations: world.operations.get(),
            calls: model.events,
            outcomes: model.outcomes,
        }
    };
    set_world(None);
    if played.is_err() {
        // Whatever is left is in an unknown state.
        std::mem::forget(world);
    }
    played.map(|()| counts)
}

/// Plays `program`, and says how many bytes it kept.
pub fn weigh(program: &[Op]) -> (Result<Played, String>, isize) {
    let region = Region::new(super::GLOBAL);
    let played = play(program, false);
    let change = region.change();
    let kept = change.bytes_allocated as isize - change.bytes_deallocated as isize;
    (played, kept)
}
