//! Everything that is measured, and the targets.

use crate::subject::{Build, Subject, on};

/// What is counted or timed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Metric {
    /// Instructions per operation, with each allocation at a fixed cost: what glibc's takes depends on what the heap holds.
    Instructions,
    /// Instructions per operation, with glibc's malloc and free.
    InstructionsWithMalloc,
    /// Allocations per operation.
    Allocations,
    /// Bytes on the heap for each that is alive.
    Bytes,
    /// The largest future, in KiB, that a debug build can await on a stack of 2 MiB.
    Stack,
    /// Nanoseconds per operation, both alternately.
    Time,
}

/// What a row promises.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Target {
    /// The first at most this many times the second.
    Ratio(f64),
    /// The first at most this much more than the second.
    More(f64),
    /// The first at least this much.
    Least(f64),
    /// Nothing: it is good to know.
    None,
}

/// Two subjects, side by side.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    pub(crate) metric: Metric,
    pub(crate) first: Subject,
    pub(crate) second: Subject,
    pub(crate) target: Target,
    /// What `check` lets pass although it misses the target, and why it does.
    pub(crate) accepted: Option<(f64, &'static str)>,
}

#[derive(Debug)]
pub(crate) struct Section {
    pub(crate) title: &'static str,
    pub(crate) about: &'static str,
    pub(crate) rows: Vec<Row>,
}

impl Row {
    fn new(metric: Metric, first: Subject, second: Subject, target: Target) -> Self {
        Self {
            metric,
            first,
            second,
            target,
            accepted: None,
        }
    }

    /// Lets `figure` pass although it misses the target, for a reason.
    fn accepting(mut self, figure: f64, reason: &'static str) -> Self {
        self.accepted = Some((figure, reason));
        self
    }
}

// Why `check` lets a row pass that misses its target. The numbers are instructions per operation, by function, of callgrind.
// Each figure has some 2 to 4% of room, because the layout of the code moves instruction counts between builds.
const LAYOUT: &str = "met if the compiler inlines the same functions of tokio in both";
const EVEN: &str = "met, but one instruction more would miss it";
const SMALL: &str = "beside the second allocation (48), creating, handing over and the second poll take 127, storing the caller's \
                     waker 51, the end 93 and the task's poll 28; this executor's own handle takes 162 for its polls, its waker \
                     and its drop. In one of smol's binaries the compiler inlines its queue: 60";
const ORPHAN: &str = "the caller's drop takes 79, the end of an orphan 65, storing the caller's waker 51 and the second allocation \
                      48; tokio takes 163 for its handle's poll and drop";
const INLINE: &str = "the spawner, the location and the function that spawns are stored (6); what is attached is stored, and read \
                      at the end (3); the state is stored twice (2); a call to a spawner that is to be hidden is looked for (3), \
                      without which it is met";
const LOCKS: &str =
    "5 atomic operations more than tokio's 26 (without malloc's), of 5 ns each, on memory of one worker only";
const COUNTS: &str = "on cache lines that both workers write, tracking takes 6 atomic operations (2 on the location's reference \
                      count, 2 on its count, 2 on the count of all), tokio-util's 4, on one line: 118 ns against 45, or 306 \
                      against 180 if the cores are far apart. On one thread it is 1.10 (318 ns against 289). Without the \
                      location's own count it would be 1.18";
const CROWD: &str = "115 ns more: 47 for 586 instructions, 476 of which are malloc's, which splits and merges the gaps between tasks, \
                     where relays lie; 46 for cache misses (25 against 20 in the first level, 18 against 15 in the last), because \
                     a relay is touched again when its caller is dropped and when its work ends; 22 for page faults (129 against \
                     118 in 1,000), because the handles in the caller's `Vec` are of 56 bytes, not 8";

/// Every way to shield that spawns at once, and what spawns the same without a shield.
const EAGER: [(&str, &str); 8] = [
    ("shield", "tokio_spawn"),
    ("shield_with", "tokio_spawn"),
    ("shield_local", "spawn_local"),
    ("shield_tracker", "tokio_spawn"),
    ("shield_dyn", "tokio_spawn"),
    ("shield_layer", "tokio_spawn"),
    ("smol_shield", "smol_spawn"),
    ("async_std_shield", "async_std_spawn"),
];

pub(crate) fn sections() -> Vec<Section> {
    vec![
        ready(),
        partway(),
        large(),
        workers(),
        alive(),
        memory(),
        tracing(),
        stack(),
    ]
}

fn ready() -> Section {
    use Metric::{Instructions, InstructionsWithMalloc};
    use Target::{More, None, Ratio};
    let row = |metric, first, second, target| Row::new(metric, on(first, "ready"), on(second, "ready"), target);
    Section {
        title: "A ready future is awaited",
        about: "The work is ready when it is first polled.",
        rows: vec![
            row(Instructions, "shield", "tokio_spawn", Ratio(1.05)),
            row(Instructions, "shield", "tokio_shield", Ratio(1.00)).accepting(1.03, LAYOUT),
            row(Instructions, "shield_tracker", "shield", Ratio(1.10)).accepting(1.13, LAYOUT),
            row(InstructionsWithMalloc, "shield_tracker", "shield", Ratio(1.10)),
            row(Instructions, "shield_on_orphan", "shield", Ratio(1.05)),
            row(Instructions, "shield_fallible", "shield", None),
            row(Instructions, "shield_tracker", "task_tracker", None),
            row(Instructions, "shield", "remote_handle", None),
            row(Instructions, "smol_shield", "smol_spawn", Ratio(1.10)).accepting(1.20, SMALL),
            row(Instructions, "async_task_shield", "async_task_spawn", Ratio(1.10)).accepting(1.68, SMALL),
            row(Instructions, "shield_on_drop", "box_pin", More(15.0)).accepting(18.0, INLINE),
            row(Instructions, "shield_on_drop", "tokio_cancel_guard", Ratio(1.00)).accepting(1.03, EVEN),
            row(Instructions, "shield_on_drop", "guarden", Ratio(1.00)),
            row(Instructions, "shield_on_drop", "guarden_closure", None),
            row(Instructions, "shield_on_drop_tracker", "shield_on_drop", More(80.0)),
        ],
    }
}

fn partway() -> Section {
    use Metric::Instructions;
    use Target::{None, Ratio};
    let row = |first, second, target| Row::new(Instructions, on(first, "partway"), on(second, "partway"), target);
    Section {
        title: "The caller is dropped while the work is suspended",
        about: "From the call to the end of the work, which continues as an orphan.",
        rows: vec![
            row("shield", "tokio_spawn", Ratio(1.05)).accepting(1.08, ORPHAN),
            row("shield", "tokio_shield", None),
            row("shield_tracker", "shield", None),
            row("shield_on_orphan", "shield", None),
            row("shield_on_drop", "tokio_cancel_guard", Ratio(1.05)).accepting(1.08, LAYOUT),
            row("shield_on_drop", "guarden", Ratio(1.05)).accepting(1.08, LAYOUT),
            row("shield_on_drop", "guarden_closure", None),
            row("shield_on_drop_tracker", "shield_on_drop", None),
        ],
    }
}

fn large() -> Section {
    let mut rows = Vec::new();
    for (size, bound) in [("2100B", 0.85), ("8KiB", 0.85), ("20KiB", 0.85), ("256KiB", 0.60)] {
        for (first, second) in EAGER {
            let bound = if first == "shield" { bound } else { 0.95 };
            let (first, second) = (on(first, size), on(second, size));
            rows.push(Row::new(Metric::Time, first, second, Target::Ratio(bound)));
        }
    }
    Section {
        title: "Large futures",
        about: "Each writes all its bytes, suspends once, and is awaited. What differs is how often they are moved.",
        rows,
    }
}

fn workers() -> Section {
    let row = |first, second, bound| {
        let (first, second) = (on(first, "workers"), on(second, "workers"));
        Row::new(Metric::Time, first, second, Target::Ratio(bound))
    };
    Section {
        title: "Two workers at once",
        about: "One multi-thread runtime with two workers, and on each of them a driver that awaits ready futures one after another. \
                tokio may move a driver to the other worker; then one worker runs both and the other one nothing, without any \
                traffic between two cores, and that is not what this row asks. So a driver first blocks its worker until the \
                other driver runs as well (they are on different workers then), keeps its worker busy until the other driver is \
                done too (an idle worker would steal), and compares its thread after each operation. A run in which one has \
                moved is discarded. So is one in which the system has preempted one, because the other is faster while it is \
                alone; turns take 2 ms, so that most are not. How far apart the two cores are, the host of a virtual machine \
                decides: at times, all of this takes 2.6 times as long here (the ratios are 1.05, 1.05 and 1.18 then).",
        rows: vec![
            row("shield", "tokio_spawn", 1.10).accepting(1.20, LOCKS),
            row("shield", "tokio_shield", 1.10).accepting(1.20, LOCKS),
            row("shield_tracker", "task_tracker", 1.10).accepting(1.35, COUNTS),
        ],
    }
}

fn alive() -> Section {
    const FEW: usize = 1_000;
    const MANY: usize = 20_000;
    let flat = |of| {
        let row = |metric, many| {
            Row::new(
                metric,
                on(of, "crowd").times(many),
                on(of, "crowd").times(FEW),
                Target::None,
            )
        };
        [
            Row {
                target: Target::Ratio(1.05),
                ..row(Metric::Instructions, MANY)
            },
            row(Metric::Time, 1_000_000),
        ]
    };
    let mut rows: Vec<_> = [
        "tokio_spawn",
        "shield",
        "shield_tracker",
        "tracker_100_locations",
        "shield_on_drop",
    ]
    .into_iter()
    .flat_map(flat)
    .collect();
    let million = |of| on(of, "crowd").times(1_000_000);
    rows.push(
        Row::new(
            Metric::Time,
            million("shield"),
            million("tokio_spawn"),
            Target::Ratio(1.10),
        )
        .accepting(1.32, CROWD),
    );
    Section {
        title: "Many are alive, then all callers are dropped at once",
        about: "Per operation, from the call to the end of the orphan. Instructions must not grow with their number; time does, for \
                everybody, as caches are missed. Each time is that of a new process, which touches all of its memory for the \
                first time, with a thousand alive as with a million. Once it is touched, a thousand take 363 ns, and 316 ns with \
                `tokio::spawn`.",
        rows,
    }
}

fn memory() -> Section {
    use Metric::{Allocations, Bytes};
    use Target::{More, None};
    let row =
        |metric, scenario, first, second, target| Row::new(metric, on(first, scenario), on(second, scenario), target);
    Section {
        title: "Heap",
        about: "Allocations of an operation that ends, and bytes that are held while the work, some 100 bytes, is suspended. (A task \
                of tokio is one allocation, aligned to 128 bytes.)",
        rows: vec![
            row(Allocations, "ready", "shield", "tokio_spawn", More(1.0)),
            row(Allocations, "ready", "shield_on_orphan", "shield", More(0.0)),
            row(Allocations, "ready", "shield_tracker", "shield", More(0.0)),
            row(Allocations, "ready", "shield_on_drop", "box_pin", More(0.0)),
            row(
                Allocations,
                "ready",
                "shield_on_drop_on_orphan",
                "shield_on_drop",
                More(0.0),
            ),
            row(Allocations, "partway", "shield_on_drop", "tokio_cancel_guard", None),
            row(Bytes, "held", "shield", "tokio_spawn", More(64.0)),
            row(Bytes, "held", "shield_tracker", "shield", None),
            row(Bytes, "held", "tracker_100_locations", "shield_tracker", None),
            row(Bytes, "held", "shield_on_drop", "box_pin", More(0.0)),
            row(Bytes, "held", "shield_on_drop_tracker", "shield_on_drop", None),
        ],
    }
}

fn tracing() -> Section {
    use Target::{More, None};
    let row = |binary, scenario, traced, target| {
        let traced = on(binary, traced).in_build(Build::Tracing);
        Row::new(Metric::Instructions, traced, on(binary, scenario), target)
    };
    Section {
        title: "With the feature `tracing`",
        about: "Against the same without the feature: without a subscriber, and with one that formats every event, inside a span.",
        rows: vec![
            row("shield", "ready", "ready", More(25.0)).accepting(48.0, LAYOUT),
            row("shield_on_drop", "ready", "ready", More(25.0)),
            row("shield", "partway", "partway", None),
            row("shield_on_drop", "partway", "partway", None),
            row("shield", "ready", "ready_subscribed", None),
            row("shield_on_drop", "ready", "ready_subscribed", None),
            row("shield", "partway", "partway_subscribed", None),
            row("shield_on_drop", "partway", "partway_subscribed", None),
        ],
    }
}

fn stack() -> Section {
    let row = |first, second| {
        let debug = |binary| on(binary, "stack").in_build(Build::Debug);
        Row::new(Metric::Stack, debug(first), debug(second), Target::Least(192.0))
    };
    let inline = ["shield_on_drop", "cleanup"].map(|inline| (inline, "tokio_cancel_guard"));
    let mut rows: Vec<_> = (EAGER.into_iter().chain(inline))
        .map(|(first, second)| row(first, second))
        .collect();
    rows.insert(1, row("shield", "tokio_shield"));
    Section {
        title: "Stack of a debug build",
        about: "The largest future, in KiB, that can be awaited on a stack of 2 MiB, the default of Rust's threads and of tokio's \
                workers.",
        rows,
    }
}
