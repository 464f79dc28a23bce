//! The figures as markdown.

use std::fmt::Write;
use std::fs;
use std::process::Command;

use futures_shield_benches::heap::Figure;
use futures_shield_benches::roster::{CONTENDERS, Class};

use crate::callgrind::Counts;
use crate::pair::Pair;
use crate::targets::Target;
use crate::time::Times;

/// The whole of RESULTS.md.
pub(crate) fn results(
    targets: &[Target],
    pair: &Pair,
    pool: &Counts,
    system: &Counts,
    heap: &[Figure],
    times: &Times,
) -> String {
    let sections = [
        "# futures-shield and its rivals, measured side by side\n".to_owned(),
        "Written by `cargo run --release -p futures-shield-benches`; src/lib.rs says how. Ours are in bold.\n".to_owned(),
        machine(),
        "![instructions per operation, and time per shield by how many are alive](results.svg)\n".to_owned(),
        "## Targets\n".to_owned(),
        self::targets(targets),
        by_turns(pair),
        "## Instructions\n\nPer operation, by callgrind: a future that is ready, on tokio's current-thread runtime, one binary per \
         contender, compiled as one codegen unit. Once with an allocator of fixed cost, once with the system's, as the mean \
         over eight heaps: what that costs depends on what it holds.\n"
            .to_owned(),
        instructions(pool, system),
        "## Heap\n\nAllocations of an operation that ends, and bytes that are held while its work, some 100 bytes, is \
         pending.\n"
            .to_owned(),
        allocations(heap),
        "## Time\n\nMedians of criterion, in nanoseconds per operation. They vary with the machine and its load, from \
         one figure to the next too; instructions do not.\n"
            .to_owned(),
        throughput(times),
        shared(times),
        alive(times),
        depart(times),
        large(times),
    ];
    sections.join("\n")
}

fn machine() -> String {
    let rustc = Command::new("rustc").arg("--version").output();
    let rustc = rustc.map_or_else(
        |_| "an unknown rustc".to_owned(),
        |output| String::from_utf8_lossy(&output.stdout).trim().to_owned(),
    );
    let cpuinfo = fs::read_to_string("/proc/cpuinfo").unwrap_or_default();
    let model = cpuinfo
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "));
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    format!(
        "On {cores} cores of {}, {rustc}.\n",
        model.map_or("an unknown processor", |(_, model)| model)
    )
}

pub(crate) fn targets(targets: &[Target]) -> String {
    let mut table =
        String::from("| path | target | measured | met | with the system's allocator |\n|---|---|--:|---|--:|\n");
    for target in targets {
        let met = if target.is_met() { "yes" } else { "**no**" };
        let _ = writeln!(
            table,
            "| {} | {} | {} | {met} | {} |",
            target.path(),
            target.bound(),
            target.measured(),
            target.system(),
        );
    }
    table
}

/// How the one target that is a matter of time was measured.
fn by_turns(pair: &Pair) -> String {
    format!(
        "The last row is time, and not criterion's: both trackers by turns, on one runtime with two workers, in {} rounds of \
         400,000 operations of each, from several processes: first the one goes first, then the other. Measured is the \
         median of the rounds' ratios, and half of them are from {:.3} to {:.3}. The other ratios are of instructions.\n",
        pair.rounds, pair.lower_quartile, pair.upper_quartile
    )
}

/// `|` ends a cell, in code too.
fn code(code: &str, ours: bool) -> String {
    let code = code.replace('|', "\\|");
    if ours {
        format!("**`{code}`**")
    } else {
        format!("`{code}`")
    }
}

pub(crate) fn instructions(pool: &Counts, system: &Counts) -> String {
    let mut table = String::new();
    for class in Class::ALL {
        let _ = writeln!(table, "| {} | fixed cost | system's |\n|---|--:|--:|", class.title());
        for contender in CONTENDERS.iter().filter(|contender| contender.class == class) {
            let _ = writeln!(
                table,
                "| {} | {:.0} | {:.0} |",
                code(contender.code, contender.ours),
                pool[contender.name],
                system[contender.name],
            );
        }
        table.push('\n');
    }
    table
}

fn allocations(figures: &[Figure]) -> String {
    let mut table = String::from("| | allocations | bytes while pending |\n|---|--:|--:|\n");
    for figure in figures {
        let ours = figure.code.contains("(&tokio)");
        let _ = writeln!(
            table,
            "| {} | {:.0} | {:.0} |",
            code(figure.code, ours),
            figure.allocations,
            figure.live
        );
    }
    table
}

/// How a contender of the time benchmarks is called, and whether it is ours.
fn name(contender: &str) -> String {
    match contender {
        "tracker" => code("f.shield(&tracker).await", true),
        name => {
            let found = CONTENDERS.iter().find(|contender| contender.name == name);
            found.map_or_else(|| code(name, false), |contender| code(contender.code, contender.ours))
        }
    }
}

/// A table of one benchmark group: contenders down, parameters across, each figure divided by its parameter where asked.
fn grid(times: &Times, title: &str, group: &str, contenders: &[&str], parameters: &[(&str, &str, f64)]) -> String {
    let mut table = format!("| {title} |");
    for (_, heading, _) in parameters {
        let _ = write!(table, " {heading} |");
    }
    let _ = writeln!(table, "\n|---|{}", "--:|".repeat(parameters.len()));
    for contender in contenders {
        let _ = write!(table, "| {} |", name(contender));
        for (parameter, _, divisor) in parameters {
            let _ = write!(
                table,
                " {:.0} |",
                times.nanoseconds(group, contender, parameter) / divisor
            );
        }
        table.push('\n');
    }
    table
}

const THREADS: &[(&str, &str, f64)] = &[("1", "one thread", 1.0), ("2", "two threads", 1.0)];

fn throughput(times: &Times) -> String {
    let contenders = [
        "box_pin",
        "shield_on_drop",
        "tokio_spawn",
        "shield",
        "tokio_shield",
        "remote_handle",
        "smol_spawn",
        "smol_shield",
    ];
    grid(
        times,
        "throughput, by worker threads",
        "throughput",
        &contenders,
        THREADS,
    )
}

fn shared(times: &Times) -> String {
    grid(
        times,
        "one tracker, shared by",
        "shared",
        &["task_tracker", "tracker"],
        THREADS,
    )
}

fn alive(times: &Times) -> String {
    let one = [
        ("1", "1", 1.0),
        ("1000", "1,000", 1.0),
        ("100000", "100,000", 1.0),
        ("1000000", "1,000,000", 1.0),
    ];
    let all = one.map(|(parameter, heading, _)| (parameter, heading, parameter.parse().expect("a number")));
    let first = grid(
        times,
        "one comes and goes, of as many alive",
        "one_of",
        &["tokio_spawn", "shield", "tracker"],
        &one,
    );
    let second = grid(
        times,
        "all are made, then all awaited, each of",
        "all_of",
        &["tokio_spawn", "shield"],
        &all,
    );
    format!("{first}\n{second}")
}

fn depart(times: &Times) -> String {
    let contenders = [
        "box_pin",
        "tokio_spawn",
        "tokio_shield",
        "shield",
        "shield_on_orphan",
        "shield_on_drop",
        "tokio_cancel_guard",
        "guarden",
    ];
    grid(
        times,
        "the caller leaves half-way",
        "depart",
        &contenders,
        &[("drop", "drop", 1.0)],
    )
}

fn large(times: &Times) -> String {
    let contenders = ["box_pin", "shield_on_drop", "tokio_spawn", "shield", "tokio_shield"];
    grid(
        times,
        "a future of",
        "large",
        &contenders,
        &[("256KiB", "256 KiB", 1.0)],
    )
}
