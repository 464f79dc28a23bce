//! The targets, and whether they are met.

use futures_shield_benches::heap::Figure;

use crate::callgrind::Counts;
use crate::pair::Pair;

/// One promise, measured.
pub(crate) struct Target {
    path: &'static str,
    bound: Bound,
    measured: f64,
    /// The same with the system's allocator, where that makes a difference: what is meant there, and what is.
    system: Option<(Bound, f64)>,
}

#[derive(Clone, Copy)]
pub(crate) enum Bound {
    Ratio(f64),
    RatioAtLeast(f64),
    AtMost(f64, &'static str),
    Exactly(f64, &'static str),
}

/// The targets that are not met today: [`Target::is_broken`] lets them pass.
const MISSED: &[&str] = &[];

impl Target {
    fn new(path: &'static str, bound: Bound, measured: f64) -> Self {
        Self {
            path,
            bound,
            measured,
            system: None,
        }
    }

    pub(crate) fn path(&self) -> &'static str {
        self.path
    }

    pub(crate) fn bound(&self) -> String {
        self.bound.asked()
    }

    pub(crate) fn measured(&self) -> String {
        self.bound.measured(self.measured)
    }

    pub(crate) fn system(&self) -> String {
        match self.system {
            Some((bound, measured)) => {
                let verdict = if bound.is_met(measured) { "" } else { " (over)" };
                format!("{}{verdict}", bound.measured(measured))
            }
            None => String::new(),
        }
    }

    pub(crate) fn is_met(&self) -> bool {
        self.bound.is_met(self.measured)
    }

    /// Whether it was met when [`MISSED`] was written, and is not now.
    pub(crate) fn is_broken(&self) -> bool {
        !self.is_met() && !MISSED.contains(&self.path)
    }
}

impl Bound {
    fn asked(self) -> String {
        match self {
            Self::Ratio(bound) => format!("at most {bound:.2}"),
            Self::RatioAtLeast(bound) => format!("at least {bound:.2}"),
            Self::AtMost(bound, of) => format!("at most {bound:.0} {of}"),
            Self::Exactly(count, of) => format!("{count:.0}{of}"),
        }
    }

    fn measured(self, measured: f64) -> String {
        match self {
            Self::Ratio(_) | Self::RatioAtLeast(_) => format!("{measured:.3}"),
            Self::AtMost(..) | Self::Exactly(..) => format!("{measured:.0}"),
        }
    }

    fn is_met(self, measured: f64) -> bool {
        match self {
            // Counts repeat, but for a fraction of an instruction. What is shown is what is compared.
            Self::Ratio(bound) => measured < bound + 0.000_5,
            Self::RatioAtLeast(bound) => measured >= bound,
            Self::AtMost(bound, _) => measured < bound + 0.5,
            Self::Exactly(count, _) => measured == count,
        }
    }
}

pub(crate) fn instructions(pool: &Counts, system: Option<&Counts>) -> Vec<Target> {
    let ratio = |path, of, to, bound| {
        let bound = Bound::Ratio(bound);
        Target {
            system: system.map(|system| (bound, system[of] / system[to])),
            ..Target::new(path, bound, pool[of] / pool[to])
        }
    };
    let over_box = Target {
        system: system.map(|system| (Bound::Ratio(1.10), system["shield_on_drop"] / system["box_pin"])),
        ..Target::new(
            "`f.shield_on_drop(&tokio).await` against `Box::pin(f).await`",
            Bound::AtMost(15.0, "instructions more"),
            pool["shield_on_drop"] - pool["box_pin"],
        )
    };
    vec![
        ratio(
            "`f.shield(&tokio).await` against tokio-shield",
            "shield",
            "tokio_shield",
            1.00,
        ),
        ratio(
            "the same against `tokio::spawn(f).await`",
            "shield",
            "tokio_spawn",
            1.05,
        ),
        over_box,
        ratio(
            "the same against tokio-cancel-guard",
            "shield_on_drop",
            "tokio_cancel_guard",
            1.00,
        ),
        ratio("the same against guarden", "shield_on_drop", "guarden", 1.00),
        ratio(
            "`f.shield(&tracker).await` against `f.shield(&tokio).await`",
            "shield_tracker",
            "shield",
            1.10,
        ),
        ratio(
            "`on_orphan` with a closure that captures nothing",
            "shield_on_orphan",
            "shield",
            1.05,
        ),
    ]
}

pub(crate) fn heap(figures: &[Figure]) -> Vec<Target> {
    let figure = |code| {
        let found = figures.iter().find(|figure| figure.code == code);
        found.expect("it is in the list of figures")
    };
    let eager = figure("f.shield(&tokio).await");
    let hooked = figure("f.shield(&tokio).on_orphan(|_| {}).await");
    let inline = figure("f.shield_on_drop(&tokio).await");
    let task = figure("tokio::spawn(f).await");
    vec![
        Target::new(
            "allocations, eager",
            Bound::Exactly(2.0, ", one of them the runtime's"),
            eager.allocations,
        ),
        Target::new(
            "allocations, on drop",
            Bound::Exactly(1.0, ", its box"),
            inline.allocations,
        ),
        Target::new(
            "allocations, a hook that captures nothing",
            Bound::Exactly(0.0, " more"),
            hooked.allocations - eager.allocations,
        ),
        Target::new(
            "heap per live eager shield of a `u64` from a future of some 100 bytes, over `tokio::spawn`'s own",
            Bound::AtMost(64.0, "bytes"),
            eager.live - task.live,
        ),
    ]
}

pub(crate) fn tracker_throughput(pair: &Pair) -> Target {
    Target::new(
        "two threads through one `Tracker`, throughput against two through one TaskTracker",
        Bound::RatioAtLeast(0.90),
        pair.median,
    )
}
