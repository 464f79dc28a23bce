//! The reactions inside an operation, which can be left out one by one.

use super::*;

impl Op {
    /// Every reaction in it, in a fixed order, with those inside the reactions' own operations.
    pub fn reactions(&mut self, visit: &mut dyn FnMut(&mut React)) {
        match self {
            Self::Spawn(spawn) => {
                future_reactions(&mut spawn.future, visit);
                if let Some(window) = &mut spawn.window {
                    window_reactions(window, visit);
                }
                for react in [
                    &mut spawn.spawner_drop,
                    &mut spawn.track,
                    &mut spawn.closure,
                    &mut spawn.closure_drop,
                    &mut spawn.value_drop,
                ] {
                    react.visit(visit);
                }
                if let Some(hook) = &mut spawn.hook {
                    hook.run.visit(visit);
                    hook.drop.visit(visit);
                }
            }
            Self::Hook { hook, .. } => {
                hook.run.visit(visit);
                hook.drop.visit(visit);
            }
            Self::Direct { future, .. } => future_reactions(future, visit),
            Self::Drain { deadline, .. } => future_reactions(deadline, visit),
            Self::Window { window, .. } => window_reactions(window, visit),
            Self::ArmWaker { react, .. } => react.visit(visit),
            _ => {}
        }
    }

    /// Takes out the reactions whose places are in `without`.
    pub fn simplify(&mut self, without: &[usize]) {
        let mut place = 0;
        self.reactions(&mut |react| {
            if without.contains(&place) {
                *react = React::Nothing;
            }
            place += 1;
        });
    }

    /// The places of its reactions that do something.
    pub fn busy_reactions(&mut self) -> Vec<usize> {
        let (mut place, mut busy) = (0, Vec::new());
        self.reactions(&mut |react| {
            if !matches!(react, React::Nothing) {
                busy.push(place);
            }
            place += 1;
        });
        busy
    }
}

impl React {
    fn visit(&mut self, visit: &mut dyn FnMut(&mut Self)) {
        visit(self);
    }

    pub fn panics(&self) -> bool {
        matches!(self, Self::Panic | Self::RunAndPanic(_))
    }

    pub fn op(&self) -> Option<&Op> {
        match self {
            Self::Run(op) | Self::RunAndPanic(op) => Some(op),
            Self::Nothing | Self::Panic => None,
        }
    }
}

fn future_reactions(future: &mut FutureSpec, visit: &mut dyn FnMut(&mut React)) {
    future.first_poll.visit(visit);
    future.drop.visit(visit);
    future.output_drop.visit(visit);
    future.output_clone.visit(visit);
}

fn window_reactions(window: &mut WindowSpec, visit: &mut dyn FnMut(&mut React)) {
    future_reactions(&mut window.future, visit);
    if let Some(clock) = &mut window.clock {
        future_reactions(&mut clock.future, visit);
        clock.make.visit(visit);
        clock.make_drop.visit(visit);
    }
}
